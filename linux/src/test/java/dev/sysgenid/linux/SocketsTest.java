// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import static dev.sysgenid.linux.Sockets.AF_UNIX;
import static dev.sysgenid.linux.Sockets.SOCK_CLOEXEC;
import static dev.sysgenid.linux.Sockets.SOCK_DGRAM;
import static dev.sysgenid.linux.Sockets.SOCK_SEQPACKET;
import static dev.sysgenid.linux.Sockets.SOCK_STREAM;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SocketsTest {
    private final Fds fds = new Fds();
    private final Arena arena = Arena.ofShared();
    private final MemorySegment buffer = arena.allocate(16);

    @TempDir
    Path dir;

    @AfterEach
    void release() {
        fds.close();
        arena.close();
    }

    private int socket(int type) throws SystemCallException {
        return fds.own(Sockets.socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    }

    private MemorySegment bytes(String text) {
        return arena.allocateFrom(text);
    }

    private String path(int length) {
        String start = dir + "/";
        return start + "s".repeat(length - start.length());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void connectsByPathAndByAbstractName(boolean isAbstract) throws SystemCallException {
        String path = isAbstract
                ? "@sysgenid-test-" + Unistd.getpid()
                : dir.resolve("söcket").toString();
        int server = socket(SOCK_STREAM);
        assertThat(Sockets.bindUnix(server, path)).isZero();
        assertThat(Sockets.listen(server, 1)).isZero();
        assertThat(dir.resolve("söcket").toFile().exists()).isNotEqualTo(isAbstract);

        int client = socket(SOCK_STREAM);
        assertThat(Sockets.connectUnix(client, path)).isZero();
        int connection = fds.own(Sockets.accept4(server, SOCK_CLOEXEC));

        assertThat(Sockets.send(client, bytes("hello"), 5, Sockets.MSG_NOSIGNAL))
                .isEqualTo(5);
        assertThat(Sockets.recv(connection, buffer, 16, 0)).isEqualTo(5);
        assertThat(buffer.getString(0)).isEqualTo("hello");
        fds.close(client);
        assertThat(Sockets.recv(connection, buffer, 16, 0)).isZero();
        assertThat(Sockets.send(connection, buffer, 1, Sockets.MSG_NOSIGNAL)).isEqualTo(-Errno.EPIPE);
    }

    @Test
    void sendsDatagramsToAPath() throws SystemCallException {
        String path = dir.resolve("notify").toString();
        int receiver = socket(SOCK_DGRAM);
        assertThat(Sockets.bindUnix(receiver, path)).isZero();
        int sender = socket(SOCK_DGRAM);

        assertThat(Sockets.sendto(sender, bytes("READY=1"), 7, Sockets.MSG_NOSIGNAL, path))
                .isEqualTo(7);
        assertThat(Sockets.recv(receiver, buffer, 16, Sockets.MSG_DONTWAIT)).isEqualTo(7);
        assertThat(buffer.getString(0)).isEqualTo("READY=1");
        assertThat(Sockets.recv(receiver, buffer, 16, Sockets.MSG_DONTWAIT)).isEqualTo(-Errno.EAGAIN);
    }

    @Test
    void thePathMayHave107Bytes() throws SystemCallException {
        assertThat(Sockets.bindUnix(socket(SOCK_DGRAM), path(107))).isZero();
        assertThat(Sockets.sendto(socket(SOCK_DGRAM), buffer, 1, 0, path(107))).isEqualTo(1);

        int socket = socket(SOCK_DGRAM);
        assertThat(Sockets.bindUnix(socket, path(108))).isEqualTo(-Errno.ENAMETOOLONG);
        assertThat(Sockets.connectUnix(socket, path(108))).isEqualTo(-Errno.ENAMETOOLONG);
        assertThat(Sockets.sendto(socket, buffer, 1, 0, path(108))).isEqualTo(-Errno.ENAMETOOLONG);
        assertThatThrownBy(() -> Sockets.bindUnix(socket, "a\0b")).isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @ValueSource(ints = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET})
    void passesADescriptor(int type) throws SystemCallException {
        int[] pair = fds.socketpair(type);
        int file = fds.own(Mman.memfd_create("passed", 0));

        assertThat(Sockets.sendDescriptor(pair[0], file)).isZero();
        int received = fds.own(Sockets.receiveDescriptor(pair[1]));

        assertThat(received).isNotEqualTo(file);
        assertThat(Stat.of(received)).isEqualTo(Stat.of(file));
        assertThat(Unistd.fcntl(received, Unistd.F_GETFD, 0)).isEqualTo(Unistd.FD_CLOEXEC);
    }

    @Test
    void ofTwoDescriptorsOneIsReceivedAndNoneLeaks() throws SystemCallException {
        int[] pair = fds.socketpair(SOCK_STREAM);
        int file = fds.own(Mman.memfd_create("passed", Mman.MFD_CLOEXEC));
        int next = fds.own(Unistd.fcntl(file, Unistd.F_DUPFD_CLOEXEC, 0)); // the lowest free number
        fds.close(next);

        sendTwice(pair[0], file);
        int received = fds.own(Sockets.receiveDescriptor(pair[1]));

        assertThat(Stat.of(received).ino()).isEqualTo(Stat.of(file).ino());
        assertThat(Unistd.fcntl(received + 1, Unistd.F_GETFD, 0))
                .as("the number after %s", received)
                .satisfiesAnyOf(
                        result -> assertThat(result).isEqualTo(-Errno.EBADF),
                        result -> assertThat(Stat.of(received + 1).ino())
                                .isNotEqualTo(Stat.of(file).ino()));
    }

    /** Sends a message with the same descriptor twice. */
    private void sendTwice(int socket, int fd) throws SystemCallException {
        MemorySegment control = arena.allocate(24, 8);
        control.set(ValueLayout.JAVA_LONG, 0, 24);
        control.set(ValueLayout.JAVA_INT, 8, 1);
        control.set(ValueLayout.JAVA_INT, 12, 1);
        control.set(ValueLayout.JAVA_INT, 16, fd);
        control.set(ValueLayout.JAVA_INT, 20, fd);
        MemorySegment iov = arena.allocate(IoVec.SIZE, IoVec.ALIGNMENT);
        IoVec.set(iov, 0, buffer, 1);
        MemorySegment message = arena.allocate(56, 8);
        message.set(ValueLayout.JAVA_LONG, 16, iov.address());
        message.set(ValueLayout.JAVA_LONG, 24, 1);
        message.set(ValueLayout.JAVA_LONG, 32, control.address());
        message.set(ValueLayout.JAVA_LONG, 40, 24);
        SystemCallException.check(
                Native.syscall(Native.number(46, 211), socket, message.address(), 0), "sendmsg", socket);
    }

    @Test
    void aMessageWithoutADescriptorAndAnEndAreToldApart() throws SystemCallException {
        int[] pair = fds.socketpair(SOCK_STREAM);
        Sockets.send(pair[0], buffer, 1, 0);
        assertThat(Sockets.receiveDescriptor(pair[1])).isEqualTo(-Errno.EBADMSG);
        fds.close(pair[0]);
        assertThat(Sockets.receiveDescriptor(pair[1])).isEqualTo(-Errno.ENODATA);
    }

    @Test
    void failuresComeBackAsNegatedNumbers() throws SystemCallException {
        int socket = socket(SOCK_STREAM);
        String nobody = dir.resolve("nobody").toString();
        assertThat(Sockets.socket(999, SOCK_STREAM, 0)).isEqualTo(-Errno.EAFNOSUPPORT);
        assertThat(Sockets.socketpair(AF_UNIX, 999, 0, new int[2])).isEqualTo(-Errno.EINVAL);
        assertThat(Sockets.connectUnix(socket, nobody)).isEqualTo(-Errno.ENOENT);
        assertThat(Sockets.connectUnix(socket, "@sysgenid-nobody-here")).isEqualTo(-Errno.ECONNREFUSED);
        assertThat(Sockets.bindUnix(socket, nobody + "/x")).isEqualTo(-Errno.ENOENT);
        assertThat(Sockets.listen(socket, 1)).isEqualTo(-Errno.EINVAL);
        assertThat(Sockets.accept4(socket, 0)).isEqualTo(-Errno.EINVAL);
        assertThat(Sockets.send(socket, buffer, 1, Sockets.MSG_NOSIGNAL)).isEqualTo(-Errno.ENOTCONN);
        assertThat(Sockets.sendto(socket(SOCK_DGRAM), buffer, 1, 0, nobody)).isEqualTo(-Errno.ENOENT);
        assertThat(Sockets.recv(socket, buffer, 1, 0)).isEqualTo(-Errno.EINVAL);
        assertThat(Sockets.sendDescriptor(socket, 0)).isEqualTo(-Errno.ENOTCONN);
        assertThat(Sockets.sendDescriptor(fds.socketpair(SOCK_STREAM)[0], 1_000_000))
                .isEqualTo(-Errno.EBADF);
        assertThat(Sockets.receiveDescriptor(1_000_000)).isEqualTo(-Errno.EBADF);
    }
}
