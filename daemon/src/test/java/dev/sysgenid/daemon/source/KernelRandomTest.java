// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon.source;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.linux.Unistd;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On the kernel's own generator, which only root may make new. */
class KernelRandomTest {
    @TempDir
    Path directory;

    private final List<String> log = new ArrayList<>();

    @BeforeEach
    void needRoot() {
        if (Unistd.geteuid() != 0) {
            System.err.println("SKIPPED: only root may have the kernel make new keys");
            Assumptions.abort();
        }
    }

    private KernelRandom random(Path hardware, boolean processor) {
        return new KernelRandom(log::add, hardware.toString(), processor);
    }

    @Test
    void itIsFreshWhenSomethingDiffers() throws Exception {
        Path none = directory.resolve("none");
        try (KernelRandom random = random(none, true)) {
            assertThat(random.reseed()).isTrue();
            assertThat(random.freshen(null, false)).as("the processor").isTrue();
            assertThat(random.freshen(new byte[112], false)).isTrue();
        }
        try (KernelRandom random = random(none, false)) {
            assertThat(random.freshen(new byte[16], true))
                    .as("a new identifier")
                    .isTrue();
            assertThat(log).isEmpty();
            assertThat(random.freshen(new byte[112], false))
                    .as("a page that may be the same")
                    .isFalse();
            assertThat(log).singleElement().asString().contains("neither the processor nor " + none);
        }
        Path hardware = Files.write(directory.resolve("hwrng"), new byte[512]);
        // It comes at once, and whoever reads it may have to wait for a processor.
        try (KernelRandom random = new KernelRandom(log::add, hardware.toString(), false, 60_000)) {
            assertThat(random.freshen(null, false)).as("the hardware").isTrue();
        }
    }

    @Test
    void hardwareThatIsNotThereIsNoneAndHoldsNobodyUp() throws Exception {
        Path empty = Files.write(directory.resolve("short"), new byte[511]);
        try (KernelRandom random = random(empty, false)) {
            assertThat(random.freshen(null, false)).isFalse();
        }
        Path silent = directory.resolve("silent");
        assertThat(new ProcessBuilder("mkfifo", silent.toString()).start().waitFor())
                .isZero();
        try (KernelRandom random = random(silent, false)) {
            random.freshenQuietly();
            assertThat(log).as("short").hasSize(1);
            log.clear();
            assertThat(random.freshen(null, false)).isFalse();
            assertThat(log)
                    .singleElement()
                    .asString()
                    .contains(silent + " has not answered yet; a further bump follows");
            assertThat(random.freshen(null, false)).isFalse();
            assertThat(readers()).as("one waits, not two").isEqualTo(1);
            // Releases it.
            try (FileOutputStream end = new FileOutputStream(silent.toFile())) {
                end.write(new byte[512]);
            }
            while (readers() > 0) {
                Thread.onSpinWait();
            }
        }
    }

    /** What was asked for before a restore may be the snapshot's, so it is asked for again. */
    @Test
    void hardwareThatAnswersLateIsCaughtUpWith() throws Exception {
        Path slow = directory.resolve("slow");
        assertThat(new ProcessBuilder("mkfifo", slow.toString()).start().waitFor())
                .isZero();
        Semaphore answers = new Semaphore(0);
        try (KernelRandom random = random(slow, false)) {
            random.onAnswer(answers::release);
            assertThat(random.catchUp()).isFalse();
            assertThat(random.freshen(null, false)).isFalse();
            assertThat(random.catchUp()).as("it has not answered").isFalse();
            answer(slow);
            answers.acquire();
            assertThat(random.catchUp()).isTrue();

            assertThat(random.freshen(null, false)).isFalse();
            assertThat(random.freshen(null, false)).as("another restore").isFalse();
            answer(slow);
            answers.acquire();
            assertThat(random.catchUp()).as("asked for too early").isFalse();
            answer(slow);
            answers.acquire();
            assertThat(random.catchUp()).isTrue();
        }
    }

    private static void answer(Path slow) throws IOException {
        try (FileOutputStream end = new FileOutputStream(slow.toFile())) {
            end.write(new byte[512]);
        }
    }

    private static long readers() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals("sysgenid-hwrng"))
                .count();
    }
}
