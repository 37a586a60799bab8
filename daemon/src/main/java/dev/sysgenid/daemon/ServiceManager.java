// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Sockets;
import dev.sysgenid.linux.Unistd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/**
 * Who started the daemon, when that is a service manager that wants to be told how it goes: the datagram protocol that
 * systemd calls sd_notify. Without {@code NOTIFY_SOCKET} in the environment nothing is sent.
 */
final class ServiceManager {
    private ServiceManager() {}

    /** Whether there is one. */
    static boolean isThere() {
        String address = System.getenv("NOTIFY_SOCKET");
        return address != null && !address.isEmpty();
    }

    /**
     * Gives a descriptor to be kept for the next process of this service: to systemd's descriptor store, where the
     * service has one ({@code FileDescriptorStoreMax}); else it is dropped without a word.
     */
    static void keep(String name, int descriptor) {
        send("FDSTORE=1\nFDNAME=" + name, descriptor);
    }

    /** What was given to be kept under this name is not needed any more. */
    static void release(String name) {
        send("FDSTOREREMOVE=1\nFDNAME=" + name, -1);
    }

    /** Tells assignments, one a line, such as {@code READY=1}. */
    static void tell(String assignments) {
        send(assignments, -1);
    }

    private static void send(String assignments, int descriptor) {
        String address = System.getenv("NOTIFY_SOCKET");
        if (address == null || address.isEmpty()) {
            return;
        }
        int socket = Sockets.socket(Sockets.AF_UNIX, Sockets.SOCK_DGRAM | Sockets.SOCK_CLOEXEC, 0);
        int result = socket;
        if (socket >= 0) {
            result = Sockets.connectUnix(socket, address);
            if (result >= 0) {
                try (Arena arena = Arena.ofConfined()) {
                    byte[] text = assignments.getBytes(StandardCharsets.UTF_8);
                    MemorySegment message = arena.allocateFrom(java.lang.foreign.ValueLayout.JAVA_BYTE, text);
                    result = descriptor < 0
                            ? (int) Sockets.send(socket, message, text.length, Sockets.MSG_NOSIGNAL)
                            : Sockets.sendDescriptor(socket, descriptor, text);
                }
            }
            Unistd.close(socket);
        }
        if (result < 0) {
            System.err.println("sysgenid: cannot notify " + address + ": " + Errno.describe(-result));
        }
    }
}
