// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.abi.Ioctl;
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
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A daemon that meets what it was not made for, while it serves. */
class DefectIT {
    @BeforeEach
    void needsPrivilege() {
        Namespace.require();
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
}
