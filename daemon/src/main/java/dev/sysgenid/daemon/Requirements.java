// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;

/**
 * What this machine must have, and should have, to serve the device; each finding with its remedy. Nothing is changed by
 * looking: files are opened and read.
 */
public final class Requirements {
    private static final int CAP_SYS_ADMIN = 21;

    /** The inode number of the initial user namespace, fixed by the kernel (PROC_USER_INIT_INO). */
    private static final String INITIAL_USER_NAMESPACE = "user:[4026531837]";

    /** Linux's default; every open takes one map. */
    private static final long USUAL_MAP_COUNT = 65530;

    /** Enough for the daemon itself: its pages need no descriptor once they are mapped. */
    private static final long ENOUGH_DESCRIPTORS = 1024;

    private final Path root;
    private final List<String> searchPath;

    private Requirements(Path root, List<String> searchPath) {
        this.root = root;
        this.searchPath = searchPath;
    }

    /** How far a requirement is met. */
    public enum Status {
        /** Met, or not needed here. */
        OK,
        /** The device can be served, with a loss that the finding names. */
        WARNING,
        /** The device cannot be served. */
        MISSING
    }

    /**
     * One requirement and what was found.
     *
     * @param name what is required, in a word or two
     * @param status how far it is met
     * @param finding what was found, one line
     * @param remedy what to do about it, one line or several; null where nothing needs doing
     */
    public record Requirement(
            String name,
            Status status,
            String finding,
            @Nullable String remedy) {}

    /** Everything that serving depends on. The device can be served when nothing in the list is {@link Status#MISSING}. */
    public static List<Requirement> check() {
        return ofThisMachine().requirements();
    }

    /**
     * The hardware that tells this machine of its own restoration, one entry each, and a warning as the last entry when
     * there is none at all. None of it is needed to serve: an operator or a hook can always bump.
     */
    public static List<Requirement> sources() {
        return new SourceRequirements(Path.of("/")).all();
    }

    /** Whether one of the {@link #sources} is there, and can be used as far as one can tell. */
    public static boolean isThere(Requirement source) {
        return source.status() == Status.OK && !source.finding().startsWith(SourceRequirements.NONE);
    }

    /** Of {@link #check}, the one that a running daemon depends on too: programs are blocked in reads without end. */
    static Requirement requestTimeouts() {
        return ofThisMachine().requestTimeout();
    }

    /** How many mappings a process may have. */
    static int maxMappings() {
        return (int) Math.min(Integer.MAX_VALUE, ofThisMachine().mapLimit());
    }

    private static Requirements ofThisMachine() {
        String path = System.getenv("PATH");
        return new Requirements(Path.of("/"), split(path == null ? "/usr/bin:/bin" : path, ':'));
    }

    /** For tests: the machine whose files lie under {@code root}. */
    static Requirements of(Path root, List<String> searchPath) {
        return new Requirements(root, searchPath);
    }

    List<Requirement> requirements() {
        boolean privileged = mayMountAndPassThrough();
        List<Requirement> found = new ArrayList<>();
        found.add(fuseDevice());
        found.add(fuseFilesystem());
        found.add(kernel());
        found.add(privileges(privileged));
        found.add(mountHelper(privileged));
        found.add(requestTimeout());
        found.add(mapCount());
        found.add(descriptors());
        return found;
    }

    private Requirement fuseDevice() {
        String name = "/dev/fuse";
        Path device = under("dev/fuse");
        if (!Files.exists(device, LinkOption.NOFOLLOW_LINKS)) {
            return new Requirement(
                    name, Status.MISSING, "not there", "modprobe fuse; in a container: run it with --device /dev/fuse");
        }
        // Opening is the only true test: a container's device rules refuse it whatever the permission bits say.
        try (FileChannel channel = FileChannel.open(device, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            return new Requirement(name, Status.OK, channel.isOpen() ? "can be opened" : "closed", null);
        } catch (AccessDeniedException e) {
            return new Requirement(
                    name,
                    Status.MISSING,
                    "may not be opened",
                    "chmod 666 /dev/fuse; in a container: run it with --device /dev/fuse");
        } catch (IOException e) {
            // EPERM, ENODEV, ENXIO: the node is there and the driver behind it is not, or a container forbids it.
            return new Requirement(
                    name,
                    Status.MISSING,
                    "cannot be opened: " + reason(e),
                    "modprobe fuse; in a container: run it with --device /dev/fuse");
        }
    }

    private Requirement fuseFilesystem() {
        String name = "fuse in the kernel";
        for (String line : lines("proc/filesystems")) {
            if (line.equals("nodev\tfuse")) {
                return new Requirement(name, Status.OK, "in /proc/filesystems", null);
            }
        }
        return new Requirement(
                name, Status.MISSING, "not in /proc/filesystems", "modprobe fuse, or a kernel with CONFIG_FUSE_FS");
    }

    private Requirement kernel() {
        String release = firstLine("proc/sys/kernel/osrelease");
        String name = "kernel";
        int version = version(release);
        if (version < 601) {
            return new Requirement(
                    name,
                    Status.MISSING,
                    "Linux " + release + ": nobody has tried to serve the device on it",
                    "Linux 6.6 or later serves it, 6.9 or later at full speed");
        }
        if (version < 606) {
            return new Requirement(
                    name,
                    Status.WARNING,
                    "Linux " + release + ": the device cannot be mapped, only read, polled and acknowledged;"
                            + " AWS-LC and others map it",
                    "Linux 6.6 or later, 6.9 or later at full speed");
        }
        if (version < 609) {
            return new Requirement(
                    name,
                    Status.WARNING,
                    "Linux " + release + ": without passthrough, a first touch of a mapping waits for the daemon",
                    "Linux 6.9 or later");
        }
        if (passthroughIsOff(release)) {
            return new Requirement(
                    name,
                    Status.WARNING,
                    "Linux " + release + " built without passthrough: a first touch of a mapping waits for the daemon",
                    "a kernel with CONFIG_FUSE_PASSTHROUGH=y");
        }
        return new Requirement(name, Status.OK, "Linux " + release + ", has passthrough", null);
    }

    private Requirement privileges(boolean privileged) {
        String name = "privileges";
        if (privileged) {
            return new Requirement(name, Status.OK, "CAP_SYS_ADMIN in the initial user namespace", null);
        }
        String what = hasSysAdmin() ? "CAP_SYS_ADMIN in a user namespace only" : "no CAP_SYS_ADMIN";
        return new Requirement(
                name,
                Status.WARNING,
                what + ": the device is mounted by fusermount3, at a path of yours, without passthrough",
                "run it as root to serve /dev/sysgenid");
    }

    private Requirement mountHelper(boolean privileged) {
        String name = "fusermount3";
        String helper = onSearchPath("fusermount3");
        if (privileged) {
            return new Requirement(
                    name, Status.OK, helper == null ? "not installed, not needed with these privileges" : helper, null);
        }
        if (helper == null) {
            return new Requirement(
                    name,
                    Status.MISSING,
                    "not installed, and without it only root can mount",
                    "apt install fuse3 (Debian, Ubuntu), dnf install fuse3 (Fedora, Amazon Linux), or run it as root");
        }
        for (String line : lines("etc/fuse.conf")) {
            if (line.strip().equals("user_allow_other")) {
                return new Requirement(name, Status.OK, helper, null);
            }
        }
        return new Requirement(
                name,
                Status.WARNING,
                helper + ", but other users cannot open what it mounts",
                "add the line user_allow_other to /etc/fuse.conf");
    }

    /** A READ that is parked longer than this timeout aborts the whole connection, and a watcher parks one for months. */
    private Requirement requestTimeout() {
        String name = "request timeout";
        String set = "";
        for (String key : new String[] {"default_request_timeout", "max_request_timeout"}) {
            String value = firstLine("proc/sys/fs/fuse/" + key);
            if (!value.isEmpty() && !value.equals("0")) {
                set += (set.isEmpty() ? "" : ", ") + "fs.fuse." + key + " = " + value;
            }
        }
        if (set.isEmpty()) {
            return new Requirement(name, Status.OK, "none", null);
        }
        return new Requirement(
                name,
                Status.MISSING,
                set + " s: the kernel would cut the device off from a client that waits longer",
                "sysctl -w fs.fuse.default_request_timeout=0 fs.fuse.max_request_timeout=0");
    }

    private long mapLimit() {
        return number(firstLine("proc/sys/vm/max_map_count"), USUAL_MAP_COUNT);
    }

    private Requirement mapCount() {
        String name = "vm.max_map_count";
        long count = mapLimit();
        if (count >= USUAL_MAP_COUNT) {
            return new Requirement(name, Status.OK, count + ", enough for nearly as many opens", null);
        }
        return new Requirement(
                name,
                Status.WARNING,
                count + ", room for fewer opens than usual",
                "sysctl -w vm.max_map_count=" + USUAL_MAP_COUNT);
    }

    private Requirement descriptors() {
        String name = "descriptors";
        String prefix = "Max open files";
        for (String line : lines("proc/self/limits")) {
            if (!line.startsWith(prefix)) {
                continue;
            }
            List<String> limits = split(line.substring(prefix.length()), ' ');
            String hard = limits.size() < 2 ? "" : limits.get(1);
            if (hard.equals("unlimited") || number(hard, 0) >= ENOUGH_DESCRIPTORS) {
                return new Requirement(name, Status.OK, hard, null);
            }
            return new Requirement(
                    name,
                    Status.WARNING,
                    hard + ", few for a daemon",
                    "ulimit -n 20000, or LimitNOFILE=20000 in its systemd unit");
        }
        return new Requirement(name, Status.OK, "no limit found", null);
    }

    private boolean mayMountAndPassThrough() {
        if (!hasSysAdmin()) {
            return false;
        }
        try {
            return Files.readSymbolicLink(under("proc/self/ns/user")).toString().equals(INITIAL_USER_NAMESPACE);
        } catch (IOException e) {
            // Without CONFIG_USER_NS there is one namespace only, and it is the initial one.
            return !Files.exists(under("proc/self/ns/user"), LinkOption.NOFOLLOW_LINKS);
        }
    }

    private boolean hasSysAdmin() {
        String prefix = "CapEff:";
        for (String line : lines("proc/self/status")) {
            if (line.startsWith(prefix)) {
                long capabilities =
                        Long.parseUnsignedLong(line.substring(prefix.length()).strip(), 16);
                return (capabilities >>> CAP_SYS_ADMIN & 1) != 0;
            }
        }
        return false;
    }

    /** Whether the kernel's configuration, where it can be read, says that passthrough was left out. */
    private boolean passthroughIsOff(String release) {
        String wanted = "# CONFIG_FUSE_PASSTHROUGH is not set";
        Path packed = under("proc/config.gz");
        if (Files.isReadable(packed)) {
            try (InputStream file = new GZIPInputStream(Files.newInputStream(packed));
                    BufferedReader reader = new BufferedReader(new InputStreamReader(file, StandardCharsets.UTF_8))) {
                for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                    if (line.equals(wanted)) {
                        return true;
                    }
                }
                return false;
            } catch (IOException e) {
                return false;
            }
        }
        return lines("boot/config-" + release).contains(wanted);
    }

    private @Nullable String onSearchPath(String program) {
        for (String directory : searchPath) {
            Path candidate = Path.of(directory, program);
            if (Files.isExecutable(candidate)) {
                return candidate.toString();
            }
        }
        return null;
    }

    private Path under(String path) {
        return root.resolve(path);
    }

    private String firstLine(String path) {
        List<String> lines = lines(path);
        return lines.isEmpty() ? "" : lines.getFirst().strip();
    }

    /** The lines of a file; none when it is not there or may not be read. */
    private List<String> lines(String path) {
        try {
            // A byte a character: what users have written there need be no UTF-8.
            return Files.readAllLines(under(path), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return List.of();
        }
    }

    private static String reason(IOException e) {
        String reason = e instanceof FileSystemException failure ? failure.getReason() : null;
        return reason == null ? String.valueOf(e.getMessage()) : reason;
    }

    /** "6.18.44-generic" is 618; 0 when it is not a version. */
    static int version(String release) {
        int dot = release.indexOf('.');
        if (dot <= 0) {
            return 0;
        }
        int end = dot + 1;
        while (end < release.length() && Character.isDigit(release.charAt(end))) {
            end++;
        }
        long major = number(release.substring(0, dot), 0);
        long minor = number(release.substring(dot + 1, end), 0);
        return (int) (major * 100 + Math.min(minor, 99));
    }

    private static long number(String text, long otherwise) {
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            return otherwise;
        }
    }

    /** The parts of a text between separators, empty ones left out. Not String.split: this runs before serving. */
    private static List<String> split(String text, char separator) {
        List<String> parts = new ArrayList<>();
        int start = 0;
        for (int i = 0; i <= text.length(); i++) {
            if (i == text.length() || text.charAt(i) == separator) {
                if (i > start) {
                    parts.add(text.substring(start, i));
                }
                start = i + 1;
            }
        }
        return parts;
    }
}
