// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.architecture.offences;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.concurrent.Semaphore;

/** One method for each thing that is not to be done. None is ever called. */
@SuppressWarnings("restricted")
public final class Offences {
    private Offences() {}

    static MethodHandle bindsAFunction(MemorySegment address) {
        return Linker.nativeLinker().downcallHandle(address, FunctionDescriptor.ofVoid());
    }

    static SymbolLookup looksUpASymbol() {
        return SymbolLookup.loaderLookup();
    }

    static MemorySegment makesMemoryOfANumber() {
        return MemorySegment.ofAddress(4096).reinterpret(4096);
    }

    static void loadsALibrary() {
        System.loadLibrary("c");
    }

    static native void isNative();

    static boolean readsAFile() {
        return Files.exists(Path.of("/proc/self"));
    }

    static long readsAClock() {
        return System.nanoTime();
    }

    static Instant readsTheTime() {
        return Instant.now();
    }

    static Thread startsAThread() {
        return Thread.ofPlatform().start(() -> {});
    }

    static void prints() {
        System.out.println();
    }

    static void logs() {
        System.getLogger("").log(System.Logger.Level.INFO, "");
    }

    static int drawsANumber() {
        return new java.util.Random().nextInt();
    }

    static void waitsForAnother() throws InterruptedException {
        new Semaphore(0).acquire();
    }

    static synchronized void isSynchronized() {}
}
