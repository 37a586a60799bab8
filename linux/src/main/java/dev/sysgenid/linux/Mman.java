// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import static dev.sysgenid.linux.Native.INT;
import static dev.sysgenid.linux.Native.LONG;
import static dev.sysgenid.linux.Native.POINTER;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Mapped memory: {@code sys/mman.h}.
 *
 * <p>A mapped segment has global scope: nothing stops an access after {@link #munmap}, and such an access ends the
 * process. Whoever maps decides when nobody can read any more.
 */
@SuppressWarnings("MemberName") // the names of C
public final class Mman {
    public static final int PROT_NONE = 0;
    public static final int PROT_READ = 1;
    public static final int PROT_WRITE = 2;
    public static final int PROT_EXEC = 4;

    public static final int MAP_SHARED = 0x01;
    public static final int MAP_PRIVATE = 0x02;
    public static final int MAP_SHARED_VALIDATE = 0x03;
    public static final int MAP_FIXED = 0x10;
    public static final int MAP_ANONYMOUS = 0x20;
    public static final int MAP_LOCKED = 0x2000;
    public static final int MAP_NORESERVE = 0x4000;
    public static final int MAP_POPULATE = 0x8000;

    public static final int MFD_CLOEXEC = 0x1;
    public static final int MFD_ALLOW_SEALING = 0x2;
    /** Since Linux 6.3. */
    public static final int MFD_NOEXEC_SEAL = 0x8;

    private Mman() {}

    /**
     * Maps {@code length} bytes of a file from {@code offset}, at an address that the kernel chooses.
     *
     * @param fd the file, or -1 with {@link #MAP_ANONYMOUS}
     * @param offset a multiple of the page size
     * @return a segment of global scope, {@code length} bytes long, to be given to {@link #munmap}
     */
    @SuppressWarnings("restricted") // the kernel has just said that the memory is there
    public static MemorySegment mmap(long length, int prot, int flags, int fd, long offset) throws SystemCallException {
        long address =
                SystemCallException.check(mmapAddress(length, prot, flags, fd, offset), "mmap of descriptor", fd);
        return MemorySegment.ofAddress(address).reinterpret(length);
    }

    /** As {@link #mmap}, but returns the address, or the negated error number. */
    public static long mmapAddress(long length, int prot, int flags, int fd, long offset) {
        CallState state = CallState.current();
        try {
            MemorySegment mapped = (MemorySegment)
                    Mmap.HANDLE.invokeExact(state.errno, MemorySegment.NULL, length, prot, flags, fd, offset);
            return state.result(mapped.address()); // MAP_FAILED is -1
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /**
     * Maps a file, or with {@link #MAP_ANONYMOUS} nothing, over a part of what is mapped already.
     *
     * @param place a slice of a segment made by {@link #mmap}, at a multiple of the page size; what was mapped there is
     *     gone
     * @param flags {@link #MAP_FIXED} is implied
     * @return 0 or the negated error number; after an error the old mapping may be gone
     */
    public static int mmapOver(MemorySegment place, int prot, int flags, int fd, long offset) {
        CallState state = CallState.current();
        try {
            MemorySegment mapped = (MemorySegment)
                    Mmap.HANDLE.invokeExact(state.errno, place, place.byteSize(), prot, flags | MAP_FIXED, fd, offset);
            return (int) Math.min(0, state.result(mapped.address())); // MAP_FAILED is -1; an address is positive
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** The size of a page of this machine, in bytes: mappings begin at multiples of it. */
    public static int getpagesize() {
        try {
            return (int) Getpagesize.HANDLE.invokeExact();
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Unmaps a whole segment made by {@link #mmap}. Returns 0. An access after that ends the process. */
    public static int munmap(MemorySegment mapped) {
        CallState state = CallState.current();
        try {
            return state.result((int) Munmap.HANDLE.invokeExact(state.errno, mapped, mapped.byteSize()));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Sets the protection of a mapped segment. Returns 0. */
    public static int mprotect(MemorySegment mapped, int prot) {
        CallState state = CallState.current();
        try {
            return state.result((int) Mprotect.HANDLE.invokeExact(state.errno, mapped, mapped.byteSize(), prot));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Makes a file in memory, without a path; the name is only for people. Returns a descriptor. */
    public static int memfd_create(String name, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            return (int) Native.syscall(
                    Native.number(319, 279), Native.string(arena, name).address(), flags, 0);
        }
    }

    private static final class Mmap {
        /** {@code void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)}. */
        static final MethodHandle HANDLE = Native.bind("mmap", POINTER, POINTER, LONG, INT, INT, INT, LONG);
    }

    private static final class Getpagesize {
        /** {@code int getpagesize(void)}. */
        static final MethodHandle HANDLE = Native.bindPlain("getpagesize", INT);
    }

    private static final class Munmap {
        /** {@code int munmap(void *addr, size_t length)}. */
        static final MethodHandle HANDLE = Native.bind("munmap", INT, POINTER, LONG);
    }

    private static final class Mprotect {
        /** {@code int mprotect(void *addr, size_t len, int prot)}. */
        static final MethodHandle HANDLE = Native.bind("mprotect", INT, POINTER, LONG, INT);
    }
}
