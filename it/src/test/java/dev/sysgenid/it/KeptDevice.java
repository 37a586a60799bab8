// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.linux.Mount;
import dev.sysgenid.linux.Processes;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The device as users serve it: by the launcher, whose keeper starts another daemon when one dies. The launcher is an
 * installed copy, with the program's modules beside it.
 *
 * <p>Belongs to the thread of its test.
 */
final class KeptDevice implements AutoCloseable {
    private static final Path LAUNCHER =
            Path.of("..", "sysgenid").toAbsolutePath().normalize();

    private final Path directory;
    private final Path mount;
    private final Path link;
    private final Child keeper;

    private KeptDevice(Path directory, Path mount, Path link, Child keeper) {
        this.directory = directory;
        this.mount = mount;
        this.link = link;
        this.keeper = keeper;
    }

    /** Serves, with a link beside the mount, as root. */
    static KeptDevice start(String... options) {
        return start(Path.of(System.getProperty("java.home")), "", options);
    }

    /** As {@link #start}, with an option for the JVM. */
    static KeptDevice startOn(String jvmOption, String... options) {
        return start(Path.of(System.getProperty("java.home")), jvmOption, options);
    }

    /** As {@link #start}, with daemons that run on another Java, or what looks like one. */
    static KeptDevice startOn(Path javaHome, String... options) {
        return start(javaHome, "", options);
    }

    private static KeptDevice start(Path javaHome, String jvmOption, String... options) {
        Namespace.require();
        try {
            Path directory = Files.createTempDirectory(Path.of("/run"), "sysgenid-it-");
            Files.setPosixFilePermissions(
                    directory, java.nio.file.attribute.PosixFilePermissions.fromString("rwxr-xr-x"));
            Path mount = directory.resolve("mnt");
            Path link = directory.resolve("sysgenid");
            // A shell cannot catch a signal that was ignored when it started, as SIGINT is in what a script runs behind
            // it.
            List<String> command = new ArrayList<>(List.of(
                    "env",
                    "--default-signal",
                    install(directory).toString(),
                    "serve",
                    "--mount",
                    mount.toString(),
                    "--device",
                    link.toString()));
            command.addAll(List.of(options));
            Map<String, String> environment = Map.of(
                    "SYSGENID_RESTART_DELAY",
                    "0",
                    "JAVA_HOME",
                    javaHome.toString(),
                    "SYSGENID_JAVA_OPTIONS",
                    "-XX:TieredStopAtLevel=1 -XX:ErrorFile=" + directory.resolve("hs_err.log") + " " + jvmOption);
            KeptDevice device = new KeptDevice(directory, mount, link, Child.start(command, environment));
            try {
                device.awaitServed();
            } catch (AssertionError e) {
                device.abandon();
                throw e;
            }
            return device;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Puts the launcher there, with the modules beside it; returns it. */
    static Path install(Path directory) throws IOException {
        Path installed = Files.createDirectory(directory.resolve("installed"));
        Path lib = Files.createDirectory(installed.resolve("lib"));
        Files.copy(LAUNCHER.resolveSibling(".mvn/jdks.sh"), lib.resolve("jdks.sh"));
        for (Path module : ServedDevice.modules()) {
            String name = Integer.toHexString(module.hashCode()) + "-" + module.getFileName();
            Files.createSymbolicLink(lib.resolve(name), module);
        }
        return Files.copy(LAUNCHER, installed.resolve("sysgenid"), java.nio.file.StandardCopyOption.COPY_ATTRIBUTES);
    }

    /** Waits until the next daemon serves. */
    void awaitServed() {
        keeper.awaitLine("sysgenid: serving ");
    }

    /** Waits for the next line that begins so. */
    void awaitLine(String beginning) {
        keeper.awaitLine(beginning);
    }

    /** Waits until this is in what the keeper and its daemons have printed. */
    void awaitLog(String part) {
        keeper.awaitOutput(part);
    }

    Path device() {
        return link;
    }

    Path mount() {
        return mount;
    }

    Path state() {
        return mount.resolveSibling("mnt.state");
    }

    /** The launcher. */
    Path launcher() {
        return directory.resolve("installed/sysgenid");
    }

    long keeper() {
        return keeper.pid();
    }

    String log() {
        return keeper.output();
    }

    /** The daemon's process, once it is there. */
    long daemon() {
        long end = System.nanoTime() + Child.LIMIT.toNanos();
        while (System.nanoTime() < end) {
            var daemon = ProcessHandle.of(keeper.pid())
                    .flatMap(handle -> handle.children()
                            .filter(child -> child.info().command().orElse("").endsWith("/java"))
                            .findFirst());
            if (daemon.isPresent()) {
                return daemon.get().pid();
            }
            Thread.onSpinWait();
        }
        throw new AssertionError("no daemon; " + log());
    }

    /** Kills the daemon with SIGKILL. */
    void killDaemon() {
        assertThat(Processes.kill((int) daemon(), Processes.SIGKILL)).isZero();
    }

    /** Sends a signal to the keeper. */
    void signalKeeper(int signal) {
        assertThat(Processes.kill((int) keeper.pid(), signal)).isZero();
    }

    int awaitExit() {
        return keeper.awaitExit();
    }

    /** Waits for the end of the keeper, and not of the daemon that goes on without it. */
    void awaitEndOfKeeper() {
        keeper.awaitEnd(Child.LIMIT);
    }

    /** The number of a page: what the kernel has mapped is not asked, only what files there are. */
    long pages() {
        try (Stream<Path> files = Files.list(state())) {
            return files.filter(file -> file.getFileName().toString().startsWith("page-"))
                    .count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Stops it with SIGTERM: the exit code is 0, and nothing is left. */
    void stop() {
        keeper.terminate();
        assertThat(keeper.awaitExit()).as(log()).isZero();
        assertThat(Namespace.mounts()).as("mounts").noneMatch(line -> line.contains(" " + mount));
        assertThat(state()).doesNotExist();
        assertThat(link).doesNotExist();
        abandon();
    }

    /**
     * Ends the connection, whoever serves it. Those who wait for an answer, also where no signal reaches them, get an error; nothing else
     * would free them when no daemon does.
     */
    void abort() {
        Mount.umount2(mount.toString(), Mount.MNT_FORCE | Mount.MNT_DETACH);
    }

    @Override
    public void close() {
        abandon();
    }

    private void abandon() {
        keeper.terminate();
        try {
            keeper.awaitExit();
        } catch (AssertionError e) {
            ProcessHandle.of(keeper.pid())
                    .ifPresent(handle -> handle.descendants().forEach(ProcessHandle::destroyForcibly));
        }
        abort(); // else a daemon that cannot end would never do so
        keeper.close();
        for (Path mounted : List.of(mount, state())) {
            while (Mount.umount2(mounted.toString(), Mount.MNT_DETACH) == 0) {
                // Once more: there may be another one under it.
            }
        }
        if (!Files.exists(directory)) {
            return;
        }
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
