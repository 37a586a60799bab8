// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.linux.Epoll;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.EventFd;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.TimerFd;
import dev.sysgenid.linux.Unistd;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * The daemon's one thread, waiting in one epoll for descriptors, one deadline, and work handed over by other threads.
 *
 * <p>Everything belongs to the thread that calls {@link #run}, except {@link #submit}, which any thread may call.
 */
final class Loop implements AutoCloseable {
    /** Told that a descriptor is ready. */
    interface Handler {
        void ready();
    }

    private final Epoll epoll;
    private final int wakeUp;
    private final int timer;
    private final List<Handler> handlers = new ArrayList<>();
    private final Queue<Runnable> submitted = new ConcurrentLinkedQueue<>();
    private Runnable deadlinePassed = () -> {};
    private long armedFor = Long.MAX_VALUE;
    private boolean running;
    /** To be called again although no descriptor says so. */
    private List<Handler> again = new ArrayList<>();

    Loop() throws SystemCallException {
        epoll = Epoll.create();
        wakeUp = SystemCallException.check(
                EventFd.eventfd(0, EventFd.EFD_NONBLOCK | EventFd.EFD_CLOEXEC), "eventfd", "the loop");
        timer = SystemCallException.check(
                TimerFd.timerfd_create(TimerFd.CLOCK_MONOTONIC, TimerFd.TFD_NONBLOCK | TimerFd.TFD_CLOEXEC),
                "timerfd_create",
                "the loop");
        watch(wakeUp, this::runSubmitted);
        watch(timer, this::timerFired);
    }

    /** Calls {@code handler} whenever {@code descriptor} is readable, until the loop is closed. */
    void watch(int descriptor, Handler handler) throws SystemCallException {
        SystemCallException.check(
                epoll.add(descriptor, Epoll.EPOLLIN, handlers.size()), "epoll_ctl", "descriptor " + descriptor);
        handlers.add(handler);
    }

    /** What to call when the time given to {@link #wakeAt} has come. */
    void onDeadline(Runnable action) {
        deadlinePassed = action;
    }

    /** Sets the one deadline, in nanoseconds of {@link #now}; {@link Long#MAX_VALUE} for none. Cheap when unchanged. */
    void wakeAt(long nanos) {
        if (nanos == armedFor) {
            return;
        }
        armedFor = nanos;
        // 0 disarms, and nothing in the past may be 0: it is to fire at once.
        int result = TimerFd.settimeAbsolute(timer, nanos == Long.MAX_VALUE ? 0 : Math.max(1, nanos));
        if (result < 0) {
            throw new IllegalStateException("timerfd_settime: " + Errno.describe(-result));
        }
    }

    /** The clock of deadlines: nanoseconds since boot without time spent suspended (CLOCK_MONOTONIC). */
    long now() {
        // On Linux this is CLOCK_MONOTONIC, the clock of the timer, read without a system call.
        return System.nanoTime();
    }

    /** Runs {@code action} on the loop's thread, soon. */
    void submit(Runnable action) {
        submitted.add(action);
        wake();
    }

    /** Calls a handler once more, after every descriptor that is ready has had its turn. */
    void again(Handler handler) {
        again.add(handler);
    }

    /** Makes {@link #run} return after what it is doing now. */
    void stop() {
        running = false;
    }

    /** Serves until {@link #stop}. */
    void run() {
        running = true;
        while (running) {
            int ready = epoll.await(again.isEmpty() ? -1 : 0);
            if (ready < 0 && ready != -Errno.EINTR) {
                throw new IllegalStateException("epoll_wait: " + Errno.describe(-ready));
            }
            for (int i = 0; i < ready && running; i++) {
                handlers.get((int) epoll.data(i)).ready();
            }
            if (running && !again.isEmpty()) {
                List<Handler> due = again;
                again = new ArrayList<>();
                due.forEach(Handler::ready);
            }
        }
    }

    private void wake() {
        EventFd.eventfd_write(wakeUp, 1);
    }

    private void runSubmitted() {
        EventFd.eventfd_read(wakeUp);
        // What these submit in turn has its own wake-up.
        for (int due = submitted.size(); due > 0; due--) {
            submitted.remove().run();
        }
    }

    private void timerFired() {
        TimerFd.read(timer);
        armedFor = Long.MAX_VALUE;
        deadlinePassed.run();
    }

    @Override
    public void close() {
        epoll.close();
        Unistd.close(timer);
        Unistd.close(wakeUp);
    }
}
