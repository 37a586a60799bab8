// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import static dev.sysgenid.linux.Processes.SIGTERM;
import static dev.sysgenid.linux.Processes.SIGWINCH;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SignalFdTest {
    private final Fds fds = new Fds();

    @AfterEach
    void release() {
        fds.close();
    }

    @Test
    void aMaskHasABitForEachSignal() {
        assertThat(SignalFd.mask()).isZero();
        assertThat(SignalFd.mask(1, SIGTERM)).isEqualTo(0x4001);
        assertThat(SignalFd.mask(64)).isEqualTo(Long.MIN_VALUE);
        assertThatThrownBy(() -> SignalFd.mask(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> SignalFd.mask(65)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void blocksAndReadsSignalsOfTheThread() throws Exception {
        // SIGWINCH: a JVM that gets it by mistake does nothing.
        assertThat(OwnThread.call(() -> {
                    long mask = SignalFd.mask(SIGWINCH);
                    long before = UnistdTest.blockedSignals(); // the JVM blocks SIGQUIT
                    assertThat(before & mask).isZero();
                    assertThat(SignalFd.pthread_sigmask(SignalFd.SIG_BLOCK, mask))
                            .isZero();
                    assertThat(UnistdTest.blockedSignals()).isEqualTo(before | mask);
                    int fd = fds.own(SignalFd.signalfd(-1, mask, SignalFd.SFD_NONBLOCK | SignalFd.SFD_CLOEXEC));
                    assertThat(SignalFd.read(fd)).isEqualTo(-Errno.EAGAIN);

                    OwnThread.signal(Unistd.gettid(), SIGWINCH);
                    assertThat(Poll.poll(fd, Poll.POLLIN, -1)).isEqualTo(Poll.POLLIN);
                    int signal = SignalFd.read(fd);
                    assertThat(SignalFd.read(fd)).isEqualTo(-Errno.EAGAIN);

                    // Another set for the same descriptor: the signal is no longer read.
                    assertThat(SignalFd.signalfd(fd, SignalFd.mask(SIGTERM), 0)).isEqualTo(fd);
                    OwnThread.signal(Unistd.gettid(), SIGWINCH);
                    assertThat(SignalFd.read(fd)).isEqualTo(-Errno.EAGAIN);

                    assertThat(SignalFd.pthread_sigmask(SignalFd.SIG_UNBLOCK, mask))
                            .isZero();
                    assertThat(UnistdTest.blockedSignals()).isEqualTo(before);
                    return signal;
                }))
                .isEqualTo(SIGWINCH);
    }

    @Test
    void failuresComeBackAsNegatedNumbers() throws SystemCallException {
        assertThat(SignalFd.pthread_sigmask(999, 0)).isEqualTo(-Errno.EINVAL);
        assertThat(SignalFd.signalfd(-1, 1, 1)).isEqualTo(-Errno.EINVAL);
        assertThat(SignalFd.signalfd(1_000_000, 1, 0)).isEqualTo(-Errno.EBADF);
        assertThat(SignalFd.signalfd(fds.pipe()[0], 1, 0)).isEqualTo(-Errno.EINVAL);
        assertThat(SignalFd.read(1_000_000)).isEqualTo(-Errno.EBADF);
    }
}
