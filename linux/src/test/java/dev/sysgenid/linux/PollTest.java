// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import static dev.sysgenid.linux.Poll.POLLHUP;
import static dev.sysgenid.linux.Poll.POLLIN;
import static dev.sysgenid.linux.Poll.POLLNVAL;
import static dev.sysgenid.linux.Poll.POLLOUT;
import static dev.sysgenid.linux.Poll.POLLRDNORM;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PollTest {
    private final Fds fds = new Fds();

    @AfterEach
    void release() {
        fds.close();
    }

    @Test
    void tellsWhatADescriptorIsReadyFor() throws SystemCallException {
        int event = fds.own(EventFd.eventfd(0, EventFd.EFD_CLOEXEC));
        assertThat(Poll.poll(event, POLLIN, 0)).isZero();
        assertThat(Poll.poll(event, POLLIN, 1)).as("after a millisecond").isZero();
        assertThat(Poll.poll(event, POLLIN | POLLOUT, -1)).isEqualTo(POLLOUT);
        EventFd.eventfd_write(event, 1);
        assertThat(Poll.poll(event, POLLIN | POLLOUT, -1)).isEqualTo(POLLIN | POLLOUT);
        assertThat(Poll.poll(event, POLLIN, -1)).isEqualTo(POLLIN);
    }

    @Test
    void tellsWhatWasNotAskedFor() throws SystemCallException {
        int[] pipe = fds.pipe();
        fds.close(pipe[1]);
        assertThat(Poll.poll(pipe[0], POLLRDNORM, -1)).isEqualTo(POLLHUP);
        assertThat(Poll.poll(1_000_000, POLLIN, -1)).isEqualTo(POLLNVAL);
    }

    @Test
    void aSignalInterrupts() throws Exception {
        int event = fds.own(EventFd.eventfd(0, EventFd.EFD_CLOEXEC));
        assertThat(OwnThread.callInterrupted(() -> Poll.poll(event, POLLIN, -1)))
                .isEqualTo(-Errno.EINTR);
    }
}
