// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Mount;
import dev.sysgenid.linux.Processes;
import dev.sysgenid.linux.Sockets;
import dev.sysgenid.linux.Unistd;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The directory that is mounted on, from before the mount until after it.
 *
 * <p>It is locked for as long as this object lives, so that of two daemons that start at once one is told of the other.
 * Closing unmounts, and removes the directory if it was made here; closing twice is harmless.
 */
final class Mountpoint implements AutoCloseable {
    private static final String TYPE = "fuse.sysgenid";
    private static final int FUSERMOUNT_DESCRIPTOR = 3;
    private static final int ANSWER_SECONDS = 2;
    /** As many as the kernel itself follows. */
    private static final int MOST_LINKS = 40;

    private static final String MOUNTS = "/proc/thread-self/mountinfo";

    private final Path path;
    private final boolean made;
    /** The directory under the mount, locked. */
    private final int lock;

    private final @Nullable String fusermount;
    private int connection = -1;
    /** Whether somebody else holds the connection too, so that it does not end when it is closed here. */
    private boolean held;

    private boolean mounted;
    private boolean kept;
    private boolean closed;

    private Mountpoint(Path path, boolean made, int lock, @Nullable String fusermount) {
        this.path = path;
        this.made = made;
        this.lock = lock;
        this.fusermount = fusermount;
    }

    /**
     * Makes {@code path} ready to be mounted on: it is a directory, empty, nothing is mounted there, and no other daemon
     * is about to. The mount that a daemon left behind when it died is taken away.
     *
     * @param privileged mount by ourselves; else through fusermount3
     */
    static Mountpoint prepare(Path path, boolean privileged, Consumer<String> log) throws StartException {
        String fusermount = null;
        if (!privileged) {
            fusermount = findFusermount();
            if (fusermount == null) {
                throw new StartException(
                        ExitCodes.UNAVAILABLE,
                        "not root, and there is no fusermount3",
                        "run as root, or install fuse3 (apt install fuse3)");
            }
        }
        removeStaleMount(path, fusermount, log);
        boolean made = makeDirectory(path);
        int lock = Unistd.open(path.toString(), Unistd.O_RDONLY | Unistd.O_DIRECTORY | Unistd.O_CLOEXEC, 0);
        if (lock < 0) {
            throw cannotUse(path, -lock);
        }
        if (Unistd.flock(lock, Unistd.LOCK_EX | Unistd.LOCK_NB) < 0) {
            Unistd.close(lock);
            throw new StartException(
                    ExitCodes.CANNOT_CREATE,
                    "another daemon is starting or serving at " + path,
                    "stop it first, or choose another directory with --mount");
        }
        return new Mountpoint(path, made, lock, fusermount);
    }

    /**
     * The directory on which an earlier daemon mounted a connection that it left.
     *
     * @param made whether that daemon made the directory
     * @param device the {@link #device} of that daemon's, or 0 when nobody knows it
     * @return null when it is not mounted there; what others have mounted over it is of no account
     */
    static @Nullable Mountpoint takeOver(Path path, boolean made, boolean privileged, int connection, long device)
            throws StartException {
        if (!isThere(path, device)) {
            return null;
        }
        Mountpoint mountpoint = new Mountpoint(path, made, -1, privileged ? null : findFusermount());
        mountpoint.connection = connection;
        mountpoint.held = true;
        mountpoint.mounted = true;
        return mountpoint;
    }

    private static boolean isThere(Path path, long device) throws StartException {
        return mountsAt(path).stream()
                .anyMatch(mount -> mount.type.equals(TYPE) && (device == 0 || device == number(mount.device)));
    }

    /** The number of a device that is written as {@code major:minor}; 0 is none. */
    private static long number(String device) {
        int colon = device.indexOf(':');
        return Long.parseLong(device, 0, colon, 10) << 32 | Long.parseLong(device, colon + 1, device.length(), 10);
    }

    /** The device of the file system that was mounted here, by which a successor knows it; 0 when it is not there. */
    long device() throws StartException {
        List<Mounted> mounts = mountsAt(path);
        return mounts.isEmpty() || !mounts.getLast().type.equals(TYPE) ? 0 : number(mounts.getLast().device);
    }

    /**
     * Ends the connection that an earlier daemon left, whose directory is to be used anew: those who wait for an answer that
     * cannot be given are told by an error. What others have mounted over it is left alone.
     */
    static void abandon(Path path) throws StartException {
        if (TYPE.equals(mountedType(path))) {
            Mount.umount2(path.toString(), Mount.MNT_FORCE | Mount.MNT_DETACH | Mount.UMOUNT_NOFOLLOW);
        }
    }

    private static boolean makeDirectory(Path path) throws StartException {
        // Closed to others while nothing is mounted: a program that opens a file under the mount is never to find one
        // that is not the device.
        int result = Unistd.mkdir(path.toString(), 0700);
        if (result == 0) {
            return true;
        }
        if (result != -Errno.EEXIST) {
            throw new StartException(
                    result == -Errno.EACCES || result == -Errno.EPERM
                            ? ExitCodes.NO_PERMISSION
                            : ExitCodes.CANNOT_CREATE,
                    "cannot make the directory " + path + ": " + Errno.describe(-result),
                    result == -Errno.ENOENT
                            ? "make its parent directory first, or choose another one with --mount"
                            : "choose another directory with --mount");
        }
        if (!Files.isDirectory(path)) {
            throw new StartException(
                    ExitCodes.CANNOT_CREATE,
                    path + " is not a directory",
                    "remove it, or choose another directory with --mount");
        }
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(path)) {
            if (entries.iterator().hasNext()) {
                throw new StartException(
                        ExitCodes.CANNOT_CREATE,
                        "the directory " + path + " is not empty",
                        "empty it, or choose another directory with --mount");
            }
        } catch (IOException e) {
            throw new StartException(
                    ExitCodes.NO_PERMISSION, "cannot read the directory " + path, "choose another one with --mount");
        }
        return false;
    }

    private static void removeStaleMount(Path path, @Nullable String fusermount, Consumer<String> log)
            throws StartException {
        if (!TYPE.equals(mountedType(path))) {
            return;
        }
        switch (probe(path)) {
            case SERVED ->
                throw new StartException(
                        ExitCodes.CANNOT_CREATE,
                        "another daemon is serving at " + path,
                        "stop it first, or choose another directory with --mount and another --device");
            case SILENT ->
                throw new StartException(
                        ExitCodes.CANNOT_CREATE,
                        "the daemon that serves at " + path + " does not answer (is it stopped, or in a debugger?)",
                        "continue or kill it, or choose another directory with --mount and another --device");
            case DEAD -> {
                unmount(path, fusermount);
                log.accept("removed the mount at " + path + " that a dead daemon had left");
            }
        }
    }

    private enum Life {
        SERVED,
        SILENT,
        DEAD
    }

    private static Life probe(Path path) {
        CompletableFuture<Integer> opened = new CompletableFuture<>();
        // A daemon that is stopped lets its callers wait for ever: so this waits in a thread that may be left behind.
        Thread.ofPlatform().daemon().name("sysgenid-probe").start(() -> {
            int file = Unistd.open(
                    path.resolve(MountFileSystem.GENERATION_NAME).toString(), Unistd.O_RDONLY | Unistd.O_CLOEXEC, 0);
            if (file >= 0) {
                Unistd.close(file);
            }
            opened.complete(file);
        });
        try {
            int result = opened.get(ANSWER_SECONDS, TimeUnit.SECONDS);
            return result == -Errno.ENOTCONN || result == -Errno.ECONNABORTED ? Life.DEAD : Life.SERVED;
        } catch (TimeoutException e) {
            return Life.SILENT;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Life.SILENT;
        } catch (java.util.concurrent.ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * The type of the file system that is mounted at exactly this place, the topmost one; null when there is none.
     *
     * @throws StartException when the kernel does not tell: that is not "none"
     */
    static @Nullable String mountedType(Path path) throws StartException {
        List<Mounted> mounts = mountsAt(path);
        return mounts.isEmpty() ? null : mounts.getLast().type;
    }

    /** One line of mountinfo: the file system's type, and its device as {@code major:minor}. */
    private record Mounted(String type, String device) {}

    /** What is mounted at exactly this place, what lies on top last. */
    private static List<Mounted> mountsAt(Path path) throws StartException {
        // A byte a character: names are bytes, and any user can make one that is no UTF-8 appear there.
        String wanted =
                new String(place(path).toString().getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
        List<Mounted> mounts = new ArrayList<>();
        try {
            // A line: id parent major:minor root mountpoint options [tags] - type source superoptions
            for (String line : Files.readAllLines(Path.of(MOUNTS), StandardCharsets.ISO_8859_1)) {
                int separator = line.indexOf(" - ");
                int at = 0;
                String device = "";
                for (int field = 0; field < 4; field++) {
                    int next = line.indexOf(' ', at) + 1;
                    device = field == 2 ? line.substring(at, next - 1) : device;
                    at = next;
                }
                String mountpoint = unescape(line.substring(at, line.indexOf(' ', at)));
                if (mountpoint.equals(wanted)) {
                    int from = separator + 3;
                    mounts.add(new Mounted(line.substring(from, line.indexOf(' ', from)), device));
                }
            }
        } catch (IOException e) {
            throw new StartException(
                    ExitCodes.FAILURE, "cannot read " + MOUNTS + ": " + e.getMessage(), "mount /proc", e);
        }
        return mounts;
    }

    /**
     * The path under which the kernel lists a mount at {@code path}: the same place, without links on the way. What is
     * mounted there is not asked anything, as it may not answer.
     */
    private static Path place(Path path) {
        Path place = path;
        try {
            for (int links = 0; links < MOST_LINKS; links++) {
                Path parent = place.getParent();
                Path name = place.getFileName();
                if (parent == null || name == null) {
                    return place;
                }
                parent = parent.toRealPath();
                place = parent.resolve(name);
                place = parent.resolve(Files.readSymbolicLink(place));
            }
        } catch (IOException e) {
            // Not a link, or not there.
        }
        return place;
    }

    /** Blanks, tabs, line ends and backslashes stand in mountinfo as a backslash and three octal digits. */
    private static String unescape(String field) {
        if (field.indexOf('\\') < 0) {
            return field;
        }
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < field.length(); i++) {
            char c = field.charAt(i);
            if (c == '\\' && i + 3 < field.length()) {
                c = (char) Integer.parseInt(field, i + 1, i + 4, 8);
                i += 3;
            }
            text.append(c);
        }
        return text.toString();
    }

    /** Whether the directory was made here. */
    boolean made() {
        return made;
    }

    /** Mounts a connection of its own. */
    int mount() throws StartException {
        return mount(-1);
    }

    /**
     * Mounts.
     *
     * @param handed a connection that somebody holds for this daemon, or -1
     * @return the descriptor of the connection, non-blocking; closed with this object
     */
    int mount(int handed) throws StartException {
        held = handed >= 0 && fusermount == null;
        connection = fusermount == null ? mountDirectly(handed) : mountThroughFusermount(fusermount);
        mounted = true;
        int flags = Unistd.fcntl(connection, Unistd.F_GETFL, 0);
        Unistd.fcntl(connection, Unistd.F_SETFL, flags | Unistd.O_NONBLOCK);
        return connection;
    }

    private int mountDirectly(int handed) throws StartException {
        int connection = handed >= 0 ? handed : Unistd.open("/dev/fuse", Unistd.O_RDWR | Unistd.O_CLOEXEC, 0);
        if (connection < 0) {
            throw new StartException(
                    ExitCodes.UNAVAILABLE,
                    "cannot open /dev/fuse: " + Errno.describe(-connection),
                    "load the kernel module (modprobe fuse); in a container, pass the device in (--device /dev/fuse)");
        }
        int result = Mount.mount(
                "sysgenid",
                path.toString(),
                TYPE,
                Mount.MS_NOSUID | Mount.MS_NODEV | Mount.MS_NOEXEC,
                "fd=" + connection + ",rootmode=40755,user_id=0,group_id=0,allow_other,default_permissions");
        if (result < 0) {
            Unistd.close(connection);
            throw new StartException(
                    result == -Errno.EPERM ? ExitCodes.NO_PERMISSION : ExitCodes.UNAVAILABLE,
                    "cannot mount at " + path + ": " + Errno.describe(-result),
                    result == -Errno.EPERM
                            ? "mounting needs CAP_SYS_ADMIN; in a container, run it with --cap-add SYS_ADMIN"
                            : "see sysgenid doctor");
        }
        return connection;
    }

    /** fusermount3 opens /dev/fuse, mounts with its own rights, and sends the descriptor back over a socket. */
    private int mountThroughFusermount(String program) throws StartException {
        int[] ends = new int[2];
        if (Sockets.socketpair(Sockets.AF_UNIX, Sockets.SOCK_STREAM | Sockets.SOCK_CLOEXEC, 0, ends) < 0) {
            throw new StartException(ExitCodes.FAILURE, "cannot make a pair of sockets", "see sysgenid doctor");
        }
        try {
            List<String> environment = new ArrayList<>();
            environment.add("_FUSE_COMMFD=" + FUSERMOUNT_DESCRIPTOR);
            environment.add("PATH=/usr/bin:/bin");
            int child = Processes.spawn(
                    program,
                    List.of(
                            program,
                            "-o",
                            "fsname=sysgenid,subtype=sysgenid,nosuid,nodev,noexec",
                            "--",
                            path.toString()),
                    environment,
                    Map.of(0, 0, 1, 1, 2, 2, FUSERMOUNT_DESCRIPTOR, ends[1]));
            Unistd.close(ends[1]);
            ends[1] = -1;
            int connection = child < 0 ? child : Sockets.receiveDescriptor(ends[0]);
            int status = child < 0 ? child : Processes.waitpid(child, 0);
            if (connection < 0 || status != 0) {
                throw new StartException(
                        ExitCodes.UNAVAILABLE,
                        program + " could not mount at " + path,
                        "it said why above; the directory must be yours, and /dev/fuse open to you (usually its mode is 0666)");
            }
            return connection;
        } finally {
            Unistd.close(ends[0]);
            if (ends[1] >= 0) {
                Unistd.close(ends[1]);
            }
        }
    }

    private static void unmount(Path path, @Nullable String fusermount) throws StartException {
        int result;
        if (fusermount == null) {
            result = Mount.umount2(path.toString(), Mount.MNT_DETACH);
        } else {
            int child = Processes.spawn(
                    fusermount,
                    List.of(fusermount, "-u", "-z", "--", path.toString()),
                    List.of("PATH=/usr/bin:/bin"),
                    Map.of(0, 0, 1, 1, 2, 2));
            result = child < 0 ? child : Processes.waitpid(child, 0) == 0 ? 0 : -Errno.EPERM;
        }
        // EINVAL: somebody else has unmounted it.
        if (result < 0 && result != -Errno.EINVAL) {
            throw new StartException(
                    result == -Errno.EPERM ? ExitCodes.NO_PERMISSION : ExitCodes.FAILURE,
                    "cannot unmount " + path + ": " + Errno.describe(-result),
                    "unmount it as root: umount -l " + path);
        }
    }

    private static @Nullable String findFusermount() {
        for (String directory : List.of("/usr/bin/", "/bin/", "/usr/local/bin/")) {
            String program = directory + "fusermount3";
            if (Files.isExecutable(Path.of(program))) {
                return program;
            }
        }
        return null;
    }

    private static StartException cannotUse(Path path, int errno) {
        return new StartException(
                errno == Errno.EACCES ? ExitCodes.NO_PERMISSION : ExitCodes.CANNOT_CREATE,
                "cannot use the directory " + path + ": " + Errno.describe(errno),
                "choose another directory with --mount");
    }

    /**
     * The connection has ended without us. When that was an unmount, nothing is left to unmount, and what may lie at the path
     * is not ours; when it was aborted, the mount is still there, dead.
     */
    void lost() {
        try {
            mounted = TYPE.equals(mountedType(path));
        } catch (StartException e) {
            mounted = false;
        }
    }

    /** Whether closing is to leave everything as it is, because another daemon goes on with it. */
    void keep(boolean keep) {
        kept = keep;
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        if (kept) {
            return;
        }
        if (mounted) {
            mounted = false;
            try {
                String type = mountedType(path);
                if (type != null && !type.equals(TYPE)) {
                    System.err.println("sysgenid: something else is mounted over " + path + ": both are left there");
                } else {
                    if (held && fusermount == null) {
                        // Ends the connection, as the last close of it would: those who wait for an answer are told
                        // now.
                        Mount.umount2(path.toString(), Mount.MNT_FORCE | Mount.MNT_DETACH);
                    }
                    unmount(path, fusermount);
                }
            } catch (StartException e) {
                System.err.println("sysgenid: " + e.getMessage());
            }
        }
        if (connection >= 0) {
            Unistd.close(connection);
        }
        if (made) {
            Unistd.rmdir(path.toString());
        }
        if (lock >= 0) {
            Unistd.close(lock);
        }
    }
}
