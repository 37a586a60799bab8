// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Sockets;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** From the outside: lets a daemon hand over to the program as it is installed now. */
public final class Upgrade {
    private static final int LOOK_MILLIS = 10;

    private Upgrade() {}

    /**
     * Tells the daemon that serves at {@code mount} to hand over, and waits until the next one serves.
     *
     * @return the process id of the next one
     * @throws StartException when there is no daemon, when nobody would start another one, or when none has come in time
     */
    public static int handOver(Path mount, long limitMillis) throws StartException {
        Path directory = StateDirectory.beside(mount);
        int file = Unistd.open(
                directory.resolve(StateDirectory.STATE).toString(),
                Unistd.O_RDWR | Unistd.O_NOFOLLOW | Unistd.O_CLOEXEC,
                0);
        if (file < 0) {
            throw new StartException(
                    file == -Errno.EACCES ? ExitCodes.NO_PERMISSION : ExitCodes.UNAVAILABLE,
                    "cannot read the state of a daemon in " + directory + ": " + Errno.describe(-file),
                    file == -Errno.EACCES
                            ? "run as the daemon's user"
                            : "is it served? say where with --mount, if it is not at the usual place");
        }
        try (StateFile state = StateFile.open(file)) {
            if (state == null) {
                throw new StartException(
                        ExitCodes.UNAVAILABLE, directory + " is of another version, or damaged", "restart the daemon");
            }
            if (!state.isKept()) {
                throw new StartException(
                        ExitCodes.UNAVAILABLE,
                        "nobody would start another daemon after the one at " + mount,
                        "it was started with --no-supervise, or without root: restart it");
            }
            long incarnation = state.incarnation();
            tell(Control.in(directory).toString());
            for (long waited = 0; state.incarnation() == incarnation; waited += LOOK_MILLIS) {
                if (waited > limitMillis) {
                    throw new StartException(
                            ExitCodes.TIMEOUT,
                            "no daemon has taken over at " + mount + " within " + limitMillis / 1000 + "s",
                            "see what the keeper, or the service, has logged");
                }
                Thread.sleep(LOOK_MILLIS);
            }
            return state.pid();
        } catch (SystemCallException e) {
            throw new StartException(ExitCodes.FAILURE, String.valueOf(e.getMessage()), "is the daemon alive?", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StartException(ExitCodes.FAILURE, "interrupted", "", e);
        }
    }

    private static void tell(String path) throws SystemCallException {
        int socket = SystemCallException.check(
                Sockets.socket(Sockets.AF_UNIX, Sockets.SOCK_DGRAM | Sockets.SOCK_CLOEXEC, 0), "socket", path);
        try (Arena arena = Arena.ofConfined()) {
            byte[] text = Control.HAND_OVER.getBytes(StandardCharsets.US_ASCII);
            MemorySegment message = arena.allocateFrom(ValueLayout.JAVA_BYTE, text);
            SystemCallException.check(
                    Sockets.sendto(socket, message, text.length, Sockets.MSG_NOSIGNAL, path), "sendto", path);
        } finally {
            Unistd.close(socket);
        }
    }
}
