// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class EventFdTest {
    private final Fds fds = new Fds();

    @AfterEach
    void release() {
        fds.close();
    }

    @Test
    void countsUntilItIsRead() throws SystemCallException {
        int event = fds.own(EventFd.eventfd(3, EventFd.EFD_NONBLOCK | EventFd.EFD_CLOEXEC));
        assertThat(EventFd.eventfd_write(event, 1L << 40)).isZero();
        assertThat(EventFd.eventfd_read(event)).isEqualTo((1L << 40) + 3);
        assertThat(EventFd.eventfd_read(event)).isEqualTo(-Errno.EAGAIN);
    }

    @Test
    void aSemaphoreIsTakenOneByOne() throws SystemCallException {
        int event = fds.own(EventFd.eventfd(2, EventFd.EFD_SEMAPHORE | EventFd.EFD_NONBLOCK | EventFd.EFD_CLOEXEC));
        assertThat(EventFd.eventfd_read(event)).isEqualTo(1);
        assertThat(EventFd.eventfd_read(event)).isEqualTo(1);
        assertThat(EventFd.eventfd_read(event)).isEqualTo(-Errno.EAGAIN);
    }

    @Test
    void failuresComeBackAsNegatedNumbers() throws SystemCallException {
        int event = fds.own(EventFd.eventfd(1, EventFd.EFD_NONBLOCK | EventFd.EFD_CLOEXEC));
        assertThat(EventFd.eventfd(0, -1)).isEqualTo(-Errno.EINVAL);
        assertThat(EventFd.eventfd_write(event, -1)).as("2^64-1 is no count").isEqualTo(-Errno.EINVAL);
        assertThat(EventFd.eventfd_write(event, -2))
                .as("the counter would overflow")
                .isEqualTo(-Errno.EAGAIN);
        assertThat(EventFd.eventfd_write(1_000_000, 1)).isEqualTo(-Errno.EBADF);
    }
}
