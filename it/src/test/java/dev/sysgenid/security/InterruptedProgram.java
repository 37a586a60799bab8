// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import dev.sysgenid.SysGenId;
import dev.sysgenid.Watcher;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;

/**
 * Acknowledges each generation of the device that a test names, in a thread that others interrupt all the time; says "looping", and
 * runs until standard input ends.
 */
final class InterruptedProgram {
    private InterruptedProgram() {}

    /** Interrupts itself. */
    public static void main(String[] arguments) throws Exception {
        SysGenId id = SysGenId.open(Path.of(arguments[0]));
        Thread loop = new Thread(() -> loop(id), "loop");
        loop.setDaemon(true);
        loop.start();
        Thread interrupter = new Thread(() -> interrupt(loop), "interrupter");
        interrupter.setDaemon(true);
        interrupter.start();
        while (System.in.read() >= 0) {
            // Nobody says anything: it ends.
        }
        System.out.println(loop.isAlive() ? "the end" : "the loop has ended");
    }

    private static void loop(SysGenId id) {
        try (Watcher watcher = id.watcher(() -> {})) {
            System.out.println("looping");
            while (true) {
                if (watcher.isOutdated() && watcher.acknowledge(watcher.next())) {
                    System.out.println("acknowledged " + Integer.toUnsignedString(id.generation()));
                }
                Thread.onSpinWait();
            }
        }
    }

    private static void interrupt(Thread loop) {
        while (true) {
            loop.interrupt();
            LockSupport.parkNanos(20_000);
        }
    }
}
