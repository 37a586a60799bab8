// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

class RandomTest {
    @Test
    void fillsWhatIsAskedForAndNoMore() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(64);
            MemorySegment zeros = arena.allocate(32);

            assertThat(Random.getrandom(buffer, 32, Random.GRND_NONBLOCK)).isEqualTo(32);

            assertThat(buffer.asSlice(0, 32).mismatch(zeros)).isNotEqualTo(-1);
            assertThat(buffer.asSlice(32).mismatch(zeros)).isEqualTo(-1);
        }
    }

    @Test
    void failures() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(8);
            assertThat(Random.getrandom(buffer, 8, -1)).isEqualTo(-Errno.EINVAL);
            assertThatThrownBy(() -> Random.getrandom(buffer, 9, 0)).isInstanceOf(IndexOutOfBoundsException.class);
        }
    }
}
