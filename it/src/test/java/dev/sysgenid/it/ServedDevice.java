// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.abi.Ioctl;
import dev.sysgenid.linux.Mount;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.module.Configuration;
import java.lang.module.ModuleFinder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The daemon, in a process of its own, serving a device for the length of a test. A child of the tests' JVM shares its
 * {@linkplain Namespace namespaces}, so programs that a test starts find the device where the test does.
 *
 * <p>{@link #close} is part of the test: it stops the daemon and fails unless it exits with 0 and takes away everything
 * that it made.
 *
 * <p>Belongs to the thread of its test.
 */
public final class ServedDevice implements AutoCloseable {
    private static final String MAIN = "dev.sysgenid.cli/dev.sysgenid.cli.Main";
    private static final Path JAVA_HOME = Path.of(System.getProperty("java.home"));

    private final Path directory;
    private final Path mount;
    private final @Nullable Path link;

    /** What makes a program run as the daemon's user; empty for root. */
    private final List<String> asUser;

    private final Child daemon;
    private final List<Child> children = new ArrayList<>();
    private boolean closed;
    private boolean killed;

    private ServedDevice(Path directory, Path mount, @Nullable Path link, List<String> asUser, Child daemon) {
        this.directory = directory;
        this.mount = mount;
        this.link = link;
        this.asUser = asUser;
        this.daemon = daemon;
    }

    /**
     * Serves in a directory of its own, with a link beside the mount, as root.
     *
     * @param options further options of {@code sysgenid serve}
     */
    public static ServedDevice start(String... options) {
        Namespace.require();
        Path directory = makeDirectory();
        Path mount = directory.resolve("mnt");
        Path link = directory.resolve("sysgenid");
        List<String> paths = List.of("--mount", mount.toString(), "--device", link.toString());
        return launch(directory, mount, link, List.of(), concat(paths, List.of(options)));
    }

    /** Serves at paths that another device can be served at later. */
    public static ServedDevice startAt(Path mount, Path link, String... options) {
        Namespace.require();
        List<String> paths = List.of("--mount", mount.toString(), "--device", link.toString());
        return launch(makeDirectory(), mount, link, List.of(), concat(paths, List.of(options)));
    }

    /** As {@link #start}, with an option for the JVM. */
    static ServedDevice startOn(String jvmOption, String... options) {
        Namespace.require();
        Path directory = makeDirectory();
        Path mount = directory.resolve("mnt");
        Path link = directory.resolve("sysgenid");
        List<String> paths = List.of("--mount", mount.toString(), "--device", link.toString());
        return launch(directory, mount, link, List.of(), List.of(jvmOption), concat(paths, List.of(options)));
    }

    /** Serves where it does when nothing is said: {@code /run/sysgenid} and {@code /dev/sysgenid}, which are private. */
    public static ServedDevice startAtDefaultPaths(String... options) {
        Namespace.require();
        return launch(makeDirectory(), Path.of("/run/sysgenid"), Path.of("/dev/sysgenid"), List.of(), List.of(options));
    }

    /** Serves as a user without privilege, through fusermount3: for that user alone, and without a link. */
    public static ServedDevice startAsUser(int uid, String... options) {
        Namespace.require();
        Path directory = makeDirectory();
        Path mount = directory.resolve("mnt");
        // The build's own directory may be closed to that user.
        Path modules = directory.resolve("modules");
        try {
            Files.createDirectory(mount);
            Files.createDirectory(modules);
            for (Path module : modules()) {
                copyTree(module, modules.resolve(moduleFileName(module)));
            }
            for (Path path : List.of(directory, mount)) {
                Files.setAttribute(path, "unix:uid", uid);
                Files.setAttribute(path, "unix:gid", uid);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        List<String> asUser = List.of("setpriv", "--reuid=" + uid, "--regid=" + uid, "--clear-groups", "--");
        return launch(directory, mount, null, asUser, concat(List.of("--mount", mount.toString()), List.of(options)));
    }

    /** Runs {@code sysgenid} with other arguments to its end. */
    public static Child.Ended runCommand(List<String> arguments) {
        Path directory = makeDirectory();
        try {
            return Child.run(concat(sysgenid(modules(), directory), arguments));
        } finally {
            deleteTree(directory);
        }
    }

    /** The words that run {@code sysgenid}, for a script; they hold as long as the build's files are there. */
    public static List<String> command(List<String> arguments) {
        return concat(sysgenid(modules(), Path.of("/run")), arguments);
    }

    private static String moduleFileName(Path module) {
        // target/classes of every module has the same name.
        return Integer.toHexString(module.hashCode()) + "-" + module.getFileName();
    }

    private static void copyTree(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                Files.copy(file, to.resolve(from.relativize(file).toString()));
            }
        }
    }

    private static Path makeDirectory() {
        try {
            // In a file system that ends with the namespace.
            return Files.createTempDirectory(
                    Path.of("/run"),
                    "sysgenid-it-",
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static ServedDevice launch(
            Path directory, Path mount, @Nullable Path link, List<String> asUser, List<String> options) {
        return launch(directory, mount, link, asUser, List.of(), options);
    }

    private static ServedDevice launch(
            Path directory,
            Path mount,
            @Nullable Path link,
            List<String> asUser,
            List<String> jvmOptions,
            List<String> options) {
        Path copied = directory.resolve("modules");
        List<Path> modules = Files.isDirectory(copied) ? listing(copied) : modules();
        List<String> program = sysgenid(modules, directory);
        List<String> java = concat(List.of(program.getFirst()), jvmOptions);
        List<String> command =
                concat(concat(java, program.subList(1, program.size())), concat(List.of("serve"), options));
        ServedDevice device = new ServedDevice(directory, mount, link, asUser, Child.start(concat(asUser, command)));
        try {
            device.daemon.awaitLine("sysgenid: serving ");
        } catch (AssertionError e) {
            device.abandon();
            throw e;
        }
        return device;
    }

    /** The command that runs {@code sysgenid} on this JVM; should that crash, its reports go to {@code directory}. */
    private static List<String> sysgenid(List<Path> modules, Path directory) {
        return List.of(
                JAVA_HOME.resolve("bin/java").toString(),
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xmx64m",
                "-XX:ErrorFile=" + directory.resolve("hs_err.log"),
                "-XX:ReplayDataFile=" + directory.resolve("replay.log"),
                "--module-path",
                String.join(":", modules.stream().map(Path::toString).toList()),
                "--enable-native-access=dev.sysgenid.linux",
                "--module",
                MAIN);
    }

    /** The command that runs {@code sysgenid}, without arguments. */
    static List<String> command(Path directory) {
        return sysgenid(modules(), directory);
    }

    /** The modules of the program and no others, out of the class path of the tests. */
    static List<Path> modules() {
        String classPath = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        Path[] known = Arrays.stream(classPath.split(":"))
                .map(Path::of)
                .filter(path -> Files.exists(path)
                        && ModuleFinder.of(path).findAll().stream()
                                .map(module -> module.descriptor().name())
                                .anyMatch(name -> name.startsWith("dev.sysgenid") || name.equals("info.picocli")))
                .toArray(Path[]::new);
        String program = MAIN.substring(0, MAIN.indexOf('/'));
        return Configuration.resolve(
                        ModuleFinder.of(known),
                        List.of(ModuleLayer.boot().configuration()),
                        ModuleFinder.of(),
                        Set.of(program))
                .modules()
                .stream()
                .map(module -> Path.of(module.reference().location().orElseThrow()))
                .toList();
    }

    private static List<String> concat(List<String> first, List<String> second) {
        return Stream.concat(first.stream(), second.stream()).toList();
    }

    private static List<Path> listing(Path directory) {
        try (Stream<Path> files = Files.list(directory)) {
            return files.toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What programs open: the link where there is one, else the device itself. */
    public Path device() {
        return link != null ? link : mount.resolve("sysgenid");
    }

    /** The mounted directory. */
    public Path mount() {
        return mount;
    }

    /** Where the daemon keeps its state. */
    Path state() {
        return mount.resolveSibling(mount.getFileName() + ".state");
    }

    /** A directory of this fixture's own, beside the mount, that vanishes with it. */
    public Path directory() {
        return directory;
    }

    /** The daemon's process. */
    public long pid() {
        return daemon.pid();
    }

    /** What the daemon has printed so far. */
    public String log() {
        return daemon.output();
    }

    /** Waits until the daemon has printed a line with this in it. */
    void awaitLog(String part) {
        daemon.awaitLine("a line with \"" + part + "\"", line -> line.contains(part));
    }

    /** The content of the file {@code generation}. */
    public long generation() {
        return Long.parseLong(read("generation").strip());
    }

    /** The lines of the file {@code watchers}, without its header. */
    public List<String> watchers() {
        return read("watchers").lines().skip(1).toList();
    }

    /** Waits until the watchers are so: the daemon hears of a close some time after it. */
    public void awaitWatchers(String what, Predicate<List<String>> wanted) {
        long end = System.nanoTime() + Child.LIMIT.toNanos();
        List<String> now = watchers();
        while (!wanted.test(now)) {
            assertThat(System.nanoTime()).as("%s; there are: %s", what, now).isLessThan(end);
            try {
                Thread.sleep(5);
            } catch (InterruptedException e) {
                throw new AssertionError("interrupted while waiting for " + what, e);
            }
            now = watchers();
        }
    }

    private String read(String file) {
        try {
            return Files.readString(mount.resolve(file), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Bumps, as root. */
    public void bump() {
        bump(0);
    }

    /** Bumps, as root, to a minimum. */
    public void bump(long minimum) {
        try {
            int file = SystemCallException.check(
                    Unistd.open(device().toString(), Unistd.O_RDONLY | Unistd.O_CLOEXEC, 0), "open", device());
            try {
                SystemCallException.check(Unistd.ioctl(file, Ioctl.TRIGGER_GEN_UPDATE, minimum), "ioctl", device());
            } finally {
                Unistd.close(file);
            }
        } catch (SystemCallException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Starts a program as the daemon's user; it is killed when this closes, if it still runs. */
    public Child startProgram(List<String> command) {
        return startProgram(command, Map.of());
    }

    /** As {@link #startProgram(List)}, with further environment variables. */
    public Child startProgram(List<String> command, Map<String, String> environment) {
        Child child = Child.start(concat(asUser, command), environment);
        children.add(child);
        return child;
    }

    /** Starts a C program with the device as its first argument. */
    Child start(CProgram program, String... arguments) {
        return startProgram(command(program, arguments));
    }

    /** Runs a behaviour program with the device as its first argument, and returns its report. */
    Tap run(CProgram program, Map<String, String> environment, String... arguments) {
        return run(program, environment, Duration.ZERO, arguments);
    }

    /** As {@link #run(CProgram, Map, String...)}, of one that is to go on for some time. */
    Tap run(CProgram program, Map<String, String> environment, Duration lasts, String... arguments) {
        Child child = startProgram(command(program, arguments), environment);
        child.closeInput();
        int status = child.awaitExit(lasts.plus(Child.LIMIT));
        return new Tap(program.executable().getFileName().toString(), status, child.output());
    }

    private List<String> command(CProgram program, String... arguments) {
        Path executable = program.executable();
        if (!asUser.isEmpty()) {
            // The build's own directory may be closed to that user.
            executable = directory.resolve(executable.getFileName());
            try {
                if (!Files.exists(executable)) {
                    Files.copy(program.executable(), executable, java.nio.file.StandardCopyOption.COPY_ATTRIBUTES);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return concat(List.of(executable.toString(), device().toString()), List.of(arguments));
    }

    /** What the daemon holds on behalf of its clients. */
    Footprint footprint() {
        return Footprint.of(this);
    }

    /** {@link #stop}, if that has not been done. */
    @Override
    public void close() {
        stop();
    }

    /**
     * Stops the daemon with SIGTERM. It exits with 0; the mount, the link and what was made for them are gone; so is
     * every process that was started here. Stopping again does nothing.
     */
    public void stop() {
        if (closed) {
            return;
        }
        closed = true;
        if (killed) {
            abandon();
            return;
        }
        try {
            children.forEach(Child::close);
            daemon.terminate();
            assertThat(daemon.awaitExit())
                    .as("exit status of the daemon\n%s", daemon.output())
                    .isZero();
            assertThat(Namespace.mounts())
                    .as("mounts")
                    .noneMatch(line -> line.contains(" " + mount + " ") || line.contains(" " + mount + "/"));
            assertThat(Files.exists(state())).as("the state is gone").isFalse();
            if (link != null) {
                assertThat(Files.exists(link, LinkOption.NOFOLLOW_LINKS))
                        .as("the link is gone")
                        .isFalse();
            }
        } finally {
            abandon();
        }
    }

    /** Kills the daemon with SIGKILL, and leaves everything as it is then; {@link #close} cleans up and asserts nothing. */
    public void kill() {
        killed = true;
        daemon.close();
    }

    /** Takes away what there is, in whatever state: after a failure other tests go on in the same namespace. */
    private void abandon() {
        closed = true;
        children.forEach(Child::close);
        daemon.close();
        while (Mount.umount2(mount.toString(), Mount.MNT_DETACH) == 0) {
            // Once more: there may be another one under it.
        }
        Path state = state();
        while (Mount.umount2(state.toString(), Mount.MNT_DETACH) == 0) {
            // As above.
        }
        try {
            if (link != null) {
                Files.deleteIfExists(link);
            }
            Files.deleteIfExists(state);
            if (killed) {
                // It made that, and the next daemon there leaves what it finds.
                Files.deleteIfExists(mount);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        deleteTree(directory);
    }

    private static void deleteTree(Path directory) {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
