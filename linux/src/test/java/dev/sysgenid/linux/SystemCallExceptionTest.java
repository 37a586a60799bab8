// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class SystemCallExceptionTest {
    @Test
    void aResultPasses() throws SystemCallException {
        assertThat(SystemCallException.check(0, "close", 3)).isZero();
        assertThat(SystemCallException.check(7, "open", "/x")).isEqualTo(7);
        assertThat(SystemCallException.check(1L << 40, "mmap", "/x")).isEqualTo(1L << 40);
    }

    @Test
    void aFailureSaysWhatOnWhatAndWhy() {
        assertThatThrownBy(() -> SystemCallException.check(-1, "mount", "/run/x"))
                .isInstanceOfSatisfying(
                        SystemCallException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EPERM))
                .hasMessage("mount /run/x: EPERM (Operation not permitted)");
        assertThatThrownBy(() -> SystemCallException.check(-9L, "read", 5))
                .hasMessage("read 5: EBADF (Bad file descriptor)");
    }
}
