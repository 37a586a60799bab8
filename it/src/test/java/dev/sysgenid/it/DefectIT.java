// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it;

import static dev.sysgenid.it.DeviceCalls.ack;
import static dev.sysgenid.it.DeviceCalls.bump;
import static dev.sysgenid.it.DeviceCalls.read;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.abi.Ioctl;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Processes;
import dev.sysgenid.linux.Unistd;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A daemon that meets what it was not made for, while it serves or takes over. */
class DefectIT {
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

    private static void setLength(List<Path> files, int length) throws IOException {
        for (Path path : files) {
            try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
                file.setLength(length);
            }
        }
    }

    /** The memory of a page is gone when it is stored to, which the JVM tells by an error that nobody can expect. */
    @Test
    void anotherOneTakesOver() throws Exception {
        try (KeptDevice device = KeptDevice.start("--mapping", "passthrough")) {
            int watcher =
                    Unistd.open(device.device().toString(), Unistd.O_RDWR | Unistd.O_NONBLOCK | Unistd.O_CLOEXEC, 0);
            assertThat(watcher).isPositive();
            List<Path> pages;
            try (Stream<Path> files = Files.list(device.state())) {
                pages = files.filter(file -> file.getFileName().toString().startsWith("page-"))
                        .toList();
            }
            assertThat(pages).isNotEmpty();
            // The next daemon is to find the pages whole again.
            device.signalKeeper(Processes.SIGSTOP);
            setLength(pages, 0);
            CompletableFuture<Integer> bump = CompletableFuture.supplyAsync(
                    () -> Unistd.ioctl(watcher, Ioctl.TRIGGER_GEN_UPDATE, 0L),
                    runnable -> Thread.ofPlatform().daemon().start(runnable));
            device.awaitLog("a defect: ");
            device.awaitLog("; another daemon is to take over");
            setLength(pages, 4096);
            device.signalKeeper(Processes.SIGCONT);
            device.awaitServed();
            assertThat(bump.get(Child.LIMIT.toSeconds(), TimeUnit.SECONDS)).isZero();
            assertThat(device.mount().resolve("generation")).hasContent("1");
            assertThat(Files.readAllLines(device.mount().resolve("watchers")))
                    .as("who had it open still has")
                    .hasSize(2);
            assertThat(device.log()).contains("took over 1 watcher");
            Unistd.close(watcher);
            device.stop();
        }
    }

    /** One who is late and one who is not; then the daemon is killed, and so many others meet a defect when they are to take over. */
    private void killAndSoMany(KeptDevice device, int defects) throws Exception {
        late = calls.open(device.device(), Unistd.O_RDWR | Unistd.O_NONBLOCK);
        acked = calls.open(device.device(), Unistd.O_RDWR | Unistd.O_NONBLOCK);
        bump(late);
        assertThat(ack(acked, 1)).isEqualTo(4);
        killAgain(device, defects);
        assertThat(device.log().split("; another daemon is to take over", -1))
                .as(device.log())
                .hasSize(defects + 1);
    }

    private void killAgain(KeptDevice device, int defects) throws IOException {
        Files.readString(device.mount().resolve("generation")); // what was before is settled
        Files.writeString(home.resolve("defects"), defects + " " + failure + "\n");
        device.killDaemon();
        device.awaitServed();
    }

    private KeptDevice startOnAJavaThatFails() throws IOException {
        PlantedJava.plant(home, "java-that-fails");
        return KeptDevice.startOn(home);
    }

    private int late;
    private int acked;

    /** What fails on the connection, in strace's words. */
    private String failure = "read:error=EIO";

    /** Of a read the kernel never says EIO, and the daemon is not made for it. ENOMEM can be of anything, and passes. */
    @ParameterizedTest
    @CsvSource({"1,read:error=EIO", "2,read:error=EIO", "2,write:error=ENOMEM"})
    void aDefectWhileItTakesOverIsAPauseToo(int defects, String planted) throws Exception {
        failure = planted;
        try (KeptDevice device = startOnAJavaThatFails()) {
            killAndSoMany(device, defects);
            assertThat(device.log()).contains("took over 2 watchers");
            assertThat(read(late)).isEqualTo(1);
            assertThat(read(acked)).isEqualTo(-Errno.EAGAIN);
            assertThat(Unistd.ioctl(acked, Ioctl.V4_GET_OUTDATED_WATCHERS, 0L)).isEqualTo(1);
            assertThat(device.device()).exists();
            device.stop();
        }
    }

    /** What was noted may be what the defect is in. So it is gone by no longer; and nothing is guessed. */
    @Test
    void afterSomeInARowItIsRebuiltFromWhatTheKernelKnows() throws Exception {
        try (KeptDevice device = startOnAJavaThatFails()) {
            killAndSoMany(device, 3);
            assertThat(device.log())
                    .contains("3 daemons in a row could not take over")
                    .contains("the generation changes, and everyone is outdated");
            assertThat(Unistd.ioctl(acked, Ioctl.V4_GET_OUTDATED_WATCHERS, 0L)).isEqualTo(2);
            long generation = read(acked);
            assertThat(generation).isNotEqualTo(1);
            assertThat(read(late)).isEqualTo(generation);
            assertThat(ack(late, (int) generation)).isEqualTo(4);
            assertThat(ack(acked, (int) generation)).isEqualTo(4);
            assertThat(read(late)).isEqualTo(-Errno.EAGAIN);
            // It is counted from the beginning the next time.
            killAgain(device, 2);
            assertThat(read(late)).isEqualTo(-Errno.EAGAIN);
            assertThat(Unistd.ioctl(acked, Ioctl.V4_GET_OUTDATED_WATCHERS, 0L)).isZero();
            device.stop();
        }
    }

    /** It would never get better: those who wait are told, and a new service begins. */
    @Test
    void afterManyInARowItBeginsAnew() throws Exception {
        try (KeptDevice device = startOnAJavaThatFails()) {
            killAndSoMany(device, 6);
            assertThat(device.log()).contains("cannot be gone on with: 6 daemons in a row could not");
            assertThat(read(late)).isIn((long) -Errno.ENOTCONN, (long) -Errno.ECONNABORTED);
            bump(calls.open(device.device(), Unistd.O_RDWR));
            device.stop();
        }
    }
}
