// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TimerFdTest {
    private static final long HOUR = 3_600_000_000_000L;

    private final Fds fds = new Fds();

    @AfterEach
    void release() {
        fds.close();
    }

    private int timer() throws SystemCallException {
        return fds.own(TimerFd.timerfd_create(TimerFd.CLOCK_MONOTONIC, TimerFd.TFD_NONBLOCK | TimerFd.TFD_CLOEXEC));
    }

    @Test
    void expiresAtItsTimeAndOnce() throws SystemCallException {
        int timer = timer();
        long due = Clock.gettime(Clock.CLOCK_MONOTONIC) + 2_000_000;
        assertThat(TimerFd.settimeAbsolute(timer, due)).isZero();

        assertThat(Poll.poll(timer, Poll.POLLIN, -1)).isEqualTo(Poll.POLLIN);
        assertThat(Clock.gettime(Clock.CLOCK_MONOTONIC)).isGreaterThanOrEqualTo(due);
        assertThat(TimerFd.read(timer)).isEqualTo(1);
        assertThat(TimerFd.read(timer)).isEqualTo(-Errno.EAGAIN);
    }

    @Test
    void aTimeThatHasPassedExpiresAtOnce() throws SystemCallException {
        int timer = timer();
        TimerFd.settimeAbsolute(timer, 1);
        assertThat(Poll.poll(timer, Poll.POLLIN, -1)).isEqualTo(Poll.POLLIN);
    }

    @Test
    void zeroDisarms() throws SystemCallException {
        int timer = timer();
        TimerFd.settimeAbsolute(timer, 1);
        assertThat(TimerFd.settimeAbsolute(timer, 0)).isZero();
        assertThat(Poll.poll(timer, Poll.POLLIN, 0)).isZero();
    }

    @Test
    void secondsAndNanosecondsAreKeptApart() throws SystemCallException {
        int timer = timer();
        // Were the parts mixed up, it would be invalid, or have passed long ago.
        assertThat(TimerFd.settimeAbsolute(timer, Clock.gettime(Clock.CLOCK_MONOTONIC) + HOUR))
                .isZero();
        assertThat(Poll.poll(timer, Poll.POLLIN, 0)).isZero();
    }

    @Test
    void failuresComeBackAsNegatedNumbers() throws SystemCallException {
        assertThat(TimerFd.timerfd_create(999, 0)).isEqualTo(-Errno.EINVAL);
        assertThat(TimerFd.settimeAbsolute(timer(), -1)).isEqualTo(-Errno.EINVAL);
        assertThat(TimerFd.settimeAbsolute(1_000_000, 1)).isEqualTo(-Errno.EBADF);
        assertThat(TimerFd.read(1_000_000)).isEqualTo(-Errno.EBADF);
    }

    @Test
    void theClocksRun() {
        long before = Clock.gettime(Clock.CLOCK_MONOTONIC);
        assertThat(Clock.gettime(Clock.CLOCK_MONOTONIC)).isGreaterThanOrEqualTo(before);
        assertThat(Clock.gettime(Clock.CLOCK_BOOTTIME)).isGreaterThanOrEqualTo(before);
        assertThat(Clock.gettime(Clock.CLOCK_REALTIME) / 1_000_000)
                .isCloseTo(System.currentTimeMillis(), within(60_000L));
        assertThat(Clock.gettime(999)).isEqualTo(-Errno.EINVAL);
    }
}
