// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class AttachCommandTest {
    /** The process may be anything, and the terminal is root's. */
    @Test
    void whatTheProcessSaysIsALineAndNoMore() {
        assertThat(AttachCommand.line(7, "Java 25, 27 mends ready")).isEqualTo("process 7: Java 25, 27 mends ready");
        assertThat(AttachCommand.line(7, "")).isEqualTo("no agent in process 7");
        assertThat(AttachCommand.line(7, "ok\n\033]0;title\007\u202e" + "x".repeat(100_000)))
                .startsWith("process 7: ok\\x0a\\x1b]0;title\\x07\\x{202e}x")
                .hasSizeLessThan(300);
    }
}
