// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The identity, and the page that shows it; that of a served device is looked at in {@code it}. */
class CloneIdentityTest {
    private final ByteBuffer memory =
            ByteBuffer.allocateDirect(dev.sysgenid.abi.Page.SIZE).order(ByteOrder.nativeOrder());

    private void write() {
        memory.put(8, "SYSGENID".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
        memory.putInt(16, 1).putInt(20, 1).putInt(24, 2).putLong(32, 0x5_0000_0007L);
        for (int i = 0; i < 16; i++) {
            memory.put(40 + i, (byte) (i + 0xf0));
        }
    }

    @Test
    void aPageOfTheDriverSaysNothing() {
        assertThat(PageExtension.of(MappedPage.of(memory))).isNull();
        memory.putInt(16, 1);
        assertThat(PageExtension.of(MappedPage.of(memory))).isNull();
        write();
        memory.putInt(16, 0);
        assertThat(PageExtension.of(MappedPage.of(memory))).isNull();
        assertThat(PageExtension.of(new Page.Held(1))).isNull();
    }

    @Test
    void aPageIsReadAsItIsLaidOut() {
        write();
        PageExtension extension = Objects.requireNonNull(PageExtension.of(MappedPage.of(memory)));
        PageExtension.Clone clone = Objects.requireNonNull(extension.read());
        assertThat(clone.wideGeneration()).isEqualTo(0x5_0000_0007L);
        assertThat(clone.identity()).hasToString("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
        assertThat(clone.identity().toByteArray())
                .startsWith(0xf0, 0xf1, 0xf2)
                .endsWith(0xfe, 0xff)
                .hasSize(16);
        assertThat(extension.isGone()).isFalse();
        memory.putInt(16, 2);
        assertThat(PageExtension.of(MappedPage.of(memory)))
                .as("a later version")
                .isNotNull();
        memory.putInt(20, 2);
        assertThat(extension.isGone()).isTrue();
    }

    @Test
    void halfAChangeIsGivenUpAndNeverTakenForAnIdentity() {
        write();
        PageExtension extension = Objects.requireNonNull(PageExtension.of(MappedPage.of(memory)));
        memory.putInt(24, 3);
        assertThat(extension.read()).isNull();
        memory.putInt(24, 4);
        assertThat(extension.read()).isNotNull();
    }

    @Test
    void aProcessAloneHasOneOfItsOwn() {
        Set<CloneIdentity> identities = new HashSet<>();
        try (SysGenId id = SysGenId.inProcess();
                SysGenId other = SysGenId.inProcess()) {
            for (int i = 0; i < 100; i++) {
                assertThat(id.cloneIdentity()).isEqualTo(id.cloneIdentity());
                assertThat(identities.add(id.cloneIdentity().orElseThrow())).isTrue();
                id.trigger();
            }
            assertThat(identities).doesNotContain(other.cloneIdentity().orElseThrow());
        }
    }

    @Test
    void aPlainFileHasNone(@TempDir Path directory) throws Exception {
        try (SysGenId id = SysGenId.open(Pages.create(directory.resolve("page")))) {
            assertThat(id.cloneIdentity()).isEmpty();
            assertThat(id.isKnown()).isTrue();
        }
    }
}
