// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import dev.sysgenid.abi.Generation;
import dev.sysgenid.abi.Ioctl;
import dev.sysgenid.daemon.ExitCodes;
import dev.sysgenid.linux.Epoll;
import dev.sysgenid.linux.Errno;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/**
 * The device, as an orchestrator or a watcher uses it. Only commands of the family that every driver since version six
 * has are sent, so it is the same to the user whether our daemon or a kernel driver serves the file.
 *
 * <p>Used by one thread.
 */
final class Device implements AutoCloseable {
    private static final String START = "start it with: sysgenid serve";
    private static final int GONE = Epoll.EPOLLERR | Epoll.EPOLLHUP;

    private final Path path;
    private final DeviceFile file;
    private final boolean writable;

    /** The generation up to which this watcher has caught up. */
    private int caughtUp;

    private Device(Path path, DeviceFile file, boolean writable) {
        this.path = path;
        this.file = file;
        this.writable = writable;
    }

    /**
     * Opens a device without being counted as one of its watchers: this description can delay nobody.
     *
     * @throws Failure when nothing is there, or something else, or it may not be opened
     */
    static Device open(Path path, DeviceFile.Opener opener) throws Failure {
        try {
            return untracked(path, opener.open(path.toString(), true), true);
        } catch (DeviceFile.OpenException e) {
            throw cannotOpen(path, e.errno());
        }
    }

    /** As {@link #open}, also where the user may only read. Such a watcher cannot acknowledge. */
    static Device openToLook(Path path, DeviceFile.Opener opener) throws Failure {
        try {
            return untracked(path, opener.open(path.toString(), false), false);
        } catch (DeviceFile.OpenException e) {
            throw cannotOpen(path, e.errno());
        }
    }

    private static Device untracked(Path path, DeviceFile file, boolean writable) throws Failure {
        Device device = new Device(path, file, writable);
        try {
            device.track(false);
        } catch (Failure e) {
            device.close();
            throw e;
        }
        return device;
    }

    Path path() {
        return path;
    }

    /**
     * Whether others wait for this watcher to acknowledge.
     *
     * <p>This is also how a file that is no such device is found out: everything else that can be opened answers an
     * unknown ioctl with ENOTTY. (Version four of the driver answers EINVAL; it tracks everyone, always.)
     */
    void track(boolean on) throws Failure {
        int result = file.ioctl(Ioctl.SET_WATCHER_TRACKING, on ? 1 : 0);
        if (result == -Errno.ENOTTY || result == -Errno.ENOSYS) {
            if (Files.isDirectory(path)) {
                throw directory(path);
            }
            throw new Failure(
                    ExitCodes.UNAVAILABLE,
                    path + " is not a SysGenID device",
                    "name one with --device or SYSGENID_PATH; the usual one is " + DeviceOption.USUAL);
        }
        if (result < 0 && result != -Errno.EINVAL) {
            throw failed("set the tracking of", result);
        }
    }

    /** The current generation, with which this watcher catches up. */
    int generation() throws Failure {
        long mapped = file.mapped();
        if (mapped < 0) {
            throw failed("map", mapped);
        }
        caughtUp = (int) mapped;
        return catchUp();
    }

    /** The newest generation if it is not acknowledged, as an unsigned number; else -1. */
    long unacknowledged() throws Failure {
        long generation = file.read();
        if (generation == -Errno.EAGAIN) {
            return -1;
        }
        if (generation < 0) {
            throw failed("read", generation);
        }
        return generation;
    }

    /** Acknowledges a generation. False when it is not the current one any more. */
    boolean acknowledge(int generation) throws Failure {
        long result = file.write(generation);
        if (result == -Errno.EINVAL) {
            return false;
        }
        if (result < 0) {
            throw failed("write", result);
        }
        caughtUp = generation;
        return true;
    }

    /** Acknowledges the newest generation, and returns it. */
    private int catchUp() throws Failure {
        for (long newest = unacknowledged(); newest >= 0; newest = unacknowledged()) {
            if (!writable) {
                caughtUp = (int) newest;
                break;
            }
            acknowledge((int) newest);
        }
        return caughtUp;
    }

    /**
     * Changes the generation.
     *
     * @param minimum the least new generation wanted, unsigned; 0 for no wish
     * @return the newest generation after that
     */
    int bump(int minimum) throws Failure {
        int result = file.ioctl(Ioctl.TRIGGER_GEN_UPDATE, Integer.toUnsignedLong(minimum));
        if (result == -Errno.EACCES || result == -Errno.EPERM) {
            throw new Failure(
                    ExitCodes.NO_PERMISSION,
                    "you may not bump the generation of " + path,
                    "run it as root, or with CAP_CHECKPOINT_RESTORE in the user namespace of the device's server");
        }
        if (result == -Errno.EINVAL) {
            throw olderDriver("TRIGGER_GEN_UPDATE");
        }
        if (result < 0) {
            throw failed("bump the generation of", result);
        }
        return catchUp();
    }

    /**
     * Gives the domain of this device to a user namespace.
     *
     * @param namespace a descriptor of it
     */
    void setOwner(int namespace) throws Failure {
        int result = file.ioctl(Ioctl.SET_DOMAIN_OWNER, namespace);
        if (result == -Errno.EACCES || result == -Errno.EPERM) {
            throw new Failure(
                    ExitCodes.NO_PERMISSION, "you may not give " + path + " to a user namespace", "run it as root");
        }
        if (result < 0) {
            throw failed("set the owner of", result);
        }
    }

    /**
     * Waits until every tracked watcher has acknowledged the newest generation, however often that changes meanwhile.
     * This watcher acknowledges each change at once: it never waits for itself. It must know a generation before:
     * by {@link #generation} or {@link #bump}.
     *
     * @return the generation that all have acknowledged, as an unsigned number; -1 when the time is over, and at least
     *     one look was taken then
     */
    long awaitAcknowledgements(Deadline deadline) throws Failure {
        boolean looked = false;
        while (true) {
            int generation = catchUp();
            long millis = deadline.isNever() ? 0 : deadline.millisLeft();
            if (millis == 0 && !deadline.isNever()) {
                if (looked) {
                    return -1;
                }
                millis = 1; // 0 would mean for ever
            }
            looked = true;
            int result = file.ioctl(Ioctl.WAIT_WATCHERS, millis);
            if (result >= 0) {
                return Integer.toUnsignedLong(generation);
            }
            // EINTR: the generation changed, or a signal came. ETIME: perhaps by a clock that is ahead of ours.
            if (result == -Errno.EINVAL) {
                throw olderDriver("WAIT_WATCHERS");
            }
            if (result != -Errno.EINTR && result != -Errno.ETIME) {
                throw failed("wait for the watchers of", result);
            }
        }
    }

    /** How many tracked watchers are outdated; -1 when the driver has no command that tells. */
    int outdatedWatchers() throws Failure {
        int result = file.ioctl(Ioctl.V4_GET_OUTDATED_WATCHERS, 0);
        if (result == -Errno.EINVAL || result == -Errno.ENOTTY) {
            return -1;
        }
        if (result < 0) {
            throw failed("ask for the watchers of", result);
        }
        return result;
    }

    /**
     * Waits for a change of the generation that was not reported by this method before; the first call also reports
     * being outdated already.
     *
     * @param timeoutMillis how long at most; -1 for no limit
     * @return false when the time is over, or for no reason
     */
    boolean awaitChange(int timeoutMillis) throws Failure {
        int events = file.awaitChange(timeoutMillis);
        if (events == -Errno.EINTR) {
            return false;
        }
        if (events < 0) {
            throw failed("wait for a change of", events);
        }
        if ((events & GONE) != 0) {
            throw gone(path);
        }
        return events != 0;
    }

    @Override
    public void close() {
        file.close();
    }

    private Failure failed(String what, long result) {
        int errno = (int) -result;
        if (errno == Errno.ENOTCONN || errno == Errno.ECONNABORTED || errno == Errno.ENODEV) {
            return gone(path);
        }
        return new Failure(
                ExitCodes.FAILURE,
                "cannot " + what + " " + path + ": " + Errno.describe(errno),
                "see: sysgenid doctor");
    }

    private Failure olderDriver(String command) {
        return new Failure(
                ExitCodes.UNAVAILABLE,
                "the driver of " + path + " does not know " + command,
                "it is older than version six; unload it and serve the device instead: sysgenid serve");
    }

    private static Failure gone(Path path) {
        return new Failure(
                ExitCodes.UNAVAILABLE,
                "the daemon that served " + path + " is gone",
                "start it again (it cleans up after the old one): sysgenid serve");
    }

    /** Looks closer, now that there is time: what is at the path? */
    private static Failure cannotOpen(Path path, int errno) {
        return switch (errno) {
            case Errno.ENOENT, Errno.ENOTDIR, Errno.ELOOP -> absent(path);
            case Errno.ENOTCONN, Errno.ECONNABORTED -> gone(path);
            case Errno.EACCES, Errno.EPERM ->
                new Failure(
                        ExitCodes.NO_PERMISSION,
                        "you may not open " + path,
                        "run it as root, or have the device served with a --mode or --owner that lets you");
            case Errno.EISDIR -> directory(path);
            case Errno.ENODEV ->
                new Failure(
                        ExitCodes.UNAVAILABLE,
                        path + " is of a domain that was removed",
                        "mount that of another one; sysgenid domain list shows which there are");
            default ->
                new Failure(
                        ExitCodes.UNAVAILABLE,
                        "cannot open " + path + ": " + Errno.describe(errno),
                        "see: sysgenid doctor");
        };
    }

    private static Failure absent(Path path) {
        if (Files.isSymbolicLink(path)) {
            return new Failure(
                    ExitCodes.UNAVAILABLE,
                    path + " is a link to " + target(path) + ", which is not there: the daemon is not running",
                    START);
        }
        Path domain = path.toAbsolutePath().getParent();
        if (domain != null && !Files.exists(domain) && Files.exists(domain.resolveSibling("generation"))) {
            return new Failure(
                    ExitCodes.UNAVAILABLE,
                    "no domain " + domain.getFileName() + " in " + domain.getParent(),
                    "make it with: sysgenid domain create " + domain.getFileName());
        }
        return new Failure(ExitCodes.UNAVAILABLE, "no " + path + ": is the daemon running?", START + elsewhere(path));
    }

    private static Failure directory(Path path) {
        Path inside = path.resolve("sysgenid");
        return new Failure(
                ExitCodes.UNAVAILABLE,
                path + " is a directory",
                Files.exists(inside, LinkOption.NOFOLLOW_LINKS)
                        ? "the device is in it: --device " + inside
                        : "name a device with --device or SYSGENID_PATH");
    }

    /** A daemon that a user runs is at a path of the user's own, which the usual one does not lead to. */
    private static String elsewhere(Path path) {
        String runtime = System.getenv("XDG_RUNTIME_DIR");
        if (runtime == null || runtime.isEmpty() || !path.toString().equals(DeviceOption.USUAL)) {
            return "";
        }
        Path own = Path.of(runtime, "sysgenid", "sysgenid");
        return Files.exists(own) ? "\nor use the one that you run: --device " + own : "";
    }

    private static String target(Path link) {
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (IOException e) {
            return "?";
        }
    }

    /** An unsigned generation, as it is printed. */
    static String show(int generation) {
        return Generation.toString(generation);
    }
}
