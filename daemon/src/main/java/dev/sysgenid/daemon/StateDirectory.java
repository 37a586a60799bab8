// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Mount;
import dev.sysgenid.linux.Stat;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The directory that holds what outlives the daemon: the {@link StateFile} and the {@link PageFiles}. It lies beside the
 * mounted directory, is closed to others, and is locked while this object lives.
 *
 * <p>A privileged daemon mounts a tmpfs there, as large as everything can become: so nobody who opens the device can fill
 * {@code /run}, and nothing goes to a disk.
 */
final class StateDirectory implements AutoCloseable {
    /** The name of the state file. */
    static final String STATE = "state";

    /** How many daemons in a row could not take over. */
    private static final String FAILURES = "failures";
    /** What {@link StateFile#polled} notes. */
    private static final String POLLS = "polls";

    private static final int FOR_THE_STATE = 32 * 1024 * 1024;

    private final Path path;
    private final boolean mounted;
    private int directory;
    private boolean closed;
    private boolean kept;
    private Undead undead = new Undead();

    private StateDirectory(Path path, boolean mounted, int directory) {
        this.path = path;
        this.mounted = mounted;
        this.directory = directory;
    }

    /** Where the state of what is mounted at {@code mount} is. */
    static Path beside(Path mount) {
        return mount.resolveSibling(mount.getFileName() + ".state");
    }

    /**
     * An empty one, whatever a dead daemon left there.
     *
     * @param maxPages how many pages there may be
     */
    static StateDirectory prepare(Path path, boolean privileged, int maxPages) throws StartException {
        int made = Unistd.mkdir(path.toString(), 0700);
        if (made < 0 && made != -Errno.EEXIST) {
            throw cannot("make", path, -made);
        }
        int directory = open(path);
        if (!privileged) {
            StateDirectory found = new StateDirectory(path, false, directory);
            found.lock();
            found.empty();
            found.begin();
            return found;
        }
        while (isMounted(directory)) {
            new StateDirectory(path, true, directory).lock(); // else somebody serves with it
            new PageFiles(path, directory).retire();
            Unistd.close(directory);
            int result = Mount.umount2(path.toString(), Mount.MNT_DETACH | Mount.UMOUNT_NOFOLLOW);
            if (result < 0) {
                throw cannot("unmount", path, -result);
            }
            directory = open(path);
        }
        String options = "mode=0700," + room(maxPages);
        int result = mount(directory, options + ",noswap");
        if (result == -Errno.EINVAL) { // before Linux 6.4
            result = mount(directory, options);
        }
        Unistd.close(directory);
        if (result < 0) {
            throw cannot("mount a tmpfs at", path, -result);
        }
        StateDirectory found = new StateDirectory(path, true, open(path));
        found.lock();
        found.begin();
        return found;
    }

    /** Makes the files that are only renamed later. */
    private void begin() {
        failures().set(0);
        polls().set(0);
    }

    private static String room(int maxPages) {
        return "size=" + ((long) maxPages * dev.sysgenid.abi.Page.SIZE + FOR_THE_STATE) + ",nr_inodes="
                + (maxPages + 64);
    }

    /**
     * The one that a daemon left which died or handed over; null when there is none that can be trusted, or that daemon has not
     * begun to note anything: then it may not even have agreed with the kernel on how to talk. While somebody of {@link #undead}
     * is there, they have it locked: {@link #lock} it when they have ended.
     *
     * @param maxPages how many pages there may be from now on
     */
    static @Nullable StateDirectory find(Path path, boolean privileged, int maxPages) throws StartException {
        if (!Files.isDirectory(path, java.nio.file.LinkOption.NOFOLLOW_LINKS)) {
            return null;
        }
        int directory = open(path);
        StateDirectory found = new StateDirectory(path, isMounted(directory), directory);
        if (found.mounted != privileged
                || !Files.exists(path.resolve(STATE), java.nio.file.LinkOption.NOFOLLOW_LINKS)) {
            Unistd.close(directory);
            return null;
        }
        found.undead = Undead.holding(path.resolve(STATE));
        if (!found.undead.areThere()) {
            found.lock();
        }
        if (found.mounted) {
            // Where it cannot become smaller it stays as it is.
            Mount.mount(
                    "sysgenid",
                    "/proc/self/fd/" + directory,
                    "tmpfs",
                    Mount.MS_REMOUNT | Mount.MS_NOSUID | Mount.MS_NODEV | Mount.MS_NOEXEC,
                    room(maxPages));
        }
        return found;
    }

    /** Daemons that have used it, are dead, and cannot end. */
    Undead undead() {
        return undead;
    }

    /** Tells those who have a page mapped that nobody serves them any more, unless somebody does. */
    static void retire(Path path) {
        try {
            StateDirectory found = new StateDirectory(path, true, open(path));
            found.lock();
            found.pages().retire();
            Unistd.close(found.directory);
        } catch (StartException e) {
            // There is none, or it is in use.
        }
    }

    private static int open(Path path) throws StartException {
        int directory = Unistd.open(
                path.toString(), Unistd.O_RDONLY | Unistd.O_DIRECTORY | Unistd.O_NOFOLLOW | Unistd.O_CLOEXEC, 0);
        if (directory < 0) {
            throw cannot("open", path, -directory);
        }
        try {
            Stat stat = Stat.of(directory);
            if (stat.uid() == Unistd.geteuid() && (stat.permissions() & 077) == 0) {
                return directory;
            }
            Unistd.close(directory);
            throw new StartException(
                    ExitCodes.CANNOT_CREATE,
                    path + " is not a directory of this user's that is closed to others",
                    "remove it, or choose another directory with --mount");
        } catch (SystemCallException e) {
            Unistd.close(directory);
            throw cannot("look at", path, e.errno());
        }
    }

    /** By its descriptor: it is this directory and no other, whatever becomes of the path. */
    private static int mount(int directory, String options) {
        return Mount.mount(
                "sysgenid",
                "/proc/self/fd/" + directory,
                "tmpfs",
                Mount.MS_NOSUID | Mount.MS_NODEV | Mount.MS_NOEXEC,
                options);
    }

    private static boolean isMounted(int directory) {
        try {
            return Stat.filesystemType(directory) == Stat.TMPFS_MAGIC
                    && Stat.of(directory).mountRoot();
        } catch (SystemCallException e) {
            return false;
        }
    }

    private static StartException cannot(String what, Path path, int errno) {
        return new StartException(
                errno == Errno.EACCES || errno == Errno.EPERM ? ExitCodes.NO_PERMISSION : ExitCodes.CANNOT_CREATE,
                "cannot " + what + " " + path + ", where the state is kept: " + Errno.describe(errno),
                "choose another directory with --mount; the state is kept beside it");
    }

    /** Makes sure that no other daemon uses it. */
    void lock() throws StartException {
        if (Unistd.flock(directory, Unistd.LOCK_EX | Unistd.LOCK_NB) < 0) {
            Unistd.close(directory);
            throw new StartException(
                    ExitCodes.CANNOT_CREATE,
                    "another daemon keeps its state in " + path,
                    "stop it first, or choose another directory with --mount");
        }
    }

    private void empty() {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(path)) {
            for (Path file : files) {
                Unistd.unlinkat(directory, String.valueOf(file.getFileName()), 0);
            }
        } catch (IOException e) {
            // What is left is found by nobody.
        }
    }

    Path path() {
        return path;
    }

    /** The pages. */
    PageFiles pages() {
        return new PageFiles(path, directory);
    }

    /** How many daemons in a row could not take over; below 1 for none. */
    NumberFile failures() {
        return new NumberFile(path, directory, FAILURES);
    }

    /** Not lower than any name by which the kernel knows a poller; -1 when that is not known. */
    NumberFile polls() {
        return new NumberFile(path, directory, POLLS);
    }

    /** The file of the state, open, and with the lock by which this daemon is found should it be undead. */
    int openState() throws SystemCallException {
        int state = SystemCallException.check(
                Unistd.openat(
                        directory, STATE, Unistd.O_RDWR | Unistd.O_CREAT | Unistd.O_NOFOLLOW | Unistd.O_CLOEXEC, 0600),
                "open",
                path.resolve(STATE));
        // Shared, so nobody waits for it. Where it cannot be had, an undead daemon is one that lives.
        int _ = Unistd.flock(state, Unistd.LOCK_SH | Unistd.LOCK_NB);
        return state;
    }

    /** Whether it is not to be removed when this is closed, because another daemon goes on with it. */
    void keep(boolean keep) {
        kept = keep;
    }

    /** See {@link #keep}. */
    boolean isKept() {
        return kept;
    }

    /** Removes it. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        if (!kept) {
            pages().retire();
            if (!mounted) {
                empty();
            } else {
                Mount.umount2(path.toString(), Mount.MNT_DETACH | Mount.UMOUNT_NOFOLLOW);
            }
            Unistd.rmdir(path.toString());
        }
        Unistd.close(directory);
    }
}
