// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import static dev.sysgenid.linux.Native.INT;
import static dev.sysgenid.linux.Native.LONG;
import static dev.sysgenid.linux.Native.POINTER;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;

/**
 * Sockets of the machine's own ({@code AF_UNIX}), and descriptors passed over them: {@code sys/socket.h},
 * {@code sys/un.h}.
 *
 * <pre>{@code
 * struct sockaddr_un {
 *         sa_family_t sun_family;        //  0  (16 bits)
 *         char        sun_path[108];     //  2
 * };
 *
 * struct msghdr {
 *         void         *msg_name;        //  0
 *         socklen_t     msg_namelen;     //  8
 *         struct iovec *msg_iov;         // 16
 *         size_t        msg_iovlen;      // 24
 *         void         *msg_control;     // 32
 *         size_t        msg_controllen;  // 40
 *         int           msg_flags;       // 48
 * };                                     // 56 bytes
 *
 * struct cmsghdr {
 *         size_t cmsg_len;               //  0
 *         int    cmsg_level;             //  8
 *         int    cmsg_type;              // 12
 * };                                     // 16 bytes, then the data
 * }</pre>
 */
@SuppressWarnings("MemberName") // the names of C
public final class Sockets {
    public static final int AF_UNIX = 1;
    public static final int AF_NETLINK = 16;

    public static final int SOCK_STREAM = 1;
    public static final int SOCK_DGRAM = 2;
    public static final int SOCK_RAW = 3;
    public static final int SOCK_SEQPACKET = 5;
    public static final int SOCK_NONBLOCK = Unistd.O_NONBLOCK;
    public static final int SOCK_CLOEXEC = Unistd.O_CLOEXEC;

    public static final int MSG_PEEK = 0x2;
    public static final int MSG_TRUNC = 0x20;
    public static final int MSG_DONTWAIT = 0x40;
    public static final int MSG_WAITALL = 0x100;
    public static final int MSG_NOSIGNAL = 0x4000;

    private static final int MSG_CMSG_CLOEXEC = 0x40000000;
    private static final int SOL_SOCKET = 1;
    private static final int SCM_RIGHTS = 1;

    private static final int SUN_PATH_OFFSET = 2;
    private static final int SUN_PATH_SIZE = 108;

    private static final long MSGHDR_SIZE = 56;
    private static final long MSG_IOV_OFFSET = 16;
    private static final long MSG_IOVLEN_OFFSET = 24;
    private static final long MSG_CONTROL_OFFSET = 32;
    private static final long MSG_CONTROLLEN_OFFSET = 40;

    private static final long CMSG_LEN_OFFSET = 0;
    private static final long CMSG_LEVEL_OFFSET = 8;
    private static final long CMSG_TYPE_OFFSET = 12;
    private static final long CMSG_DATA_OFFSET = 16;
    /** CMSG_LEN of one descriptor. With CMSG_SPACE (24) the kernel would see room for two, and hand out two. */
    private static final long CMSG_LEN_ONE = CMSG_DATA_OFFSET + Integer.BYTES;

    private Sockets() {}

    /** Makes a socket. Returns a descriptor. */
    public static int socket(int domain, int type, int protocol) {
        CallState state = CallState.current();
        try {
            return state.result((int) Socket.HANDLE.invokeExact(state.errno, domain, type, protocol));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Makes two sockets that are connected to each other. Returns 0. */
    public static int socketpair(int domain, int type, int protocol, int[] fds) {
        CallState state = CallState.current();
        try {
            int result = state.result(
                    (int) Socketpair.HANDLE.invokeExact(state.errno, domain, type, protocol, state.scratch));
            if (result == 0) {
                fds[0] = state.scratch.getAtIndex(INT, 0);
                fds[1] = state.scratch.getAtIndex(INT, 1);
            }
            return result;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /**
     * Connects to the {@code AF_UNIX} socket at a path; a leading '@' means a name in the abstract namespace. Returns 0;
     * {@code -ENAMETOOLONG} for a path of more than 107 bytes.
     */
    public static int connectUnix(int fd, String path) {
        CallState state = CallState.current();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = unixAddress(arena, path);
            return address.byteSize() == 0
                    ? -Errno.ENAMETOOLONG
                    : state.result(
                            (int) Connect.HANDLE.invokeExact(state.errno, fd, address, (int) address.byteSize()));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Gives an {@code AF_UNIX} socket its path, as for {@link #connectUnix}; a path that exists is in use. Returns 0. */
    public static int bindUnix(int fd, String path) {
        CallState state = CallState.current();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = unixAddress(arena, path);
            return address.byteSize() == 0
                    ? -Errno.ENAMETOOLONG
                    : state.result((int) Bind.HANDLE.invokeExact(state.errno, fd, address, (int) address.byteSize()));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Lets others connect to a bound socket; up to {@code backlog} wait to be accepted. Returns 0. */
    public static int listen(int fd, int backlog) {
        CallState state = CallState.current();
        try {
            return state.result((int) Listen.HANDLE.invokeExact(state.errno, fd, backlog));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Takes a connection; flags are {@link #SOCK_CLOEXEC} and {@link #SOCK_NONBLOCK}. Returns a descriptor. */
    public static int accept4(int fd, int flags) {
        CallState state = CallState.current();
        try {
            return state.result(
                    (int) Accept4.HANDLE.invokeExact(state.errno, fd, MemorySegment.NULL, MemorySegment.NULL, flags));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Sends {@code n} bytes over a connected socket. Returns how many were sent. */
    public static long send(int fd, MemorySegment buffer, long n, int flags) {
        Native.checkLength(buffer, n);
        CallState state = CallState.current();
        try {
            return state.result((long) Send.HANDLE.invokeExact(state.errno, fd, buffer, n, flags));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** As {@link #send}, to the {@code AF_UNIX} socket at a path, as for {@link #connectUnix}. */
    public static long sendto(int fd, MemorySegment buffer, long n, int flags, String path) {
        Native.checkLength(buffer, n);
        CallState state = CallState.current();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = unixAddress(arena, path);
            return address.byteSize() == 0
                    ? -Errno.ENAMETOOLONG
                    : state.result((long) Sendto.HANDLE.invokeExact(
                            state.errno, fd, buffer, n, flags, address, (int) address.byteSize()));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Receives up to {@code n} bytes. Returns how many; 0 at the end of a stream. */
    public static long recv(int fd, MemorySegment buffer, long n, int flags) {
        Native.checkLength(buffer, n);
        CallState state = CallState.current();
        try {
            return state.result((long) Recv.HANDLE.invokeExact(state.errno, fd, buffer, n, flags));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /**
     * Sends a descriptor over an {@code AF_UNIX} socket, with one byte, 0, as the message that carries it. The sender
     * keeps its own. Returns 0.
     */
    public static int sendDescriptor(int socket, int fd) {
        return sendDescriptor(socket, fd, new byte[1]);
    }

    /** As {@link #sendDescriptor(int, int)}, with {@code data}, at least one byte, as the message that carries it. */
    public static int sendDescriptor(int socket, int fd, byte[] data) {
        CallState state = CallState.current();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment control = arena.allocate(CMSG_LEN_ONE, Long.BYTES);
            control.set(LONG, CMSG_LEN_OFFSET, CMSG_LEN_ONE);
            control.set(INT, CMSG_LEVEL_OFFSET, SOL_SOCKET);
            control.set(INT, CMSG_TYPE_OFFSET, SCM_RIGHTS);
            control.set(INT, CMSG_DATA_OFFSET, fd);
            long sent = state.result((long)
                    Sendmsg.HANDLE.invokeExact(state.errno, socket, message(arena, control, data), MSG_NOSIGNAL));
            return sent < 0 ? (int) sent : 0;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /**
     * Receives one message and the descriptor that came with it, which is made close-on-exec.
     *
     * @return the descriptor, or the negated error number; {@code -ENODATA} when the peer closed without a message,
     *     {@code -EBADMSG} when the message carried no descriptor
     */
    public static int receiveDescriptor(int socket) {
        CallState state = CallState.current();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment control = arena.allocate(CMSG_LEN_ONE, Long.BYTES);
            MemorySegment message = message(arena, control, new byte[1]);
            long received =
                    state.result((long) Recvmsg.HANDLE.invokeExact(state.errno, socket, message, MSG_CMSG_CLOEXEC));
            if (received < 0) {
                return (int) received;
            }
            if (message.get(LONG, MSG_CONTROLLEN_OFFSET) >= CMSG_LEN_ONE
                    && control.get(LONG, CMSG_LEN_OFFSET) == CMSG_LEN_ONE
                    && control.get(INT, CMSG_LEVEL_OFFSET) == SOL_SOCKET
                    && control.get(INT, CMSG_TYPE_OFFSET) == SCM_RIGHTS) {
                return control.get(INT, CMSG_DATA_OFFSET);
            }
            return received == 0 ? -Errno.ENODATA : -Errno.EBADMSG;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** A {@code struct msghdr} for these data, or as much of them as comes, and these control data. */
    private static MemorySegment message(Arena arena, MemorySegment control, byte[] data) {
        MemorySegment iov = arena.allocate(IoVec.SIZE, IoVec.ALIGNMENT);
        IoVec.set(iov, 0, arena.allocateFrom(ValueLayout.JAVA_BYTE, data), data.length);
        MemorySegment message = arena.allocate(MSGHDR_SIZE, Long.BYTES);
        message.set(LONG, MSG_IOV_OFFSET, iov.address());
        message.set(LONG, MSG_IOVLEN_OFFSET, 1);
        message.set(LONG, MSG_CONTROL_OFFSET, control.address());
        message.set(LONG, MSG_CONTROLLEN_OFFSET, control.byteSize());
        return message;
    }

    /** The {@code struct sockaddr_un} of a path, exactly as long as the kernel is to see it; empty when it is too long. */
    private static MemorySegment unixAddress(Arena arena, String path) {
        if (path.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("A string for a system call holds the character 0: " + path);
        }
        byte[] bytes = path.getBytes(StandardCharsets.UTF_8);
        boolean isAbstract = path.startsWith("@");
        int length = bytes.length + (isAbstract ? 0 : 1); // the terminating 0 is not part of an abstract name
        if (length > SUN_PATH_SIZE) {
            return MemorySegment.NULL;
        }
        MemorySegment address = arena.allocate(SUN_PATH_OFFSET + length, Short.BYTES);
        address.set(ValueLayout.JAVA_SHORT, 0, (short) AF_UNIX);
        MemorySegment.copy(bytes, 0, address, ValueLayout.JAVA_BYTE, SUN_PATH_OFFSET, bytes.length);
        if (isAbstract) {
            address.set(ValueLayout.JAVA_BYTE, SUN_PATH_OFFSET, (byte) 0);
        }
        return address;
    }

    private static final class Socket {
        /** {@code int socket(int domain, int type, int protocol)}. */
        static final MethodHandle HANDLE = Native.bind("socket", INT, INT, INT, INT);
    }

    private static final class Socketpair {
        /** {@code int socketpair(int domain, int type, int protocol, int sv[2])}. */
        static final MethodHandle HANDLE = Native.bind("socketpair", INT, INT, INT, INT, POINTER);
    }

    private static final class Connect {
        /** {@code int connect(int fd, const struct sockaddr *addr, socklen_t addrlen)}. */
        static final MethodHandle HANDLE = Native.bind("connect", INT, INT, POINTER, INT);
    }

    private static final class Bind {
        /** {@code int bind(int fd, const struct sockaddr *addr, socklen_t addrlen)}. */
        static final MethodHandle HANDLE = Native.bind("bind", INT, INT, POINTER, INT);
    }

    private static final class Listen {
        /** {@code int listen(int fd, int backlog)}. */
        static final MethodHandle HANDLE = Native.bind("listen", INT, INT, INT);
    }

    private static final class Accept4 {
        /** {@code int accept4(int fd, struct sockaddr *addr, socklen_t *addrlen, int flags)}. */
        static final MethodHandle HANDLE = Native.bind("accept4", INT, INT, POINTER, POINTER, INT);
    }

    private static final class Send {
        /** {@code ssize_t send(int fd, const void *buf, size_t len, int flags)}. */
        static final MethodHandle HANDLE = Native.bind("send", LONG, INT, POINTER, LONG, INT);
    }

    private static final class Sendto {
        /** {@code ssize_t sendto(int fd, const void *buf, size_t, int flags, const struct sockaddr *, socklen_t)}. */
        static final MethodHandle HANDLE = Native.bind("sendto", LONG, INT, POINTER, LONG, INT, POINTER, INT);
    }

    private static final class Recv {
        /** {@code ssize_t recv(int fd, void *buf, size_t len, int flags)}. */
        static final MethodHandle HANDLE = Native.bind("recv", LONG, INT, POINTER, LONG, INT);
    }

    private static final class Sendmsg {
        /** {@code ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)}. */
        static final MethodHandle HANDLE = Native.bind("sendmsg", LONG, INT, POINTER, INT);
    }

    private static final class Recvmsg {
        /** {@code ssize_t recvmsg(int fd, struct msghdr *msg, int flags)}. */
        static final MethodHandle HANDLE = Native.bind("recvmsg", LONG, INT, POINTER, INT);
    }
}
