// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.core;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random calls, made alike on a {@link Domain} and on a {@link NaiveDomain}: results, effects and states are the same
 * after each, and what must always hold holds. A failure names its seed and step, and comes again with them.
 */
class ModelTest {
    private static final int STEPS = 20_000;

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 17, 19, 21, 23})
    void theDomainIsTheReference(long seed) {
        new ModelRun(new Random(seed), "seed " + seed, variant(seed)).steps(STEPS);
    }

    @Test
    void nothingIsLeftOut() {
        ModelRun run = new ModelRun(new Random(2026), "seed 2026", variant(2026));
        run.steps(STEPS);
        assertThat(run.seen())
                .containsKeys(
                        "read 0",
                        "read 4",
                        "read -22",
                        "read -11",
                        "read parked",
                        "write 4",
                        "write -22",
                        "poll 0",
                        "poll 65",
                        "ioctl 0",
                        "ioctl 1",
                        "ioctl -4",
                        "ioctl -13",
                        "ioctl -22",
                        "ioctl parked",
                        "interrupt true",
                        "interrupt false",
                        "read # gets #",
                        "read # fails with 4",
                        "wait # ends with 0",
                        "wait # ends with 4",
                        "wait # ends with 62",
                        "wake #");
    }

    private static int variant(long seed) {
        return (int) (seed % ModelRun.VARIANTS);
    }
}
