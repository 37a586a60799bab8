// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Field;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class ErrnoTest {
    @Test
    void everyConstantHasItsNameAndAMeaning() throws IllegalAccessException {
        Map<Integer, String> seen = new TreeMap<>();
        for (Field field : Errno.class.getFields()) {
            int errno = field.getInt(null);
            String name = field.getName();
            if (name.equals("EWOULDBLOCK") || name.equals("EDEADLOCK") || name.equals("ENOTSUP")) {
                continue; // other names of numbers that have one
            }
            assertThat(seen.put(errno, name)).as(name).isNull();
            assertThat(Errno.name(errno)).isEqualTo(name);
            assertThat(Errno.describe(errno)).matches(name + " \\(.+\\)");
        }
        assertThat(seen).hasSize(131).containsEntry(1, "EPERM").containsEntry(133, "EHWPOISON");
    }

    @Test
    void saysWhatTheNumberMeans() {
        assertThat(Errno.describe(2)).isEqualTo("ENOENT (No such file or directory)");
        assertThat(Errno.describe(Errno.ETIME)).isEqualTo("ETIME (Timer expired)");
    }

    @Test
    void numbersWithoutANameStayNumbers() {
        assertThat(Errno.name(0)).isEqualTo("errno 0");
        assertThat(Errno.describe(41)).isEqualTo("errno 41");
        assertThat(Errno.describe(134)).isEqualTo("errno 134");
        assertThat(Errno.describe(-1)).isEqualTo("errno -1");
    }
}
