// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.abi;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class GenerationTest {
    private static final int MAX = -1;

    @Test
    void countsUpByOne() {
        assertThat(Generation.next(0, 0)).isEqualTo(1);
        assertThat(Generation.next(7, 0)).isEqualTo(8);
        assertThat(Generation.next(7, 8)).isEqualTo(8);
    }

    @Test
    void aGreaterMinimumIsTaken() {
        assertThat(Generation.next(7, 100)).isEqualTo(100);
        assertThat(Generation.next(100, 7)).isEqualTo(101);
    }

    @Test
    void isUnsignedAcrossTheSignBit() {
        assertThat(Generation.next(0x7fffffff, 0)).isEqualTo(0x80000000);
        assertThat(Generation.next(5, 0x80000000)).isEqualTo(0x80000000);
        assertThat(Generation.next(0x80000000, 5)).isEqualTo(0x80000001);
    }

    @Test
    void wrapsToOneAndNeverStandsStill() {
        assertThat(Generation.next(MAX, 0)).isEqualTo(1);
        assertThat(Generation.next(MAX, 9)).isEqualTo(9);
        assertThat(Generation.next(MAX, MAX)).isEqualTo(1);
        assertThat(Generation.next(MAX - 1, 0)).isEqualTo(MAX);
    }

    @Test
    void theWideOneEndsInTheNarrowOneAndOnlyGrows() {
        assertThat(Generation.widen(0, 1)).isEqualTo(1);
        assertThat(Generation.widen(7, MAX)).isEqualTo(0xffff_ffffL);
        assertThat(Generation.widen(0xffff_ffffL, 1)).isEqualTo(0x1_0000_0001L);
        assertThat(Generation.widen(0x1_0000_0001L, MAX)).isEqualTo(0x1_ffff_ffffL);
        assertThat(Generation.widen(0x7fff_ffff_ffff_ffffL, 1)).isEqualTo(0x8000_0000_0000_0001L);
        assertThat(Generation.widen(0x8000_0000_0000_0001L, 2)).isEqualTo(0x8000_0000_0000_0002L);
    }

    @Test
    void printsUnsigned() {
        assertThat(Generation.toString(MAX)).isEqualTo("4294967295");
    }
}
