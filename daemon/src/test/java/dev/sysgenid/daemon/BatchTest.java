// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class BatchTest {
    private final Batch batch = new Batch();

    /** Lets the loop run until all of {@code waiting} are taken, and then find nothing. Returns how many reads it made. */
    private int readsFor(int waiting) {
        int reads = 0;
        for (int left = waiting; left > 0; ) {
            int took = Math.min(left, batch.size());
            reads += Math.min(batch.size(), took + 1);
            left -= took;
            batch.took(took);
        }
        return reads;
    }

    @Test
    void callersThatComeOneAtATimeCostLittleMoreThanOneReadEach() {
        int reads = 0;
        for (int i = 0; i < 900; i++) {
            reads += readsFor(1);
        }
        assertThat(reads).isEqualTo(1000);
    }

    @Test
    void manyThatWaitAreTakenInLargeBatches() {
        int waits = 0;
        for (int left = 5000; left > 0; waits++) {
            int took = Math.min(left, batch.size());
            left -= took;
            batch.took(took);
        }
        assertThat(waits).isLessThan(5000 / Batch.MOST + Batch.PATIENCE + 8);
    }

    @Test
    void neverMoreThanTheLimit() {
        readsFor(100_000);
        assertThat(batch.size()).isLessThanOrEqualTo(Batch.MOST);
    }

    @Test
    void afterAStormOneAtATimeAgain() {
        readsFor(1000);
        batch.took(0);
        assertThat(batch.size()).isEqualTo(1);
    }
}
