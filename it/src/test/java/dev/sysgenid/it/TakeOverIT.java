// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it;

import static dev.sysgenid.it.DeviceCalls.ack;
import static dev.sysgenid.it.DeviceCalls.bump;
import static dev.sysgenid.it.DeviceCalls.read;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.abi.Ioctl;
import dev.sysgenid.linux.Epoll;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Mount;
import dev.sysgenid.linux.Processes;
import dev.sysgenid.linux.Sockets;
import dev.sysgenid.linux.Unistd;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** One daemon goes on where another was killed or handed over; and the keeper that sees to it. */
class TakeOverIT {
    static final long WATCHERS = 1_703_936;

    private final DeviceCalls calls = new DeviceCalls();

    @BeforeEach
    void needsPrivilege() {
        Namespace.require();
    }

    @AfterEach
    void closeAll() {
        calls.close();
    }

    /** All columns but the time for which a watcher has been late. */
    private static List<String> watchers(KeptDevice device) throws IOException {
        return Files.readAllLines(device.mount().resolve("watchers")).stream()
                .skip(1)
                .map(line -> line.replaceFirst("^((?:\\S+ ){6})\\d+ ", "$1late "))
                .toList();
    }

    @ParameterizedTest
    @ValueSource(strings = {"passthrough", "store"})
    void whatWatchersHaveIsKept(String mapping) throws Exception {
        try (KeptDevice device = KeptDevice.start("--mapping", mapping);
                Epoll epoll = Epoll.create()) {
            int late = calls.open(device.device(), Unistd.O_RDWR);
            bump(late);
            int acked = calls.open(device.device(), Unistd.O_RDWR | Unistd.O_NONBLOCK);
            bump(late);
            assertThat(ack(acked, 2)).isEqualTo(4);
            int untracked = calls.open(device.device(), Unistd.O_RDWR);
            assertThat(Unistd.ioctl(untracked, Ioctl.SET_WATCHER_TRACKING, 0L)).isZero();
            int reader = calls.open(device.device(), Unistd.O_RDONLY);
            assertThat(epoll.add(reader, Epoll.EPOLLIN, 1)).isZero();
            // Its mode is changed, and it is closed, by nobody but the kernel's memory of it.
            Files.setPosixFilePermissions(
                    device.mount().resolve("sysgenid"),
                    java.nio.file.attribute.PosixFilePermissions.fromString("rw-rw----"));
            Unistd.close(calls.open(device.device(), Unistd.O_RDWR));
            List<String> before = watchers(device);
            assertThat(before).hasSize(4);

            for (int round = 0; round < 2; round++) {
                device.killDaemon();
                device.awaitServed();
                assertThat(watchers(device)).isEqualTo(before);
            }

            assertThat(read(acked)).isEqualTo(-Errno.EAGAIN);
            assertThat(read(late)).isEqualTo(2);
            assertThat(Unistd.ioctl(acked, Ioctl.V4_GET_OUTDATED_WATCHERS, 0L)).isEqualTo(1);
            assertThat(epoll.await(0)).as("nobody pretends to a bump").isZero();
            bump(late);
            assertThat(epoll.await(10_000)).isEqualTo(1);
            assertThat(Unistd.ioctl(acked, Ioctl.V4_GET_OUTDATED_WATCHERS, 0L)).isEqualTo(2);
            assertThat(Files.getPosixFilePermissions(device.mount().resolve("sysgenid")))
                    .hasSize(4);
            int fresh = calls.open(device.device(), Unistd.O_RDWR);
            assertThat(watchers(device)).hasSize(5).last().asString().startsWith("6 ");
            assertThat(ack(fresh, 3)).isEqualTo(4);
            device.stop();
        }
    }

    /**
     * A daemon that is killed while it stores into a page that is locked cannot end before another one answers what the
     * lock waits for. So it is killed when its thread that stores sleeps where no signal reaches; the clients see each bump,
     * and no other number.
     */
    @Test
    void aDaemonThatCannotEndIsOutlived() throws Exception {
        try (KeptDevice device = KeptDevice.start("--mapping", "store");
                Child clients = Child.start(List.of(
                        CProgram.behaviour("launder").executable().toString(),
                        device.device().toString(),
                        "600"))) {
            try {
                isOutlived(device, clients);
            } finally {
                device.abort(); // else no signal would reach the clients either
            }
        }
    }

    private static void isOutlived(KeptDevice device, Child clients) throws Exception {
        Random random = new Random(1);
        long end = System.nanoTime() + Child.LIMIT.toNanos();
        while (!device.log().contains("was killed and cannot end") && System.nanoTime() < end) {
            Thread.sleep(random.nextInt(300));
            long daemon = device.daemon();
            awaitStoreThatWaits(daemon);
            assertThat(Processes.kill((int) daemon, Processes.SIGKILL)).isZero();
            device.awaitServed();
        }
        device.awaitLog("the daemon was killed and cannot end; another one takes over");
        device.awaitLog("cannot end until its requests are answered");
        assertThat(Processes.kill((int) clients.pid(), Processes.SIGTERM)).isZero();
        new Tap("launder", clients.awaitExit(), clients.output() + "\n# " + device.log()).check();
        device.stop();
    }

    /** Returns while a store waits for the lock of a page, most likely; or when none has for a while. */
    private static void awaitStoreThatWaits(long daemon) throws IOException {
        long end = System.nanoTime() + 2_000_000_000L;
        try (DirectoryStream<Path> threads = Files.newDirectoryStream(Path.of("/proc/" + daemon + "/task"))) {
            for (Path thread : threads) {
                String state = state(thread);
                while (state.contains(" (sysgenid-page-s) ") && System.nanoTime() < end) {
                    if (state.contains(" (sysgenid-page-s) D ")) {
                        return;
                    }
                    state = state(thread);
                }
            }
        }
    }

    private static String state(Path thread) {
        try {
            return Files.readString(thread.resolve("stat"));
        } catch (IOException e) {
            return ""; // it has ended
        }
    }

    /** A user has so many files; root is not bound by that; and a take-over forgets nothing of it. */
    @Test
    void aUserMayHaveSoManyFilesAndRootGetsInAlways() {
        try (KeptDevice device = KeptDevice.start("--watchers-per-user", "4")) {
            String path = device.device().toString();
            try (Child user = Child.start(List.of(
                    "setpriv",
                    "--reuid=65534",
                    "--regid=65534",
                    "--clear-groups",
                    "/bin/sh",
                    "-c",
                    "exec 3<>$0 4<>$0 5<$0; echo three; read line; (: 6<>$0) && echo fourth; (: 6<>$0 7<>$0) || echo refused;"
                            + " read line",
                    path))) {
                user.awaitLine("three");
                device.killDaemon();
                device.awaitServed();
                user.send("go on");
                user.awaitLine("fourth");
                user.awaitLine("refused");
                assertThat(user.output()).containsOnlyOnce("Too many open files");
                for (int i = 0; i < 20; i++) {
                    calls.open(device.device(), Unistd.O_RDWR);
                }
            }
            device.stop();
        }
    }

    @Test
    void upgradeHandsOver() throws Exception {
        try (KeptDevice device = KeptDevice.start()) {
            int watcher = calls.open(device.device(), Unistd.O_RDWR);
            bump(watcher);
            List<String> before = watchers(device);
            long first = device.daemon();
            Child.Ended ended = Child.run(List.of(
                    device.launcher().toString(),
                    "upgrade",
                    "--mount",
                    device.mount().toString()));
            assertThat(ended.status()).as(ended.output()).isZero();
            assertThat(device.daemon()).isNotEqualTo(first);
            assertThat(ended.output()).contains("process " + device.daemon() + " serves");
            assertThat(watchers(device)).isEqualTo(before);
            device.awaitLog("handing over");
            assertThat(device.log()).doesNotContain("killed");
            device.stop();
        }
    }

    @Test
    void nobodyUpgradesWhatNobodyWouldStartAgain() {
        try (ServedDevice device = ServedDevice.start()) {
            Child.Ended ended = ServedDevice.runCommand(
                    List.of("upgrade", "--mount", device.mount().toString()));
            assertThat(ended.output()).contains("nobody would start another daemon");
            assertThat(ended.status()).isEqualTo(69);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {Processes.SIGINT, Processes.SIGHUP, Processes.SIGTERM})
    void aSignalToTheKeeperEndsTheService(int signal) {
        try (KeptDevice device = KeptDevice.start()) {
            device.signalKeeper(signal);
            assertThat(device.awaitExit()).as(device.log()).isZero();
            assertThat(device.log()).contains("stopped;");
            assertThat(device.state()).doesNotExist();
            assertThat(device.device()).doesNotExist();
        }
    }

    @Test
    void aDaemonThatCannotStartIsNotStartedAgain() {
        try (KeptDevice device = KeptDevice.start()) {
            Child.Ended second = Child.run(List.of(
                    device.launcher().toString(),
                    "serve",
                    "--mount",
                    device.mount().toString(),
                    "--device",
                    "none"));
            assertThat(second.output())
                    .containsOnlyOnce("another daemon is serving at")
                    .doesNotContain("takes over");
            assertThat(second.status()).isEqualTo(73);
            Child.Ended wrong = Child.run(List.of(device.launcher().toString(), "serve", "--mode", "9"));
            assertThat(wrong.status()).isEqualTo(2);
            device.stop();
        }
    }

    @Test
    void withoutItsKeeperTheDaemonServesOnAndEndsInOrder() {
        try (KeptDevice device = KeptDevice.start()) {
            long daemon = device.daemon();
            device.signalKeeper(Processes.SIGKILL);
            device.awaitEndOfKeeper();
            bump(calls.open(device.device(), Unistd.O_RDONLY));
            assertThat(Processes.kill((int) daemon, Processes.SIGTERM)).isZero();
            ProcessHandle.of(daemon).ifPresent(handle -> handle.onExit().join());
            assertThat(device.state()).doesNotExist();
            assertThat(device.device()).doesNotExist();
        }
    }

    /** When really nobody is left, clients learn of it as they do from a daemon without a keeper. */
    @ParameterizedTest
    @ValueSource(strings = {"passthrough", "store"})
    void whenTheKeeperIsKilledTooItIsOver(String mapping) {
        try (KeptDevice device = KeptDevice.start("--mapping", mapping);
                Child orphan = Child.start(
                        List.of(
                                CProgram.behaviour("orphan").executable().toString(),
                                device.device().toString()),
                        Map.of("SYSGENID_MAPPING", mapping, "SYSGENID_END", "killed"))) {
            orphan.awaitLine("# ready");
            long daemon = device.daemon();
            device.signalKeeper(Processes.SIGKILL);
            assertThat(Processes.kill((int) daemon, Processes.SIGKILL)).isZero();
            device.awaitExit();
            ProcessHandle.of(daemon).ifPresent(handle -> handle.onExit().join());
            orphan.send("gone");
            new Tap("orphan", orphan.awaitExit(), orphan.output()).check();
        }
    }

    @Test
    void aMountThatIsTakenAwayEndsTheService() {
        try (KeptDevice device = KeptDevice.start()) {
            assertThat(Mount.umount2(device.mount().toString(), Mount.MNT_FORCE | Mount.MNT_DETACH))
                    .isZero();
            assertThat(device.awaitExit()).as(device.log()).isEqualTo(74);
            assertThat(device.log()).contains("by somebody else").doesNotContain("takes over");
            assertThat(device.state()).doesNotExist();
        }
    }

    /** Kills the daemon, and changes what it noted before the next one can look. */
    private static void damage(KeptDevice device, long at) throws IOException {
        // One more request, so that what came before is settled, and is not simply done again.
        Files.readString(device.mount().resolve("generation"));
        device.signalKeeper(Processes.SIGSTOP);
        device.killDaemon();
        try (RandomAccessFile state =
                new RandomAccessFile(device.state().resolve("state").toFile(), "rw")) {
            state.seek(at);
            int was = state.read();
            state.seek(at);
            state.write(was ^ 0x10);
        }
        device.signalKeeper(Processes.SIGCONT);
        device.awaitServed();
    }

    @Test
    void aDamagedWatcherIsTakenInAgainAndEveryoneIsOutdated() throws Exception {
        try (KeptDevice device = KeptDevice.start()) {
            int first = calls.open(device.device(), Unistd.O_RDWR);
            int second = calls.open(device.device(), Unistd.O_RDWR | Unistd.O_NONBLOCK);
            damage(device, WATCHERS + 40);
            assertThat(device.log()).contains("damaged").contains("the generation changes, and everyone is outdated");
            assertThat(Unistd.ioctl(second, Ioctl.V4_GET_OUTDATED_WATCHERS, 0L))
                    .as("one of them nobody knows but the kernel")
                    .isEqualTo(2);
            assertThat(read(second)).isEqualTo(1);
            assertThat(read(first)).isEqualTo(1);
            assertThat(Unistd.ioctl(second, Ioctl.V4_GET_OUTDATED_WATCHERS, 0L)).isEqualTo(2);
            assertThat(ack(first, 1)).isEqualTo(4);
            assertThat(ack(second, 1)).isEqualTo(4);
            assertThat(read(second)).isEqualTo(-Errno.EAGAIN);
            device.killDaemon();
            device.awaitServed();
            assertThat(Unistd.ioctl(second, Ioctl.V4_GET_OUTDATED_WATCHERS, 0L)).isZero();
            device.stop();
        }
    }

    /** In the record of what it all is (the version), and in that of the generation. */
    @ParameterizedTest
    @ValueSource(longs = {8, 96})
    void aDamagedStateIsRebuiltFromWhatTheKernelKnows(long at) throws Exception {
        try (KeptDevice device = KeptDevice.start()) {
            int first = calls.open(device.device(), Unistd.O_RDWR);
            int second = calls.open(device.device(), Unistd.O_RDWR | Unistd.O_NONBLOCK);
            Files.createDirectory(device.mount().resolve("c1"));
            int below = calls.open(device.mount().resolve("c1/sysgenid"), Unistd.O_RDWR | Unistd.O_NONBLOCK);
            bump(first);
            damage(device, at);
            assertThat(device.log()).contains("the generation changes, and everyone is outdated");
            long generation = read(first);
            assertThat(generation).isNotEqualTo(1);
            assertThat(read(second)).isEqualTo(generation);
            assertThat(ack(first, (int) generation)).isEqualTo(4);
            assertThat(ack(second, (int) generation)).isEqualTo(4);
            // A domain has lost its name, or not, and nobody in it takes the present for what it knew.
            Path domain = device.mount().resolve(at == 8 ? "lost-1" : "c1");
            long inside = read(below);
            assertThat(inside).isNotEqualTo(1);
            assertThat(Files.readString(domain.resolve("generation")))
                    .isEqualTo(Integer.toUnsignedString((int) inside) + "\n");
            assertThat(ack(below, (int) inside)).isEqualTo(4);
            assertThat(read(below)).isEqualTo(-Errno.EAGAIN);
            assertThat(Files.readAllLines(domain.resolve("watchers"))).hasSize(2);
            int third = calls.open(device.device(), Unistd.O_RDWR);
            bump(third);
            assertThat(read(below)).isEqualTo((int) inside + 1);
            assertThat(read(second)).isEqualTo((int) generation + 1);
            device.stop();
        }
    }

    /** A state that is gone: those who wait are told that it is over, and a new service begins. */
    @Test
    void withoutItsStateItBeginsAnew() throws Exception {
        try (KeptDevice device = KeptDevice.start()) {
            int watcher = calls.open(device.device(), Unistd.O_RDWR);
            device.signalKeeper(Processes.SIGSTOP);
            device.killDaemon();
            assertThat(Mount.umount2(device.state().toString(), Mount.MNT_DETACH))
                    .isZero();
            assertThat(Unistd.rmdir(device.state().toString())).isZero();
            device.signalKeeper(Processes.SIGCONT);
            device.awaitServed();
            assertThat(read(watcher)).isIn((long) -Errno.ENOTCONN, (long) -Errno.ECONNABORTED);
            bump(calls.open(device.device(), Unistd.O_RDWR));
            device.killDaemon();
            device.awaitServed();
            assertThat(Files.readString(device.mount().resolve("generation"))).isEqualTo("1\n");
            device.stop();
        }
    }

    /** The protocol of systemd's descriptor store, with a real socket: kept, handed to the next process, released. */
    @Test
    void aServiceManagerKeepsTheConnection() throws Exception {
        Path directory = Files.createTempDirectory(Path.of("/run"), "sysgenid-it-");
        Path mount = directory.resolve("mnt");
        Path notify = directory.resolve("notify");
        int socket = Sockets.socket(Sockets.AF_UNIX, Sockets.SOCK_DGRAM | Sockets.SOCK_CLOEXEC, 0);
        assertThat(Sockets.bindUnix(socket, notify.toString())).isZero();
        int kept = -1;
        try {
            int first = spawn(directory, mount, notify, -1);
            kept = Sockets.receiveDescriptor(socket);
            assertThat(kept).as("FDSTORE=1 comes first").isPositive();
            awaitReady(socket);
            int watcher = calls.open(mount.resolve("sysgenid"), Unistd.O_RDWR);
            bump(watcher);
            assertThat(Processes.kill(first, Processes.SIGKILL)).isZero();
            assertThat(Processes.waitpid(first, 0)).isEqualTo(Processes.SIGKILL);

            int second = spawn(directory, mount, notify, kept);
            awaitReady(socket);
            assertThat(Files.readString(mount.resolve("generation"))).isEqualTo("1\n");
            assertThat(read(watcher)).isEqualTo(1);
            assertThat(Processes.kill(second, Processes.SIGTERM)).isZero();
            assertThat(Processes.exitStatus(Processes.waitpid(second, 0))).isZero();
            assertThat(mount.resolveSibling("mnt.state")).doesNotExist();
            assertThat(read(watcher))
                    .as("it is over, though the descriptor is still kept")
                    .isNegative();
        } finally {
            Unistd.close(kept);
            Unistd.close(socket);
            Mount.umount2(mount.toString(), Mount.MNT_DETACH);
            Mount.umount2(mount + ".state", Mount.MNT_DETACH);
        }
    }

    private static int spawn(Path directory, Path mount, Path notify, int kept) {
        List<String> command = new ArrayList<>(
                List.of("/bin/sh", "-c", "export LISTEN_PID=$$; exec \"$@\" >>" + directory + "/log 2>&1", "sh"));
        command.addAll(ServedDevice.command(directory));
        command.addAll(List.of("serve", "--mount", mount.toString(), "--device", "none"));
        List<String> environment = new ArrayList<>(List.of("NOTIFY_SOCKET=" + notify, "PATH=/usr/bin:/bin"));
        if (kept >= 0) {
            environment.addAll(List.of("LISTEN_FDS=1", "LISTEN_FDNAMES=sysgenid-fuse"));
        }
        int pid = Processes.spawn(
                "/bin/sh",
                command,
                environment,
                kept < 0 ? Map.of(0, 0, 1, 1, 2, 2) : Map.of(0, 0, 1, 1, 2, 2, 3, kept));
        assertThat(pid).isPositive();
        return pid;
    }

    private static void awaitReady(int socket) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(256);
            while (true) {
                long length = Sockets.recv(socket, buffer, 255, 0);
                assertThat(length).isPositive();
                if (buffer.getString(0).startsWith("READY=1")) {
                    return;
                }
                buffer.fill((byte) 0);
            }
        }
    }
}
