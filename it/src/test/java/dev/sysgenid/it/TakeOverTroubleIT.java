// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it;

import static dev.sysgenid.it.DeviceCalls.ack;
import static dev.sysgenid.it.DeviceCalls.bump;
import static dev.sysgenid.it.DeviceCalls.read;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.abi.Ioctl;
import dev.sysgenid.abi.Page;
import dev.sysgenid.linux.Epoll;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Mman;
import dev.sysgenid.linux.Processes;
import dev.sysgenid.linux.Unistd;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a daemon may find in its way when it is to take over: those who have the device open are not to pay for it. */
class TakeOverTroubleIT {
    private static final long WATCHERS = TakeOverIT.WATCHERS;
    /** The record of what the state is. */
    private static final long VERSION = 0;

    private final DeviceCalls calls = new DeviceCalls();

    @TempDir
    Path home;

    @BeforeEach
    void needsPrivilege() {
        Namespace.require();
    }

    @AfterEach
    void closeAll() {
        calls.close();
    }

    private static void sh(String script, String... arguments) {
        Child.Ended ended = Child.run(Stream.concat(Stream.of("/bin/sh", "-euc", script, "sh"), Stream.of(arguments))
                .toList());
        assertThat(ended.status()).as(ended.output()).isZero();
    }

    /** Between the death of a daemon and the next one, whoever does something. */
    private interface Between {
        void run() throws Exception;
    }

    private static void killAndMeanwhile(KeptDevice device, Between meanwhile) throws Exception {
        // One more request, so that what came before is settled, and is not simply done again.
        Files.readString(device.mount().resolve("generation"));
        device.signalKeeper(Processes.SIGSTOP);
        device.killDaemon();
        try {
            meanwhile.run();
        } finally {
            device.signalKeeper(Processes.SIGCONT);
        }
        device.awaitServed();
    }

    /** One who acked and one who did not, before; and after. */
    private void isSurvived(KeptDevice device, Between trouble) throws Exception {
        int late = calls.open(device.device(), Unistd.O_RDWR);
        int acked = calls.open(device.device(), Unistd.O_RDWR | Unistd.O_NONBLOCK);
        bump(late);
        assertThat(ack(acked, 1)).isEqualTo(4);
        killAndMeanwhile(device, trouble);
        assertThat(read(acked)).as(device.log()).isEqualTo(-Errno.EAGAIN);
        assertThat(read(late)).isEqualTo(1);
        assertThat(Unistd.ioctl(acked, Ioctl.V4_GET_OUTDATED_WATCHERS, 0L)).isEqualTo(1);
    }

    /** Any user can mount something under any name, by fusermount3. */
    @Test
    void aMountWhoseNameIsNoText() throws Exception {
        Path directory = Files.createTempDirectory(Path.of("/run"), "sysgenid-it-");
        try (KeptDevice device = KeptDevice.start()) {
            isSurvived(
                    device,
                    () -> sh(
                            "d=$1/$(printf 'a\\377'); mkdir \"$d\"; mount --bind \"$d\" \"$d\"", directory.toString()));
            device.stop();
        } finally {
            sh("d=$1/$(printf 'a\\377'); umount \"$d\" || :; rm -d \"$d\" \"$1\"", directory.toString());
        }
    }

    /** Killed between its mount and its agreement with the kernel, a daemon leaves a connection that nobody can go on with. */
    @Test
    void aConnectionWithoutAHandshake() throws Exception {
        Path directory = Files.createTempDirectory(Path.of("/run"), "sysgenid-it-");
        Path mount = Files.createDirectory(directory.resolve("mnt"));
        Path state = Files.createDirectory(
                directory.resolve("mnt.state"),
                java.nio.file.attribute.PosixFilePermissions.asFileAttribute(
                        java.nio.file.attribute.PosixFilePermissions.fromString("rwx------")));
        String script = "exec 3<>/dev/fuse; mount -t tmpfs -o mode=700 sysgenid \"$1.state\";"
                + " mount -i -t fuse.sysgenid -o fd=3,rootmode=40755,user_id=0,group_id=0,allow_other sysgenid \"$1\";"
                + " mount=$1; shift; export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=sysgenid-fuse;"
                + " exec \"$@\" --mount \"$mount\" --device none";
        List<String> command = Stream.concat(
                        Stream.of("/bin/sh", "-euc", script, "sh", mount.toString()),
                        ServedDevice.command(List.of("serve")).stream())
                .toList();
        try (Child daemon = Child.start(command)) {
            daemon.awaitLine("sysgenid: serving ");
            bump(calls.open(mount.resolve("sysgenid"), Unistd.O_RDWR));
            assertThat(Files.readString(mount.resolve("generation"))).isEqualTo("1\n");
            daemon.terminate();
            assertThat(daemon.awaitExit()).as(daemon.output()).isZero();
        }
        assertThat(state).doesNotExist();
        sh("rmdir \"$1\" && rmdir \"$2\"", mount.toString(), directory.toString());
    }

    /** The next daemon has no room to try whether there can be pages. There are some. */
    @Test
    void noRoomForAnotherPage() throws Exception {
        try (KeptDevice device = KeptDevice.start()) {
            int watcher = calls.open(device.device(), Unistd.O_RDONLY);
            MemorySegment page = Mman.mmap(Page.SIZE, Mman.PROT_READ, Mman.MAP_SHARED, watcher, 0);
            isSurvived(
                    device,
                    () -> sh(
                            "mount -o remount,nr_inodes=$(df --output=iused \"$1\" | tail -1 | tr -d ' ') \"$1\"",
                            device.state().toString()));
            bump(watcher);
            assertThat(page.get(ValueLayout.JAVA_INT, 0))
                    .as("a mapping moves on")
                    .isEqualTo(2);
            calls.open(device.device(), Unistd.O_RDWR);
            Mman.munmap(page);
            device.stop();
        }
    }

    @Test
    void somethingElseInPlaceOfTheLink() throws Exception {
        try (KeptDevice device = KeptDevice.start()) {
            // By its place in the mount, where it stays.
            isSurvived(device, () -> {
                Files.delete(device.device());
                Files.createDirectory(device.device());
            });
            device.awaitLog("WARNING: " + device.device() + " is a directory");
            Files.delete(device.device());
            device.stop();
        }
    }

    /** Which a daemon that mounts refuses: of what is mounted it changes nothing. */
    @Test
    void aRequestTimeout() throws Exception {
        Path setting = Path.of("/proc/sys/fs/fuse/default_request_timeout");
        org.junit.jupiter.api.Assumptions.assumeTrue(
                Files.exists(setting), "SKIPPED: this kernel knows no request timeouts");
        try (KeptDevice device = KeptDevice.start()) {
            Path other = Files.writeString(device.mount().resolveSibling("timeout"), "60\n");
            isSurvived(device, () -> sh("mount --bind \"$1\" \"$2\"", other.toString(), setting.toString()));
            device.awaitLog("WARNING: fs.fuse.default_request_timeout = 60");
            device.stop();
        } finally {
            sh("umount \"$1\" || :", setting.toString());
        }
    }

    @Test
    void aSourceThatIsGone() throws Exception {
        Path machine = Files.createTempDirectory(Path.of("/run"), "sysgenid-machine-");
        Path clock = Files.createDirectory(machine.resolve("dev")).resolve("vmclock0");
        ByteBuffer page = ByteBuffer.allocate(Page.SIZE).order(ByteOrder.LITTLE_ENDIAN);
        page.putInt(0x00, 0x4b4c4356).putInt(0x04, Page.SIZE).putShort(0x08, (short) 1);
        page.putLong(0x10, 1).putLong(0x18, 1 << 8).putLong(0x68, 1);
        Files.write(clock, page.array());
        try (KeptDevice device = KeptDevice.startOn("-Dsysgenid.machine=" + machine, "--source", "vmclock")) {
            isSurvived(device, () -> Files.delete(clock));
            device.awaitLog("WARNING: --source vmclock: ");
            device.stop();
        }
        sh("rm -r \"$1\"", machine.toString());
    }

    /** It would never get better: so those who wait are told, and a new service begins. */
    @Test
    void aPageThatIsNone() throws Exception {
        try (KeptDevice device = KeptDevice.start()) {
            int watcher = calls.open(device.device(), Unistd.O_RDWR);
            killAndMeanwhile(
                    device,
                    () -> sh("truncate -s 100 \"$1\"/page-*", device.state().toString()));
            assertThat(device.log()).contains("cannot be gone on with: ").contains("which is not a page");
            assertThat(read(watcher)).isIn((long) -Errno.ENOTCONN, (long) -Errno.ECONNABORTED);
            bump(calls.open(device.device(), Unistd.O_RDWR));
            device.stop();
        }
    }

    /** Told to end, and killed before it could: whoever looks at a page, and at nothing else, learns that it is over. */
    @Test
    void whenItIsOverPagesSaySo() throws Exception {
        try (KeptDevice device = KeptDevice.start()) {
            int watcher = calls.open(device.device(), Unistd.O_RDONLY);
            MemorySegment page = Mman.mmap(Page.SIZE, Mman.PROT_READ, Mman.MAP_SHARED, watcher, 0);
            assertThat(page.get(ValueLayout.JAVA_INT, Page.STATE_OFFSET)).isEqualTo(Page.SERVING);
            int daemon = (int) device.daemon();
            assertThat(Processes.kill(daemon, Processes.SIGSTOP)).isZero();
            device.signalKeeper(Processes.SIGTERM);
            assertThat(Processes.kill(daemon, Processes.SIGKILL)).isZero();
            assertThat(device.awaitExit()).as(device.log()).isEqualTo(128 + Processes.SIGKILL);
            assertThat(page.get(ValueLayout.JAVA_INT, Page.STATE_OFFSET)).isEqualTo(Page.GONE);
            Mman.munmap(page);
        }
    }

    /** By which name the kernel knows who sleeps on it is in what was damaged. */
    @Test
    void aPollerOfWhomNothingIsKnownWakes() throws Exception {
        try (KeptDevice device = KeptDevice.start();
                Epoll epoll = Epoll.create()) {
            int sleeper = calls.open(device.device(), Unistd.O_RDONLY);
            assertThat(epoll.add(sleeper, Epoll.EPOLLIN, 1)).isZero();
            assertThat(epoll.await(0)).isZero();
            killAndMeanwhile(device, () -> damage(device, WATCHERS));
            assertThat(device.log()).contains("damaged");
            assertThat(epoll.await(60_000)).isEqualTo(1);
            device.stop();
        }
    }

    /** As many names as a long life of the service takes, and pollers who have had one of the first for all of it. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aPollerOfLongAgoWakesAlsoWhenTheDaemonIsKilledOnceMore(boolean killedOnceMore) throws Exception {
        try (KeptDevice device = KeptDevice.start();
                Epoll epoll = Epoll.create()) {
            int sleeper = calls.open(device.device(), Unistd.O_RDONLY);
            assertThat(epoll.add(sleeper, Epoll.EPOLLIN, 1)).isZero();
            assertThat(epoll.await(0)).isZero();
            killAndMeanwhile(device, () -> {
                damage(device, WATCHERS);
                Files.move(polls(device), device.state().resolve("polls-" + Long.toHexString(3 << 20)));
            });
            if (killedOnceMore) {
                device.killDaemon();
                device.awaitServed();
            }
            assertThat(epoll.await(Math.toIntExact(Child.LIMIT.toMillis()))).isEqualTo(1);
            device.stop();
        }
    }

    private static Path polls(KeptDevice device) throws IOException {
        try (Stream<Path> files = Files.list(device.state())) {
            return files.filter(file -> file.getFileName().toString().startsWith("polls-"))
                    .findFirst()
                    .orElseThrow();
        }
    }

    /** The record of one of two watchers, who says nothing for a long time; and all records. */
    @ParameterizedTest
    @ValueSource(longs = {WATCHERS, VERSION})
    void whoIsLostIsWaitedForByEachDaemon(long at) throws Exception {
        try (KeptDevice device = KeptDevice.start()) {
            int silent = calls.open(device.device(), Unistd.O_RDWR | Unistd.O_NONBLOCK);
            int closing = calls.open(device.device(), Unistd.O_RDWR | Unistd.O_NONBLOCK);
            int other = calls.open(device.device(), Unistd.O_RDWR | Unistd.O_NONBLOCK);
            killAndMeanwhile(device, () -> {
                damage(device, at);
                damage(device, WATCHERS + 96);
            });
            assertThat(ack(other, (int) read(other))).isEqualTo(4);
            for (int round = 0; round < 2; round++) {
                assertThat(outdated(other)).isEqualTo(2);
                device.killDaemon();
                device.awaitServed();
            }
            assertThat(outdated(other)).isEqualTo(2);
            Unistd.close(closing);
            awaitOutdated(other, 1);
            assertThat(Unistd.ioctl(other, Ioctl.WAIT_WATCHERS, 1L)).isEqualTo(-Errno.ETIME);
            device.killDaemon();
            device.awaitServed();
            assertThat(outdated(other)).isEqualTo(1);
            // It is another one's first call that a daemon which has lost nothing itself hears of it.
            int generation = (int) read(silent);
            assertThat(generation).isEqualTo((int) parse(device));
            assertThat(outdated(other)).isEqualTo(1);
            assertThat(ack(silent, generation)).isEqualTo(4);
            assertThat(Unistd.ioctl(other, Ioctl.WAIT_WATCHERS, 0L)).isZero();
            device.killDaemon();
            device.awaitServed();
            assertThat(outdated(other)).isZero();
            assertThat(read(silent)).isEqualTo(-Errno.EAGAIN);
            device.stop();
        }
    }

    /** Whoever goes on from there must not take what is mended by half for whole. */
    @Test
    void killedWhileItMends() throws Exception {
        PlantedJava.plant(home, "java-that-dies");
        try (KeptDevice device = KeptDevice.startOn(home)) {
            int other = calls.open(device.device(), Unistd.O_RDWR | Unistd.O_NONBLOCK);
            for (int step = 1; step <= STEPS; step++) {
                int silent = calls.open(device.device(), Unistd.O_RDWR | Unistd.O_NONBLOCK);
                long before = read(other);
                Files.writeString(home.resolve("step"), Integer.toString(step));
                long damaged = step % 2 == 0 ? VERSION : WATCHERS + 96;
                killAndMeanwhile(device, () -> damage(device, damaged));
                String steps = "killed before call " + step + "\n" + device.log();
                assertThat(Files.readString(home.resolve("steps"))).as(steps).contains("killed by SIGKILL");
                Files.delete(home.resolve("steps"));
                assertThat(outdated(other)).as(steps).isEqualTo(2);
                int generation = (int) read(other);
                assertThat(generation).as(steps).isNotEqualTo((int) before).isEqualTo((int) parse(device));
                assertThat(ack(other, generation)).as(steps).isEqualTo(4);
                assertThat(outdated(other)).as(steps).isEqualTo(1);
                assertThat(ack(silent, generation)).as(steps).isEqualTo(4);
                assertThat(outdated(other)).as(steps).isZero();
                Unistd.close(silent);
            }
            device.stop();
        }
    }

    /** So many calls on the connection a take-over of two watchers makes before it serves. */
    private static final int STEPS = 4;

    private static long parse(KeptDevice device) throws IOException {
        return Long.parseLong(
                Files.readString(device.mount().resolve("generation")).strip());
    }

    private static int outdated(int file) {
        return Unistd.ioctl(file, Ioctl.V4_GET_OUTDATED_WATCHERS, 0L);
    }

    /** The daemon hears of a close a little later. */
    private static void awaitOutdated(int file, int count) throws InterruptedException {
        long end = System.nanoTime() + Child.LIMIT.toNanos();
        while (outdated(file) != count && System.nanoTime() < end) {
            Thread.sleep(1);
        }
        assertThat(outdated(file)).isEqualTo(count);
    }

    private static void damage(KeptDevice device, long record) throws IOException {
        try (RandomAccessFile state =
                new RandomAccessFile(device.state().resolve("state").toFile(), "rw")) {
            state.seek(record + 40);
            int was = state.read();
            state.seek(record + 40);
            state.write(was ^ 0x10);
        }
    }
}
