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

    /** Tells assignments, one a line, such as {@code READY=1}. */
    static void tell(String assignments) {
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
                    result = (int) Sockets.send(socket, message, text.length, Sockets.MSG_NOSIGNAL);
                }
            }
            Unistd.close(socket);
        }
        if (result < 0) {
            System.err.println("sysgenid: cannot notify " + address + ": " + Errno.describe(-result));
        }
    }
}
