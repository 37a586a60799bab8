// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class DeadlineTest {
    private long nanos = Long.MAX_VALUE - 5; // as System.nanoTime may: it overflows on the way

    @Test
    void countsDownAndRoundsUp() {
        Deadline deadline = Deadline.in(Duration.ofMillis(2), () -> nanos);
        assertThat(deadline.isNever()).isFalse();
        assertThat(deadline.millisLeft()).isEqualTo(2);
        nanos += 1;
        assertThat(deadline.millisLeft()).isEqualTo(2);
        nanos += 1_000_000;
        assertThat(deadline.millisLeft()).isEqualTo(1);
        nanos += 999_998;
        assertThat(deadline.millisLeft()).isEqualTo(1);
        nanos += 1;
        assertThat(deadline.millisLeft()).isZero();
        nanos += Long.MAX_VALUE / 2;
        assertThat(deadline.millisLeft()).isZero();
    }

    @Test
    void neverComesWithoutATimeOrWithOneThatNoClockCounts() {
        assertThat(Deadline.in(null, () -> nanos).isNever()).isTrue();
        assertThat(Deadline.in(Duration.ofMillis(Long.MAX_VALUE), () -> nanos).isNever())
                .isTrue();
        assertThatThrownBy(() -> Deadline.in(null, () -> nanos).millisLeft()).isInstanceOf(IllegalStateException.class);
    }
}
