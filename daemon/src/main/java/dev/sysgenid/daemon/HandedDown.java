// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Poll;
import dev.sysgenid.linux.Stat;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.lang.foreign.Arena;
import java.util.Map;

/**
 * The FUSE connection that whoever started the daemon holds for it, so that it outlives the daemon: the keeper of the
 * launcher, or systemd. They tell of it as systemd does (sd_listen_fds): {@code LISTEN_PID} is this process, {@code
 * LISTEN_FDS} counts descriptors from 3 on, {@code LISTEN_FDNAMES} has their names.
 *
 * @param descriptor non-blocking and close-on-exec; -1 for none
 */
record HandedDown(int descriptor, Life life) {
    /** The name of the connection among descriptors. */
    static final String NAME = "sysgenid-fuse";

    /** The environment variable by which the keeper of the launcher says that it is there, or that all is over. */
    static final String KEEPER = "SYSGENID_KEEPER";

    private static final int FIRST = 3;
    private static final int MOST = 64;
    private static final long FUSE_DEVICE = 10 << 8 | 229;
    private static final int LEAST_BUFFER = 8192;

    /** What the connection is good for. */
    enum Life {
        /** There is none. */
        NONE,
        /** It was never mounted. */
        FRESH,
        /** It is mounted: somebody served it. */
        MOUNTED,
        /** It was mounted, and is no more. */
        OVER
    }

    /** Looks for it, and makes sure that no program that this one starts inherits it. */
    static HandedDown take(Map<String, String> environment) {
        HandedDown found = new HandedDown(-1, Life.NONE);
        if (!String.valueOf(Unistd.getpid()).equals(environment.get("LISTEN_PID"))) {
            return found;
        }
        String[] names = environment.getOrDefault("LISTEN_FDNAMES", "").split(":", -1);
        int count = Math.min(number(environment.get("LISTEN_FDS")), MOST);
        for (int i = 0; i < count; i++) {
            int descriptor = FIRST + i;
            if (i < names.length && names[i].equals(NAME) && isFuse(descriptor)) {
                Unistd.fcntl(descriptor, Unistd.F_SETFD, Unistd.FD_CLOEXEC);
                Life life = life(descriptor);
                if (found.life != Life.MOUNTED) {
                    found = new HandedDown(descriptor, life);
                }
            }
        }
        return found;
    }

    private static int number(@org.jspecify.annotations.Nullable String text) {
        try {
            return text == null ? 0 : Integer.parseInt(text);
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    private static boolean isFuse(int descriptor) {
        try {
            Stat stat = Stat.of(descriptor);
            return stat.is(Stat.S_IFCHR) && stat.rdev() == FUSE_DEVICE;
        } catch (SystemCallException e) {
            return false;
        }
    }

    private static Life life(int descriptor) {
        int flags = Unistd.fcntl(descriptor, Unistd.F_GETFL, 0);
        Unistd.fcntl(descriptor, Unistd.F_SETFL, flags | Unistd.O_NONBLOCK);
        int events = Poll.poll(descriptor, Poll.POLLIN | Poll.POLLOUT, 0);
        if (events > 0 && (events & Poll.POLLERR) == 0) {
            return Life.MOUNTED;
        }
        try (Arena arena = Arena.ofConfined()) {
            // Nothing can come: either there is no other end yet, or not any more.
            long result = Unistd.read(descriptor, arena.allocate(LEAST_BUFFER, 8), LEAST_BUFFER);
            return result == -Errno.EPERM ? Life.FRESH : Life.OVER;
        }
    }

    /** Whether no daemon comes any more, and this process is only to tell those who still have a page mapped. */
    static boolean isOver() {
        return "over".equals(System.getenv(KEEPER));
    }

    /** Whether the launcher's keeper started this process. */
    static boolean byKeeper() {
        return "1".equals(System.getenv(KEEPER));
    }
}
