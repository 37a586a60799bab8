// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * The calls of the hot path leave nothing to the garbage collector once they are compiled. (Until then the JDK itself
 * makes an object of 40 bytes at each call that captures errno.)
 */
class AllocationTest {
    private static final int CALLS = 20_000;
    private static final int BATCHES = 500;
    private static final long FIONREAD = 0x541B;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final Fds fds = new Fds();
    private final Arena arena = Arena.ofShared();
    private final MemorySegment buffer = arena.allocate(64, 8);

    @AfterEach
    void release() {
        fds.close();
        arena.close();
    }

    /** Calls until a batch has allocated nothing, as compilation takes the time it takes. */
    private static void assertAllocatesNothing(String call, Runnable body) {
        long allocated = Long.MAX_VALUE;
        for (int batch = 0; batch < BATCHES && allocated != 0; batch++) {
            long before = THREADS.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < CALLS; i++) {
                body.run();
            }
            // A JVM may allocate something now and then by itself; one object a call would be 16 bytes a call.
            allocated = (THREADS.getCurrentThreadAllocatedBytes() - before) / CALLS;
        }
        assertThat(allocated).as("bytes for each call of %s", call).isZero();
    }

    @Test
    void theHotCallsAllocateNothing() throws SystemCallException {
        int[] pipe = fds.pipe();
        int event = fds.own(EventFd.eventfd(0, EventFd.EFD_NONBLOCK | EventFd.EFD_CLOEXEC));
        int timer = fds.own(TimerFd.timerfd_create(TimerFd.CLOCK_MONOTONIC, TimerFd.TFD_CLOEXEC));
        int file = fds.own(Mman.memfd_create("test", Mman.MFD_CLOEXEC));
        IoVec.set(buffer, 0, buffer, 8);

        assertAllocatesNothing("write and read", () -> {
            Unistd.write(pipe[1], buffer, 16);
            Unistd.read(pipe[0], buffer, 16);
        });
        assertAllocatesNothing("pwrite and pread", () -> {
            Unistd.pwrite(file, buffer, 16, 0);
            Unistd.pread(file, buffer, 16, 0);
        });
        assertAllocatesNothing("writev and readv", () -> {
            Unistd.writev(pipe[1], buffer, 1);
            Unistd.readv(pipe[0], buffer, 1);
        });
        assertAllocatesNothing("a failing read", () -> Unistd.read(-1, buffer, 16));
        assertAllocatesNothing("ioctl by value", () -> Unistd.ioctl(event, 0x2d01, 0));
        assertAllocatesNothing("ioctl of memory", () -> Unistd.ioctl(pipe[0], FIONREAD, buffer));
        assertAllocatesNothing("eventfd", () -> {
            EventFd.eventfd_write(event, 1);
            EventFd.eventfd_read(event);
        });
        assertAllocatesNothing("timer", () -> TimerFd.settimeAbsolute(timer, Long.MAX_VALUE));
        assertAllocatesNothing("clock", () -> Clock.gettime(Clock.CLOCK_MONOTONIC));
        assertAllocatesNothing("poll", () -> Poll.poll(event, Poll.POLLIN, 0));
        try (Epoll epoll = Epoll.create()) {
            epoll.add(pipe[1], Epoll.EPOLLOUT, 5);
            assertAllocatesNothing("epoll", () -> {
                epoll.await(0);
                epoll.data(0);
                epoll.events(0);
            });
        }
    }
}
