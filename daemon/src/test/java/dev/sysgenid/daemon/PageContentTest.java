// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

class PageContentTest {
    private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle();

    private static byte[] shown(PageContent content) {
        MemorySegment memory = Arena.ofAuto().allocate(8192, 4096);
        content.show(memory, 4096);
        byte[] bytes = memory.toArray(ValueLayout.JAVA_BYTE);
        assertThat(Arrays.copyOf(bytes, 4096)).as("in front of it").containsOnly(0);
        assertThat(Arrays.copyOfRange(bytes, 4096 + 56, 8192)).as("behind it").containsOnly(0);
        return Arrays.copyOfRange(bytes, 4096, 4096 + 56);
    }

    private static byte[] bytes(String hex) {
        return HexFormat.of().parseHex(hex.replaceAll(";.*|\\s", ""));
    }

    @Test
    void isLaidOutAsDocumented() {
        PageContent content = PageContent.first(-1, 0x1716_1514_1312_1110L, 0x1f1e_1d1c_1b1a_1918L)
                .bumped(1, 0x0706_0504_0302_0100L, 0x0f0e_0d0c_0b0a_0908L);
        byte[] expected = bytes("""
            01 00 00 00              ;  0 generation: it has wrapped
            00 00 00 00
            53 59 53 47 45 4e 49 44  ;  8 "SYSGENID"
            01 00 00 00              ; 16 version
            01 00 00 00              ; 20 serving
            02 00 00 00              ; 24 sequence
            00 00 00 00
            01 00 00 00 01 00 00 00  ; 32 wide generation
            00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f
            """);
        assertThat(shown(content)).containsExactly(expected);
        assertThat(content.bytes(false)).containsExactly(expected);
        expected[24] = 1;
        assertThat(content.bytes(true)).containsExactly(expected);
    }

    @Test
    void goneChangesTheStateAndNothingElse() {
        PageContent content = PageContent.first(7, 1, 2).bumped(8, 3, 4);
        byte[] expected = shown(content);
        expected[20] = 2;
        assertThat(shown(content.gone())).containsExactly(expected);
    }

    /** A reader that follows the documented steps never sees two bumps mixed, and never an identity older than the number. */
    @Test
    void aReaderSeesOneBumpAtATime() throws Exception {
        MemorySegment memory = Arena.ofShared().allocate(4096, 4096);
        AtomicBoolean done = new AtomicBoolean();
        PageContent first = PageContent.first(0, 0, ~0L);
        first.show(memory, 0);
        Thread writer = Thread.ofPlatform().start(() -> {
            PageContent content = first;
            for (int generation = 1; generation <= 3_000_000; generation++) {
                content = content.bumped(generation, generation, ~(long) generation);
                content.show(memory, 0);
            }
            done.set(true);
        });
        long reads = 0;
        while (!done.get()) {
            int generation = (int) INT.getAcquire(memory, 0L);
            int sequence;
            long wide;
            long head;
            long tail;
            do {
                sequence = (int) INT.getAcquire(memory, 24L);
                wide = memory.get(ValueLayout.JAVA_LONG, 32);
                head = memory.get(ValueLayout.JAVA_LONG, 40);
                tail = memory.get(ValueLayout.JAVA_LONG, 48);
                VarHandle.acquireFence();
            } while ((sequence & 1) != 0 || (int) INT.getOpaque(memory, 24L) != sequence);
            if (head != wide || tail != ~wide || wide < generation) {
                throw new AssertionError(generation + ": " + wide + " " + head + " " + ~tail);
            }
            reads++;
        }
        writer.join();
        assertThat(reads).isPositive();
    }
}
