// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is said of bumps, in a storm too. */
class BumpLogTest {
    private final List<String> lines = new ArrayList<>();
    private long now = 5_000_000_000L;
    private final BumpLog log = new BumpLog(lines::add, () -> now);

    @Test
    void aLineForEach() {
        log.bumped("", -1, 1, "bash (pid 7)");
        log.bumped("web", 2, 0, "bash (pid 7)");
        log.restored(3, 2, "vmclock");
        assertThat(lines)
                .containsExactly(
                        "generation 4294967295, by bash (pid 7); 1 watcher outdated",
                        "domain web: generation 2, by bash (pid 7); 0 watchers outdated",
                        "generation 3, by vmclock; 2 watchers outdated");
    }

    @Test
    void inAStormSomeOfEachSecond() {
        for (int i = 0; i < 100; i++) {
            log.bumped("", i, 0, "x");
        }
        assertThat(lines).hasSize(BumpLog.LINES_A_SECOND);
        now += 1_000_000_001;
        log.bumped("", 100, 0, "x");
        log.bumped("", 101, 0, "x");
        assertThat(lines.subList(10, 12))
                .containsExactly(
                        "generation 100, by x; 0 watchers outdated; 90 bumps before this one were not shown",
                        "generation 101, by x; 0 watchers outdated");
    }

    /** Who may bump a domain, or the machine, in a loop cannot hide that the machine was restored. */
    @Test
    void whoBumpsInALoopHidesNothingElse() {
        for (int i = 0; i < 100; i++) {
            log.bumped("web", i, 0, "x");
        }
        log.bumped("", 1, 0, "root");
        for (int i = 0; i < 100; i++) {
            log.bumped("", i, 0, "x");
        }
        log.restored(2, 0, "vmgenid");
        assertThat(lines).contains("generation 1, by root; 0 watchers outdated");
        assertThat(lines.getLast()).isEqualTo("generation 2, by vmgenid; 0 watchers outdated");
    }
}
