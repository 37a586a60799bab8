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

    /** What it is good for cannot be seen from outside; that the kernel takes it can. */
    @Test
    void root() throws Exception {
        OwnThread.needRoot();
        int fd = Unistd.open("/dev/urandom", Unistd.O_RDWR | Unistd.O_CLOEXEC, 0);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(100);
            assertThat(Random.addEntropy(fd, 0, buffer, 100)).isZero();
            assertThat(Random.addEntropy(fd, 0, buffer, 0)).isZero();
            assertThat(Random.addEntropy(fd, -1, buffer, 100)).isEqualTo(-Errno.EINVAL);
            assertThatThrownBy(() -> Random.addEntropy(fd, 0, buffer, 101))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            assertThat(Random.reseed(fd)).isZero();
        } finally {
            Unistd.close(fd);
        }
        assertThat(Random.reseed(fd)).isEqualTo(-Errno.EBADF);
        // Another kind of device.
        int other = Unistd.open("/dev/null", Unistd.O_RDWR | Unistd.O_CLOEXEC, 0);
        assertThat(Random.reseed(other)).isEqualTo(-Errno.ENOTTY);
        Unistd.close(other);
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
