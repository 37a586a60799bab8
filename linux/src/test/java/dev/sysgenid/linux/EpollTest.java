// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import static dev.sysgenid.linux.Epoll.EPOLLET;
import static dev.sysgenid.linux.Epoll.EPOLLHUP;
import static dev.sysgenid.linux.Epoll.EPOLLIN;
import static dev.sysgenid.linux.Epoll.EPOLLOUT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class EpollTest {
    private static final int LIMIT_MILLIS = 30_000;

    private final Fds fds = new Fds();

    @SuppressWarnings("NullAway.Init") // set before each test
    private Epoll epoll;

    @BeforeEach
    void open() throws SystemCallException {
        epoll = Epoll.create();
    }

    @AfterEach
    void release() {
        epoll.close();
        fds.close();
    }

    private int event(int initial) throws SystemCallException {
        return fds.own(EventFd.eventfd(initial, EventFd.EFD_NONBLOCK | EventFd.EFD_CLOEXEC));
    }

    @Test
    void tellsWhichIsReadyAndWhatFor() throws SystemCallException {
        int first = event(0);
        int second = event(0);
        assertThat(epoll.add(first, EPOLLIN, 0x1122334455667788L)).isZero();
        assertThat(epoll.add(second, EPOLLIN, -2)).isZero();
        assertThat(epoll.await(0)).isZero();

        EventFd.eventfd_write(first, 1);
        assertThat(epoll.await(LIMIT_MILLIS)).isEqualTo(1);
        assertThat(epoll.events(0)).isEqualTo(EPOLLIN);
        assertThat(epoll.data(0)).isEqualTo(0x1122334455667788L);

        EventFd.eventfd_write(second, 1);
        assertThat(epoll.await(LIMIT_MILLIS)).isEqualTo(2);
        Map<Long, Integer> ready = new HashMap<>();
        for (int i = 0; i < 2; i++) {
            ready.put(epoll.data(i), epoll.events(i));
        }
        assertThat(ready).isEqualTo(Map.of(0x1122334455667788L, EPOLLIN, -2L, EPOLLIN));
    }

    @Test
    void modifiesAndRemoves() throws SystemCallException {
        int event = event(1);
        epoll.add(event, EPOLLIN, 1);
        assertThat(epoll.modify(event, EPOLLOUT, 2)).isZero();
        assertThat(epoll.await(LIMIT_MILLIS)).isEqualTo(1);
        assertThat(epoll.events(0)).isEqualTo(EPOLLOUT);
        assertThat(epoll.data(0)).isEqualTo(2);

        assertThat(epoll.remove(event)).isZero();
        assertThat(epoll.await(0)).isZero();
    }

    @Test
    void edgeTriggeredTellsOnce() throws SystemCallException {
        epoll.add(event(1), EPOLLIN | EPOLLET, 0);
        assertThat(epoll.await(LIMIT_MILLIS)).isEqualTo(1);
        assertThat(epoll.await(0)).isZero();
    }

    @Test
    void tellsTheEndOfAPipe() throws SystemCallException {
        int[] pipe = fds.pipe();
        epoll.add(pipe[0], EPOLLIN, 0);
        fds.close(pipe[1]);
        assertThat(epoll.await(LIMIT_MILLIS)).isEqualTo(1);
        assertThat(epoll.events(0)).isEqualTo(EPOLLHUP);
    }

    @Test
    void moreThanItsRoomAreToldInTurns() throws SystemCallException {
        Map<Long, Integer> times = new HashMap<>();
        for (long i = 0; i < 100; i++) {
            epoll.add(event(1), EPOLLIN, i);
        }
        for (int turn = 0; turn < 2; turn++) {
            int count = epoll.await(0);
            assertThat(count).isEqualTo(64);
            for (int i = 0; i < count; i++) {
                times.merge(epoll.data(i), 1, Integer::sum);
            }
        }
        assertThat(times).hasSize(100);
    }

    @Test
    void failuresComeBackAsNegatedNumbers() throws SystemCallException {
        int event = event(0);
        assertThat(epoll.add(1_000_000, EPOLLIN, 0)).isEqualTo(-Errno.EBADF);
        assertThat(epoll.modify(event, EPOLLIN, 0)).isEqualTo(-Errno.ENOENT);
        assertThat(epoll.remove(event)).isEqualTo(-Errno.ENOENT);
        epoll.add(event, EPOLLIN, 0);
        assertThat(epoll.add(event, EPOLLIN, 0)).isEqualTo(-Errno.EEXIST);
        assertThat(epoll.add(epoll.fd(), EPOLLIN, 0)).isEqualTo(-Errno.EINVAL);
    }

    @Test
    void onlyEventsOfTheLastWaitAreRead() throws SystemCallException {
        int event = event(1);
        epoll.add(event, EPOLLIN, 0);
        assertThat(epoll.await(0)).isEqualTo(1);
        assertThatThrownBy(() -> epoll.data(1)).isInstanceOf(IndexOutOfBoundsException.class);
        EventFd.eventfd_read(event);
        assertThat(epoll.await(0)).isZero();
        assertThatThrownBy(() -> epoll.events(0)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void aSignalInterrupts() throws Exception {
        assertThat(OwnThread.callInterrupted(() -> epoll.await(-1))).isEqualTo(-Errno.EINTR);
    }

    @Test
    void closesOnce() throws SystemCallException {
        int fd = epoll.fd();
        epoll.close();
        int reused = event(0); // most likely gets the number that has become free
        epoll.close();

        assertThat(epoll.fd()).isEqualTo(-1);
        assertThat(epoll.await(0)).isEqualTo(-Errno.EBADF);
        assertThat(Unistd.fcntl(reused, Unistd.F_GETFD, 0)).isEqualTo(Unistd.FD_CLOEXEC);
        assertThat(fd).isNotNegative();
    }
}
