// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import java.lang.foreign.AddressLayout;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Binds C functions to method handles. It is package-private: who can bind a function can do anything.
 *
 * <p>Functions that every supported C library has (glibc 2.17, musl 1.2) are bound by their name, the others are called
 * by their number through {@link #syscall}.
 */
@SuppressWarnings("restricted") // native access is what this module is for
final class Native {
    /** Whether this is aarch64; otherwise it is x86-64. */
    static final boolean AARCH64 = aarch64(System.getProperty("os.name"), System.getProperty("os.arch"));

    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    /** C's long, size_t, ssize_t, off_t and time_t: 64 bits on both machines. */
    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;

    static final AddressLayout POINTER = ValueLayout.ADDRESS;

    private static final Linker LINKER = Linker.nativeLinker();
    private static final SymbolLookup LIBC = LINKER.defaultLookup();
    private static final Linker.Option ERRNO = Linker.Option.captureCallState("errno");

    private Native() {}

    static boolean aarch64(String system, String machine) {
        if (!system.equals("Linux")) {
            throw new UnsupportedOperationException("This needs Linux, and runs on " + system);
        }
        return switch (machine.toLowerCase(Locale.ROOT)) {
            case "amd64", "x86_64" -> false;
            case "aarch64", "arm64" -> true;
            default ->
                throw new UnsupportedOperationException(
                        "This needs Linux on x86-64 or aarch64, and runs on " + machine);
        };
    }

    /** Binds a function that tells errors by errno. The first argument of the handle is {@link CallState#errno}. */
    static MethodHandle bind(String name, MemoryLayout result, MemoryLayout... arguments) {
        return LINKER.downcallHandle(symbol(name), FunctionDescriptor.of(result, arguments), ERRNO);
    }

    /** As {@link #bind}, for a function declared with "..." after its first {@code fixed} arguments. */
    static MethodHandle bindVariadic(String name, int fixed, MemoryLayout result, MemoryLayout... arguments) {
        return LINKER.downcallHandle(
                symbol(name), FunctionDescriptor.of(result, arguments), ERRNO, Linker.Option.firstVariadicArg(fixed));
    }

    /** Binds a function that returns its error number, or cannot fail. */
    static MethodHandle bindPlain(String name, MemoryLayout result, MemoryLayout... arguments) {
        return LINKER.downcallHandle(symbol(name), FunctionDescriptor.of(result, arguments));
    }

    /** As {@link #bindPlain}, or null when this C library has no such function. */
    static @Nullable MethodHandle bindPlainIfThere(String name, MemoryLayout result, MemoryLayout... arguments) {
        return LIBC.find(name)
                .map(address -> LINKER.downcallHandle(address, FunctionDescriptor.of(result, arguments)))
                .orElse(null);
    }

    private static MemorySegment symbol(String name) {
        return LIBC.find(name)
                .orElseThrow(() -> new UnsupportedOperationException("This C library has no function " + name));
    }

    /** A system call by its number, with up to six arguments; those that it does not take are ignored. */
    static long syscall(long number, long a, long b, long c, long d, long e, long f) {
        CallState state = CallState.current();
        try {
            return state.result((long) Syscall.HANDLE.invokeExact(state.errno, number, a, b, c, d, e, f));
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static long syscall(long number, long a, long b, long c) {
        return syscall(number, a, b, c, 0, 0, 0);
    }

    /** The number of a system call, which differs between the machines for the calls older than Linux 5.1. */
    static long number(int x86, int aarch64) {
        return AARCH64 ? aarch64 : x86;
    }

    /** The C string, with its terminating 0. */
    static MemorySegment string(SegmentAllocator allocator, String string) {
        if (string.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("A string for a system call holds the character 0: " + string);
        }
        return allocator.allocateFrom(string);
    }

    static MemorySegment stringOrNull(SegmentAllocator allocator, @Nullable String string) {
        return string == null ? MemorySegment.NULL : string(allocator, string);
    }

    /** Refuses a length that would let the kernel go past the segment. */
    static void checkLength(MemorySegment segment, long length) {
        Objects.checkFromIndexSize(0, length, segment.byteSize());
    }

    /** What to throw for what came out of a method handle: a function of C throws nothing, so it is not a checked one. */
    static Error unexpected(Throwable t) {
        if (t instanceof RuntimeException e) {
            throw e;
        }
        if (t instanceof Error e) {
            throw e;
        }
        return new AssertionError(t);
    }

    private static final class Syscall {
        /** {@code long syscall(long number, ...)}. */
        static final MethodHandle HANDLE = bindVariadic("syscall", 1, LONG, LONG, LONG, LONG, LONG, LONG, LONG, LONG);
    }
}
