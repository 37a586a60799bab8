// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.fuse.Messages.Golden;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class RequestReaderTest {
    /** The least body of each opcode that has a structure; the sizes are those of the kernel's header file. */
    private static final Map<Integer, Integer> LEAST_BODIES = Map.ofEntries(
            Map.entry(2, 8),
            Map.entry(3, 16),
            Map.entry(4, 88),
            Map.entry(9, 8),
            Map.entry(14, 8),
            Map.entry(15, 40),
            Map.entry(16, 40),
            Map.entry(18, 24),
            Map.entry(25, 24),
            Map.entry(26, 16),
            Map.entry(27, 8),
            Map.entry(28, 40),
            Map.entry(29, 24),
            Map.entry(36, 8),
            Map.entry(39, 32),
            Map.entry(40, 24),
            Map.entry(42, 8),
            Map.entry(52, 24));

    private final Arena arena = Arena.ofShared();

    @AfterEach
    void release() {
        arena.close();
    }

    /** Native memory that ends where the message ends, so that a look beyond it throws. */
    private Request read(byte[] message) {
        MemorySegment segment = arena.allocate(message.length, 8);
        segment.copyFrom(MemorySegment.ofArray(message));
        return RequestReader.read(segment, message.length);
    }

    static List<Golden> goldens() {
        return Messages.all();
    }

    @ParameterizedTest
    @MethodSource("goldens")
    void readsEveryField(Golden golden) {
        assertThat(read(golden.bytes())).usingRecursiveComparison().isEqualTo(golden.request());
    }

    @ParameterizedTest
    @MethodSource("goldens")
    void whatStandsBehindTheMessageDoesNotMatter(Golden golden) {
        MemorySegment buffer = arena.allocate(64 * 1024, 8).fill((byte) 0xff);
        MemorySegment.copy(golden.bytes(), 0, buffer, ValueLayout.JAVA_BYTE, 0, golden.bytes().length);
        assertThat(RequestReader.read(buffer, golden.bytes().length))
                .usingRecursiveComparison()
                .isEqualTo(golden.request());
    }

    @Test
    void anInitOfTheTimesBetweenHasNoSecondFlags() {
        for (int length = 40 + 16; length < 40 + 20; length++) {
            assertThat(read(Messages.resized(Messages.INIT, length)))
                    .as("%d bytes", length)
                    .isEqualTo(new Request.Initialize(
                            new Request.Header(26, Messages.UNIQUE, 16, 65534, 1001, 1234),
                            7,
                            45,
                            131072,
                            0x73ff_fffb,
                            0));
        }
        assertThat(((Request.Initialize) read(Messages.resized(Messages.INIT, 40 + 20))).flags2())
                .isEqualTo(0x1ff);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 4, 8, 15, 16, 39})
    void lessThanAHeaderIsNoRequest(int length) {
        assertThat(read(Messages.resized(Messages.GETATTR, length)))
                .isEqualTo(new Request.Malformed(
                        new Request.Header(0, 0, 0, 0, 0, 0), "shorter than a header: " + length));
    }

    @ParameterizedTest
    @MethodSource("goldens")
    void aLengthThatIsNotTheMessagesIsMalformed(Golden golden) {
        int length = golden.bytes().length;
        for (int said : new int[] {0, 39, 40, length - 1, length + 1, length + 8, 0x1_0000, Integer.MAX_VALUE, -1}) {
            byte[] message = golden.bytes().clone();
            Bytes.view(message).putInt(0, said);
            if (said != length) {
                assertMalformed(golden, read(message), Integer.toUnsignedString(said));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("goldens")
    void extensionsLongerThanTheBodyAreMalformed(Golden golden) {
        int body = golden.bytes().length - 40;
        for (int extensions : new int[] {body / 8 + 1, 0x7fff, 0x8000, 0xffff}) {
            byte[] message = golden.bytes().clone();
            Bytes.view(message).putShort(36, (short) extensions);
            assertMalformed(golden, read(message), "extensions");
        }
    }

    static Stream<Golden> goldensWithAStructure() {
        return goldens().stream()
                .filter(golden ->
                        LEAST_BODIES.containsKey(golden.request().header().opcode()));
    }

    @ParameterizedTest
    @MethodSource("goldensWithAStructure")
    void aStructureThatIsCutIsMalformed(Golden golden) {
        int opcode = golden.request().header().opcode();
        int least = LEAST_BODIES.getOrDefault(opcode, 0);
        for (int body = 0; body < least; body++) {
            assertMalformed(golden, read(Messages.resized(golden.bytes(), 40 + body)), body + " bytes");
        }
    }

    /** A body that the extensions eat into is as short as one that was cut. */
    @ParameterizedTest
    @MethodSource("goldensWithAStructure")
    void aStructureThatExtensionsCoverIsMalformed(Golden golden) {
        byte[] message = golden.bytes().clone();
        Bytes.view(message).putShort(36, (short) ((message.length - 40) / 8));
        assertMalformed(golden, read(message), "");
    }

    @Test
    void aNameEndsWithItsZeroByteAndIsNotEmpty() {
        Golden golden = new Golden("LOOKUP", Messages.LOOKUP, read(Messages.LOOKUP));
        assertMalformed(golden, read(Messages.resized(Messages.LOOKUP, 40)), "name");
        assertMalformed(golden, read(Messages.resized(Messages.LOOKUP, 41)), "name");
        assertMalformed(golden, read(Messages.resized(Messages.LOOKUP, 48)), "name");
        byte[] empty = Messages.resized(Messages.LOOKUP, 41);
        empty[40] = 0;
        assertMalformed(golden, read(empty), "name");
    }

    @Test
    void namesAreUtf8AndWhatIsNotIsNoNameOfOurs() {
        byte[] message = Messages.resized(Messages.LOOKUP, 40 + 4);
        message[40] = (byte) 0xc3;
        message[41] = (byte) 0xa4;
        message[42] = (byte) 0xff;
        message[43] = 0;
        assertThat(((Request.Lookup) read(message)).name()).isEqualTo("\u00e4\ufffd");
    }

    @Test
    void aBatchHoldsAsManyAsItSays() {
        Golden golden = new Golden("BATCH_FORGET", Messages.BATCH_FORGET, read(Messages.BATCH_FORGET));
        for (int count : new int[] {3, 1000, Integer.MAX_VALUE, Integer.MIN_VALUE, -1}) {
            byte[] message = Messages.BATCH_FORGET.clone();
            Bytes.view(message).putInt(40, count);
            assertMalformed(golden, read(message), "a batch of " + Integer.toUnsignedString(count));
        }
        for (int count = 0; count <= 2; count++) {
            byte[] message = Messages.BATCH_FORGET.clone();
            Bytes.view(message).putInt(40, count);
            assertThat(((Request.BatchForget) read(message)).nodes()).hasSize(count);
        }
    }

    @Test
    void aWriteCarriesAsManyBytesAsItSays() {
        Golden golden = new Golden("WRITE", Messages.WRITE, read(Messages.WRITE));
        for (int size : new int[] {0, 3, 5, 4096, Integer.MAX_VALUE, Integer.MIN_VALUE, -1}) {
            byte[] message = Messages.WRITE.clone();
            Bytes.view(message).putInt(40 + 16, size);
            assertMalformed(golden, read(message), "a write of " + Integer.toUnsignedString(size));
        }
        byte[] nothing = Messages.resized(Messages.WRITE, 80);
        Bytes.view(nothing).putInt(40 + 16, 0);
        assertThat(((Request.Write) read(nothing)).data()).isEmpty();
    }

    /** To answer a request is to name it, and number 0 names a notification. */
    @ParameterizedTest
    @MethodSource("goldens")
    void aRequestWithoutANumberIsMalformed(Golden golden) {
        assertThat(read(Messages.numbered(golden.bytes(), 0)))
                .isInstanceOfSatisfying(
                        Request.Malformed.class,
                        malformed -> assertThat(malformed.why()).contains("no number"));
    }

    private static void assertMalformed(Golden golden, Request request, String why) {
        assertThat(request).as(golden.name()).isInstanceOf(Request.Malformed.class);
        assertThat(request.header()).isEqualTo(golden.request().header());
        assertThat(((Request.Malformed) request).why()).contains(why);
    }
}
