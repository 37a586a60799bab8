// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.TimerFd;
import dev.sysgenid.linux.Unistd;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Tells the service manager, twice in each span that it allows, that the loop goes round: a daemon that hangs is killed
 * then, and another one takes over. Without {@code WATCHDOG_USEC} in the environment it does nothing.
 *
 * <p>Belongs to the loop's thread.
 */
final class Watchdog implements AutoCloseable {
    private static final long NANOS_PER_MICRO = 1000;

    private final Loop loop;
    private final int timer;
    private final long half;
    private final Runnable tell;

    private Watchdog(Loop loop, int timer, long half, Runnable tell) {
        this.loop = loop;
        this.timer = timer;
        this.half = half;
        this.tell = tell;
    }

    /** The half of the span that is allowed, in nanoseconds; 0 when this process is not watched. */
    static long half(Map<String, String> environment) {
        @Nullable String pid = environment.get("WATCHDOG_PID");
        if (pid != null && !pid.equals(Integer.toString(Unistd.getpid()))) {
            return 0;
        }
        try {
            return Math.max(0, Long.parseLong(environment.getOrDefault("WATCHDOG_USEC", "0"))) / 2 * NANOS_PER_MICRO;
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    /** Begins to tell, until closed. */
    static Watchdog start(Loop loop, long half, Runnable tell) throws SystemCallException {
        if (half == 0) {
            return new Watchdog(loop, -1, 0, tell);
        }
        int timer = SystemCallException.check(
                TimerFd.timerfd_create(TimerFd.CLOCK_MONOTONIC, TimerFd.TFD_NONBLOCK | TimerFd.TFD_CLOEXEC),
                "timerfd_create",
                "the watchdog");
        Watchdog watchdog = new Watchdog(loop, timer, half, tell);
        loop.watch(timer, watchdog::fired);
        watchdog.arm();
        return watchdog;
    }

    private void fired() {
        TimerFd.read(timer);
        tell.run();
        arm();
    }

    private void arm() {
        TimerFd.settimeAbsolute(timer, loop.now() + half);
    }

    @Override
    public void close() {
        if (timer >= 0) {
            Unistd.close(timer);
        }
    }
}
