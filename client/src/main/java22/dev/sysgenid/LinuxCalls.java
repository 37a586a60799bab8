// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** The system calls, by java.lang.foreign. Each call has its own errno; none is frequent. */
@SuppressWarnings("restricted") // made only where native access was granted
final class LinuxCalls implements SystemCalls {
    private static final int O_RDONLY = 0;
    private static final int O_RDWR = 2;
    private static final int O_NONBLOCK = 0x800;
    private static final int O_CLOEXEC = 0x80000;
    private static final int PROT_READ = 1;
    private static final int MAP_SHARED = 1;

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    /** C's long, size_t and off_t: 64 bits on both machines. */
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;

    private static final Linker LINKER = Linker.nativeLinker();
    private static final Linker.Option CAPTURE = Linker.Option.captureCallState("errno");
    private static final MemoryLayout STATE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO = STATE.varHandle(PathElement.groupElement("errno"));

    /** {@code int open(const char *path, int flags, ...)}. */
    private static final MethodHandle OPEN = bind("open", 2, INT, ValueLayout.ADDRESS, INT, INT);
    /** {@code int close(int fd)}. */
    private static final MethodHandle CLOSE = bind("close", 0, INT, INT);
    /** {@code int ioctl(int fd, unsigned long request, ...)}. */
    private static final MethodHandle IOCTL = bind("ioctl", 2, INT, INT, LONG, LONG);
    /** {@code ssize_t pwrite(int fd, const void *buf, size_t n, off_t offset)}. */
    private static final MethodHandle PWRITE = bind("pwrite", 0, LONG, INT, ValueLayout.ADDRESS, LONG, LONG);
    /** {@code void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)}. */
    private static final MethodHandle MMAP =
            bind("mmap", 0, ValueLayout.ADDRESS, ValueLayout.ADDRESS, LONG, INT, INT, INT, LONG);

    private static MethodHandle bind(String name, int fixed, MemoryLayout result, MemoryLayout... arguments) {
        MemorySegment symbol = LINKER.defaultLookup()
                .find(name)
                .orElseThrow(() -> new UnsupportedOperationException("This C library has no function " + name));
        FunctionDescriptor descriptor = FunctionDescriptor.of(result, arguments);
        return fixed == 0
                ? LINKER.downcallHandle(symbol, descriptor, CAPTURE)
                : LINKER.downcallHandle(symbol, descriptor, CAPTURE, Linker.Option.firstVariadicArg(fixed));
    }

    /** One call, with memory for its errno and its arguments. */
    @FunctionalInterface
    private interface Call {
        long make(Arena arena, MemorySegment state) throws Throwable;
    }

    private static long make(Call call) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(STATE);
            long result = call.make(arena, state);
            return result == -1 ? -(int) ERRNO.get(state, 0L) : result;
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable t) {
            throw new AssertionError(t); // a function of C throws nothing
        }
    }

    @Override
    public int open(Path path, boolean writable) {
        // Nothing here reads; and to open what is not a device must not block.
        int flags = (writable ? O_RDWR : O_RDONLY) | O_NONBLOCK | O_CLOEXEC;
        return (int)
                make((arena, state) -> (int) OPEN.invokeExact(state, arena.allocateFrom(path.toString()), flags, 0));
    }

    @Override
    public int close(int fd) {
        return (int) make((arena, state) -> (int) CLOSE.invokeExact(state, fd));
    }

    @Override
    public int ioctl(int fd, int command, long argument) {
        return (int) make((arena, state) -> (int) IOCTL.invokeExact(state, fd, (long) command, argument));
    }

    @Override
    public int pwrite(int fd, int value) {
        return (int) make((arena, state) ->
                (long) PWRITE.invokeExact(state, fd, arena.allocateFrom(INT, value), (long) Integer.BYTES, 0L));
    }

    @Override
    public @Nullable ByteBuffer map(int fd, int length) {
        long address = make((arena, state) -> ((MemorySegment)
                        MMAP.invokeExact(state, MemorySegment.NULL, (long) length, PROT_READ, MAP_SHARED, fd, 0L))
                .address());
        return address < 0
                ? null
                : MemorySegment.ofAddress(address)
                        .reinterpret(length)
                        .asReadOnly()
                        .asByteBuffer();
    }
}
