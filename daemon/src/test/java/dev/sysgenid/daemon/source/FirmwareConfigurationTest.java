// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FirmwareConfigurationTest {
    @TempDir
    Path directory;

    private static byte[] blob(int first) {
        byte[] blob = new byte[4096];
        for (int i = 0; i < 16; i++) {
            blob[40 + i] = (byte) (first + i);
        }
        return blob;
    }

    @Test
    void anotherIdentifierIsARestore() throws Exception {
        Path path = Files.write(directory.resolve("raw"), blob(0x10));
        Told told = new Told();
        try (FirmwareConfiguration source = FirmwareConfiguration.open(path.toString(), null)) {
            assertThat(told.by(source)).isEmpty();
            byte[] other = blob(0x10);
            other[39] = 1;
            other[56] = 1;
            Files.write(path, other);
            assertThat(told.by(source)).as("beside the identifier").isEmpty();
            Files.write(path, blob(0x20));
            assertThat(told.by(source)).containsExactly("restored fw_cfg: another identifier, 20212223...");
            assertThat(told.restores.getFirst())
                    .returns(false, Source.Restore::kernelReseeded)
                    .returns(true, Source.Restore::unique);
            assertThat(told.restores.getFirst().entropy()).hasSize(16).startsWith(0x20, 0x21);
            assertThat(told.by(source)).isEmpty();

            Files.delete(path);
            assertThat(told.by(source)).singleElement().asString().startsWith("lost: cannot be read: ENOENT");
            assertThat(told.by(source)).isEmpty();
            Files.write(path, blob(0x30));
            assertThat(told.by(source)).containsExactly("found", "restored fw_cfg: another identifier, 30313233...");
        }
    }

    @Test
    void whatIsTooShortHasNone() throws Exception {
        Path path = Files.write(directory.resolve("raw"), new byte[55]);
        assertThatThrownBy(() -> FirmwareConfiguration.open(path.toString(), null))
                .hasMessageContaining("ENODATA");
    }
}
