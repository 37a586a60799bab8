// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import static dev.sysgenid.linux.Native.INT;
import static dev.sysgenid.linux.Native.LONG;
import static dev.sysgenid.linux.Native.POINTER;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Messages of the kernel to programs: {@code linux/netlink.h}.
 *
 * <pre>{@code
 * struct sockaddr_nl {
 *         sa_family_t    nl_family;      //  0  (16 bits)
 *         unsigned short nl_pad;         //  2
 *         __u32          nl_pid;         //  4  port id: 0 is the kernel's, and nobody else can have it
 *         __u32          nl_groups;      //  8
 * };                                     // 12 bytes
 * }</pre>
 */
@SuppressWarnings("MemberName") // the names of C
public final class Netlink {
    /** The protocol of uevents, in which the kernel tells of devices. */
    public static final int NETLINK_KOBJECT_UEVENT = 15;

    /** The group to which the kernel sends them. */
    public static final int UEVENT_GROUP = 1;

    private static final int NL_FAMILY_OFFSET = 0;
    private static final int NL_PID_OFFSET = 4;
    private static final int NL_GROUPS_OFFSET = 8;
    private static final int SOCKADDR_NL_SIZE = 12;

    private Netlink() {}

    /**
     * Gives a netlink socket its address.
     *
     * @param port its own port id; 0 lets the kernel choose
     * @param groups the groups whose messages it gets, one bit each
     * @return 0, or the negated error number
     */
    public static int bind(int socket, int port, int groups) {
        CallState state = CallState.current();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = address(arena, port, groups);
            return state.result((int) Bind.HANDLE.invokeExact(state.errno, socket, address, SOCKADDR_NL_SIZE));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** The port id of a bound socket, or the negated error number. */
    public static long port(int socket) {
        CallState state = CallState.current();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = address(arena, 0, 0);
            MemorySegment length = arena.allocateFrom(INT, SOCKADDR_NL_SIZE);
            int result = state.result((int) Getsockname.HANDLE.invokeExact(state.errno, socket, address, length));
            return result < 0 ? result : Integer.toUnsignedLong(address.get(INT, NL_PID_OFFSET));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Sends {@code n} bytes to a port. Returns how many were sent. */
    public static long sendto(int socket, MemorySegment buffer, long n, int port, int groups) {
        Native.checkLength(buffer, n);
        CallState state = CallState.current();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = address(arena, port, groups);
            return state.result(
                    (long) Sendto.HANDLE.invokeExact(state.errno, socket, buffer, n, 0, address, SOCKADDR_NL_SIZE));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /**
     * Receives one message of up to {@code n} bytes; what is longer is cut off.
     *
     * @param sender gets the port id of the sender, which the kernel vouches for, at index 0: 0 for the kernel
     * @return its length, or the negated error number; {@code -ENOBUFS} when messages were lost
     */
    public static long receive(int socket, MemorySegment buffer, long n, long[] sender) {
        Native.checkLength(buffer, n);
        CallState state = CallState.current();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = address(arena, 0, 0);
            MemorySegment length = arena.allocateFrom(INT, SOCKADDR_NL_SIZE);
            long received = state.result(
                    (long) Recvfrom.HANDLE.invokeExact(state.errno, socket, buffer, n, 0, address, length));
            // Whoever has no such address is nobody that this socket can hear.
            sender[0] = length.get(INT, 0) == SOCKADDR_NL_SIZE
                    ? Integer.toUnsignedLong(address.get(INT, NL_PID_OFFSET))
                    : -1;
            return received;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    private static MemorySegment address(Arena arena, int port, int groups) {
        MemorySegment address = arena.allocate(SOCKADDR_NL_SIZE, Integer.BYTES);
        address.set(ValueLayout.JAVA_SHORT, NL_FAMILY_OFFSET, (short) Sockets.AF_NETLINK);
        address.set(INT, NL_PID_OFFSET, port);
        address.set(INT, NL_GROUPS_OFFSET, groups);
        return address;
    }

    private static final class Bind {
        /** {@code int bind(int fd, const struct sockaddr *addr, socklen_t addrlen)}. */
        static final MethodHandle HANDLE = Native.bind("bind", INT, INT, POINTER, INT);
    }

    private static final class Getsockname {
        /** {@code int getsockname(int fd, struct sockaddr *addr, socklen_t *addrlen)}. */
        static final MethodHandle HANDLE = Native.bind("getsockname", INT, INT, POINTER, POINTER);
    }

    private static final class Sendto {
        /** {@code ssize_t sendto(int fd, const void *, size_t, int flags, const struct sockaddr *, socklen_t)}. */
        static final MethodHandle HANDLE = Native.bind("sendto", LONG, INT, POINTER, LONG, INT, POINTER, INT);
    }

    private static final class Recvfrom {
        /** {@code ssize_t recvfrom(int fd, void *, size_t, int flags, struct sockaddr *, socklen_t *)}. */
        static final MethodHandle HANDLE = Native.bind("recvfrom", LONG, INT, POINTER, LONG, INT, POINTER, POINTER);
    }
}
