// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** The table in the documents is what the classes say. {@code -Dmends.write=true} writes it. */
class MendsTableTest {
    private static final Path DOCUMENT = Path.of("../docs/mends.md");

    @Test
    void theDocumentIsUpToDate() throws Exception {
        if (Boolean.getBoolean("mends.write")) {
            Files.writeString(DOCUMENT, MendsTable.text());
        }
        assertThat(Files.readString(DOCUMENT)).isEqualTo(MendsTable.text());
    }
}
