// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class NsFsTest {
    private static int open(String path) {
        int fd = Unistd.open(path, Unistd.O_RDONLY | Unistd.O_CLOEXEC, 0);
        assertThat(fd).isPositive();
        return fd;
    }

    @Test
    void aUserNamespace() throws SystemCallException {
        int one = open("/proc/self/ns/user");
        int again = open("/proc/self/ns/user");
        int other = open("/proc/self/ns/mnt");
        try {
            assertThat(Stat.filesystemType(one)).isEqualTo(NsFs.NSFS_MAGIC);
            assertThat(NsFs.type(one)).isEqualTo(NsFs.CLONE_NEWUSER);
            assertThat(NsFs.type(other)).isPositive().isNotEqualTo(NsFs.CLONE_NEWUSER);
            assertThat(NsFs.id(again)).isEqualTo(NsFs.id(one)).isNotNegative();
            if (NsFs.id(one) != 0) { // Linux 6.18
                assertThat(NsFs.id(other)).isNotEqualTo(NsFs.id(one));
            }
        } finally {
            Unistd.close(one);
            Unistd.close(again);
            Unistd.close(other);
        }
    }

    @Test
    void whatIsNone() {
        int file = open("/proc/self/status");
        assertThat(NsFs.type(file)).isNegative();
        assertThat(NsFs.id(file)).isZero();
        Unistd.close(file);
        assertThat(NsFs.type(-1)).isEqualTo(-Errno.EBADF);
    }
}
