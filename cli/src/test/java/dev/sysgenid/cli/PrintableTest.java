// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PrintableTest {
    @Test
    void whatPeopleWriteStays() {
        String text = "a b/c-\u00e9\u00df \u65e5\u672c \ud83d\ude80 \\x1b \"'";
        assertThat(Printable.of(text)).isEqualTo(text);
    }

    @Test
    void whatCommandsATerminalIsSpelled() {
        assertThat(Printable.of("\033[2J\n\r\t\0\177\u009b")).isEqualTo("\\x1b[2J\\x0a\\x0d\\x09\\x00\\x7f\\x9b");
        assertThat(Printable.of("a\u202eb\u2066c\u200bd\ufeff\u2028"))
                .isEqualTo("a\\x{202e}b\\x{2066}c\\x{200b}d\\x{feff}\\x{2028}");
        assertThat(Printable.of("\ud800 \udb40\udc41 \ue000")).isEqualTo("\\x{d800} \\x{e0041} \\x{e000}");
    }

    @Test
    void aLineIsNoLonger() {
        assertThat(Printable.of("x".repeat(200), 200)).isEqualTo("x".repeat(200));
        assertThat(Printable.of("x".repeat(1_000_000), 200)).isEqualTo("x".repeat(200) + "...");
    }
}
