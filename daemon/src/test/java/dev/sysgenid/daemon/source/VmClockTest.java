// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sysgenid.linux.SystemCallException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VmClockTest {
    private static final long NOTIFIES = 1L << 9;

    @TempDir
    Path directory;

    private final Told told = new Told();
    private Path path = Path.of("/");

    @BeforeEach
    void open() {
        path = directory.resolve("vmclock0");
    }

    @Test
    void aChangedCounterIsARestore() throws Exception {
        try (VmClockPage page = new VmClockPage(path, VmClockPage.COUNTED);
                VmClock clock = VmClock.open(path.toString(), null)) {
            assertThat(told.by(clock)).isEmpty();
            page.clone(101);
            assertThat(told.by(clock)).containsExactly("restored vmclock: generation counter 100 -> 101");
            assertThat(told.by(clock)).isEmpty();
            page.clone(-1);
            assertThat(told.by(clock))
                    .containsExactly("restored vmclock: generation counter 101 -> 18446744073709551615");
            assertThat(told.restores).allMatch(restore -> !restore.kernelReseeded() && !restore.unique());
            assertThat(clock.descriptors()).as("nobody notifies").isEmpty();
            assertThat(clock.periodNanos()).isEqualTo(100_000_000);
        }
    }

    @Test
    void aChangedMarkerAloneIsADisruption() throws Exception {
        for (long flags : new long[] {0, VmClockPage.COUNTED}) {
            try (VmClockPage page = new VmClockPage(path, flags);
                    VmClock clock = VmClock.open(path.toString(), null)) {
                page.u64(0x10, 2);
                assertThat(told.by(clock)).containsExactly("disrupted: disruption marker 1 -> 2");
                assertThat(told.by(clock)).isEmpty();
                assertThat(clock.describe().contains("without a generation counter"))
                        .isEqualTo(flags == 0);
            }
        }
        assertThat(told.restores).isEmpty();
    }

    @Test
    void aCounterThatIsNotThereDoesNotCount() throws Exception {
        try (VmClockPage page = new VmClockPage(path, 0);
                VmClock clock = VmClock.open(path.toString(), null)) {
            page.u64(0x68, 7);
            assertThat(told.by(clock)).isEmpty();
            page.u64(0x18, VmClockPage.COUNTED);
            assertThat(told.by(clock)).containsExactly("restored vmclock: generation counter nothing -> 7");
            page.u64(0x18, 0);
            assertThat(told.by(clock)).containsExactly("disrupted: the page has no generation counter any more");
        }
    }

    @Test
    void inTheMiddleOfAChangeNothingIsSaid() throws Exception {
        try (VmClockPage page = new VmClockPage(path, VmClockPage.COUNTED);
                VmClock clock = VmClock.open(path.toString(), null)) {
            page.u32(0x0c, 3);
            page.clone(5);
            assertThat(told.by(clock)).isEmpty();
            page.u32(0x0c, 4);
            assertThat(told.by(clock)).containsExactly("restored vmclock: generation counter 100 -> 5");
            page.u32(0x0c, 5);
            for (int look = 1; look < 20; look++) {
                assertThat(told.by(clock)).as("look %s", look).isEmpty();
            }
            assertThat(told.by(clock)).containsExactly("lost: its sequence is odd, and stays so");
            assertThat(told.by(clock)).as("said once").isEmpty();
            page.u32(0x0c, 6);
            assertThat(told.by(clock)).containsExactly("found");
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 0x4b4c4355, its magic is wrong", "4, 0x6f, no room for a generation counter"})
    void aPageThatMakesNoSense(int offset, String value, String why) throws Exception {
        try (VmClockPage page = new VmClockPage(path, VmClockPage.COUNTED)) {
            try (VmClock clock = VmClock.open(path.toString(), null)) {
                page.u32(offset, Integer.decode(value));
                page.clone(101);
                assertThat(told.by(clock))
                        .singleElement()
                        .asString()
                        .startsWith("lost: ")
                        .contains(why);
                assertThat(told.by(clock)).as("said once").isEmpty();
                assertThat(clock.describe()).contains(why);
            }
            assertThatThrownBy(() -> VmClock.open(path.toString(), null))
                    .isInstanceOf(SystemCallException.class)
                    .hasMessageContaining(why);
        }
    }

    @Test
    void whatIsShorterThanAPageIsNone() throws Exception {
        Files.write(path, new byte[0x6f]);
        assertThatThrownBy(() -> VmClock.open(path.toString(), null)).hasMessageContaining("it ends after 111 bytes");
        assertThatThrownBy(() -> VmClock.open(directory.toString(), null)).hasMessageContaining("EISDIR");
        assertThatThrownBy(() -> VmClock.open(directory.resolve("none").toString(), null))
                .hasMessageContaining("ENOENT");
    }

    /** And what happened meanwhile is found when it is back. */
    @Test
    void aPageThatVanishesAndComesBack() throws Exception {
        try (VmClockPage page = new VmClockPage(path, VmClockPage.COUNTED);
                VmClock clock = VmClock.open(path.toString(), null)) {
            page.truncate(0);
            assertThat(told.by(clock)).containsExactly("lost: it ends after 0 bytes");
            assertThat(clock.periodNanos()).isEqualTo(1_000_000_000);
            Files.delete(path);
            assertThat(told.by(clock)).isEmpty();
            try (VmClockPage next = new VmClockPage(path, VmClockPage.COUNTED)) {
                assertThat(told.by(clock)).containsExactly("found");
                next.truncate(0);
                assertThat(told.by(clock)).hasSize(1);
            }
            Files.delete(path);
            try (VmClockPage next = new VmClockPage(path, VmClockPage.COUNTED)) {
                next.clone(200);
                assertThat(told.by(clock)).containsExactly("found", "restored vmclock: generation counter 100 -> 200");
            }
        }
    }

    @Test
    void whereItNotifiesItIsWaitedForUntilItDoesNot() throws Exception {
        try (VmClockPage page = new VmClockPage(path, VmClockPage.COUNTED | NOTIFIES);
                VmClock clock = VmClock.open(path.toString(), null)) {
            assertThat(clock.descriptors()).hasSize(1);
            assertThat(clock.periodNanos()).isEqualTo(10_000_000_000L);
            assertThat(clock.describe()).endsWith(", notified");
            page.u64(0x18, VmClockPage.COUNTED);
            assertThat(told.by(clock)).isEmpty();
            assertIsLookedAt(clock);
            page.clone(101);
            assertThat(told.by(clock)).hasSize(1);
            page.u64(0x18, VmClockPage.COUNTED | NOTIFIES);
            assertThat(told.by(clock)).isEmpty();
            assertIsLookedAt(clock); // nobody waits for the descriptor that it has now
        }
    }

    @Test
    void withoutNotificationsItIsNotOpenedAtEachLook() throws Exception {
        try (VmClockPage page = new VmClockPage(path, VmClockPage.COUNTED | NOTIFIES);
                VmClock clock = VmClock.open(path.toString(), null)) {
            page.u64(0x18, VmClockPage.COUNTED);
            assertThat(told.by(clock)).isEmpty();
            Files.delete(path); // what is open stays
            assertThat(told.by(clock)).isEmpty();
            page.clone(101);
            assertThat(told.by(clock)).containsExactly("restored vmclock: generation counter 100 -> 101");
        }
    }

    @Test
    void afterALossItIsLookedAt() throws Exception {
        try (VmClockPage page = new VmClockPage(path, VmClockPage.COUNTED | NOTIFIES);
                VmClock clock = VmClock.open(path.toString(), null)) {
            page.u32(0, 7);
            assertThat(told.by(clock)).containsExactly("lost: its magic is wrong");
            page.u32(0, 0x4b4c4356);
            assertThat(told.by(clock)).containsExactly("found");
            assertIsLookedAt(clock);
        }
    }

    /** What says that there is more to see is quiet after a look, also after one that saw nothing. */
    @Test
    void inTheMiddleOfAChangeItIsLookedAtAgainSoon() throws Exception {
        try (VmClockPage page = new VmClockPage(path, VmClockPage.COUNTED | NOTIFIES);
                VmClock clock = VmClock.open(path.toString(), null)) {
            page.u32(0x0c, 3);
            assertThat(told.by(clock)).isEmpty();
            assertThat(clock.periodNanos()).isEqualTo(100_000_000);
            page.clone(101);
            page.u32(0x0c, 4);
            assertThat(told.by(clock)).hasSize(1);
            assertThat(clock.periodNanos()).isEqualTo(10_000_000_000L);
        }
    }

    private static void assertIsLookedAt(VmClock clock) {
        assertThat(clock.periodNanos()).isEqualTo(100_000_000);
        assertThat(clock.describe()).endsWith(", looked at every 100 ms");
    }
}
