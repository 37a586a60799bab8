// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SelfCheckTest {
    /** What fits into a minute, at a look every two seconds. */
    private static final int LOOKS_IN_A_MINUTE = 30;

    private final List<String> log = new ArrayList<>();
    private final BitSet looked = new BitSet();
    private int pages;
    private int wrong;
    private int most;

    private Loop loop;
    private SelfCheck check;

    @BeforeEach
    void open() throws Exception {
        loop = new Loop();
        check = SelfCheck.start(loop, () -> pages, this::mend, log::add);
    }

    @AfterEach
    void close() {
        check.close();
        loop.close();
    }

    private int mend(int from, int count) {
        assertThat(from).isBetween(0, pages);
        assertThat(from + count).isLessThanOrEqualTo(pages);
        looked.set(from, from + count);
        most = Math.max(most, count);
        return wrong;
    }

    @Test
    void looksAtAllWithinAMinuteAndNeverAtManyAtOnce() {
        for (int many : new int[] {0, 1, 255, 256, 257, 6400, 6401, 61_434, 262_144}) {
            pages = many;
            looked.clear();
            most = 0;
            for (int i = 0; i < LOOKS_IN_A_MINUTE; i++) {
                check.look();
            }
            assertThat(looked.cardinality()).as("of " + many).isEqualTo(many);
            assertThat(most).isLessThanOrEqualTo(Math.max(256, many / 25 + 1));
        }
    }

    @Test
    void countsWhatItMendsAndSaysItOnceAMinute() {
        pages = 3;
        check.look();
        assertThat(log).isEmpty();
        wrong = 2;
        check.look();
        check.look();
        assertThat(log)
                .containsExactly("2 pages did not show the generation, and were mended: a program has written to its"
                        + " mapping");
        assertThat(check.report()).isEqualTo("pages 3\npages-checked 9\npages-mended 4\n");
    }
}
