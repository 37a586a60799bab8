// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The daemon is killed at random moments, also while it takes over from one that was, and nobody notices more than a pause.
 *
 * <p>For a long run: {@code -Dcrash.seconds=3600}, and {@code -Dcrash.seed=N} for another one.
 */
class CrashIT {
    private static final int SECONDS = Integer.getInteger("sysgenid.it.crash.seconds", 12);
    private static final String SEED = System.getProperty("sysgenid.it.crash.seed", "1");

    @ParameterizedTest
    @ValueSource(strings = {"passthrough", "store"})
    @Timeout(value = 90, unit = java.util.concurrent.TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void nobodyNoticesMoreThanAPause(String mapping) throws Exception {
        try (KeptDevice device = KeptDevice.start("--mapping", mapping)) {
            long before = device.pages();
            Child clients = Child.start(List.of(
                    CProgram.behaviour("crash").executable().toString(),
                    device.device().toString(),
                    Long.toString(device.keeper()),
                    Integer.toString(SECONDS),
                    "5",
                    "40",
                    SEED));
            try (clients) {
                clients.closeInput();
                int status = clients.awaitExit(Duration.ofSeconds(SECONDS).plus(Child.LIMIT.multipliedBy(3)));
                clients.output()
                        .lines()
                        .filter(line -> line.startsWith("#"))
                        .forEach(line -> System.out.println("CrashIT, " + mapping + ": " + line.substring(2)));
                new Tap("crash", status, clients.output() + "\n# " + device.log()).check();
            }
            device.awaitLog("another one takes over");
            assertThat(device.log()).doesNotContain("defect", "damaged", "makes no sense");
            // The daemon hears of what was closed and forgotten some time after it.
            long end = System.nanoTime() + Child.LIMIT.toNanos();
            while (!isAsBefore(device, before) && System.nanoTime() < end) {
                Thread.sleep(10);
            }
            assertThat(device.mount().resolve("watchers")).content().hasLineCount(1);
            assertThat(device.pages()).isLessThanOrEqualTo(before + 1);
            device.stop();
        }
    }

    private static boolean isAsBefore(KeptDevice device, long pages) throws IOException {
        // The kernel forgets the last inode when its name is looked up again.
        return Files.exists(device.device())
                && Files.readAllLines(device.mount().resolve("watchers")).size() == 1
                && device.pages() <= pages + 1;
    }
}
