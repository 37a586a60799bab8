// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DurationsTest {
    @ParameterizedTest
    @CsvSource({
        "0s, 0, 0s",
        "500ms, 500, 500ms",
        "1500ms, 1500, 1500ms",
        "10s, 10000, 10s",
        "60s, 60000, 1m",
        "2m, 120000, 2m",
        "1h, 3600000, 1h",
        "90m, 5400000, 90m",
        "0007s, 7000, 7s",
        "9223372036854775807ms, 9223372036854775807, 9223372036854775807ms",
    })
    void readsAndWrites(String text, long millis, String written) {
        assertThat(Durations.parse(text)).isEqualTo(Duration.ofMillis(millis));
        assertThat(Durations.format(Duration.ofMillis(millis))).isEqualTo(written);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "10", "s", "ms", "-1s", "+1s", "1.5s", "10 s", " 10s", "10s ", "10S", "1d", "1h30m", "١s"})
    void refusesOtherForms(String text) {
        assertThatThrownBy(() -> Durations.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("'" + text + "' is not a duration: a number and a unit, as in 500ms, 10s, 2m or 1h");
    }

    @ParameterizedTest
    @ValueSource(strings = {"9223372036854775808ms", "9223372036854775807s", "99999999999999999999h"})
    void refusesWhatNoClockCounts(String text) {
        assertThatThrownBy(() -> Durations.parse(text)).hasMessage("'" + text + "' is too long");
    }

    @Test
    void showsMeasuredTimesRoughly() {
        assertThat(Durations.rough(0)).isEqualTo("0ms");
        assertThat(Durations.rough(999)).isEqualTo("999ms");
        assertThat(Durations.rough(1999)).isEqualTo("1.9s");
        assertThat(Durations.rough(59_999)).isEqualTo("59.9s");
        assertThat(Durations.rough(60_000)).isEqualTo("1m00s");
        assertThat(Durations.rough(3_599_999)).isEqualTo("59m59s");
        assertThat(Durations.rough(3_660_000)).isEqualTo("1h01m");
    }
}
