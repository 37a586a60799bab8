// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Records that are whole whenever their writer is killed. */
class RecordsTest {
    private static final long INTENT = 2L * Records.STRIDE;
    private static final long CAPACITY = 1 << 20;
    private static final long AT = 4096;
    private static final int KIND = 3;
    private static final long UNIQUE = 1L << 63 | 24;

    private final int file;

    RecordsTest() throws SystemCallException {
        file = States.memory();
    }

    /** One store, of a word. */
    private record Store(long at, long value) {}

    /** Notes its stores, in their order. */
    private static final class Watched extends Records {
        final List<Store> stores = new ArrayList<>();

        Watched(int file) throws SystemCallException {
            super(file, CAPACITY, INTENT);
        }

        @Override
        void setWord(long at, long value) {
            stores.add(new Store(at, value));
            super.setWord(at, value);
        }
    }

    private static long[] image(long seed) {
        long[] image = new long[Records.WORDS];
        Arrays.setAll(image, i -> seed * 31 + i);
        return image;
    }

    private static byte[] contents(int file) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(65_536);
            assertThat(Unistd.pread(file, buffer, buffer.byteSize(), 0)).isEqualTo(buffer.byteSize());
            return buffer.toArray(ValueLayout.JAVA_BYTE);
        }
    }

    private static void put(int file, byte[] contents) {
        try (Arena arena = Arena.ofConfined()) {
            assertThat(Unistd.pwrite(file, arena.allocateFrom(ValueLayout.JAVA_BYTE, contents), contents.length, 0))
                    .isEqualTo(contents.length);
        }
    }

    /**
     * The writer is killed after each of its stores: the file then holds the first few of them. What a successor finds is the
     * old record and no intent, or the new record and the intent; never anything else.
     */
    @Test
    void killedAfterAnyStoreTheRecordIsTheOldOrTheNew() throws Exception {
        try (Watched records = new Watched(States.again(file))) {
            records.grow(1);
            records.write(KIND, 2, AT, image(1));
            records.settle();
            byte[] before = contents(file);
            records.stores.clear();
            records.write(KIND, UNIQUE, AT, image(2));
            List<Store> order = List.copyOf(records.stores);
            boolean done = false;
            for (int stores = 0; stores <= order.size(); stores++) {
                byte[] killed = before.clone();
                for (Store store : order.subList(0, stores)) {
                    ByteBuffer.wrap(killed).order(ByteOrder.nativeOrder()).putLong((int) store.at, store.value);
                }
                put(file, killed);
                Records.Intent intent = records.redo();
                long[] found = new long[Records.WORDS];
                assertThat(records.read(AT, found))
                        .as("whole after %d stores", stores)
                        .isTrue();
                if (intent == null) {
                    assertThat(done).as("no way back").isFalse();
                    assertThat(found).isEqualTo(image(1));
                } else {
                    done = true;
                    assertThat(intent).isEqualTo(new Records.Intent(KIND, UNIQUE, AT));
                    assertThat(found).isEqualTo(image(2));
                    assertThat(records.redo()).as("once more").isEqualTo(intent);
                }
            }
            assertThat(done).isTrue();
            records.settle();
            assertThat(records.redo()).isNull();
        }
    }

    @Test
    void anyChangedBitIsSeen() throws Exception {
        try (Records records = new Records(States.again(file), CAPACITY, INTENT)) {
            records.grow(1);
            records.write(KIND, 2, AT, image(1));
            byte[] whole = contents(file);
            long[] found = new long[Records.WORDS];
            for (int bit = 0; bit < Records.STRIDE * 8; bit++) {
                byte[] damaged = whole.clone();
                damaged[(int) AT + bit / 8] ^= (byte) (1 << bit % 8);
                put(file, damaged);
                assertThat(records.read(AT, found)).as("bit %d", bit).isFalse();
            }
            for (int bit = 0; bit < Records.INTENT_SIZE * 8; bit++) {
                byte[] damaged = whole.clone();
                damaged[(int) INTENT + bit / 8] ^= (byte) (1 << bit % 8);
                put(file, damaged);
                assertThat(records.redo()).as("bit %d of the intent", bit).isNull();
            }
        }
    }

    @Test
    void aRecordIsNoOtherRecord() throws Exception {
        try (Records records = new Records(States.again(file), CAPACITY, INTENT)) {
            records.grow(1);
            records.write(KIND, 2, AT, image(1));
            byte[] whole = contents(file);
            System.arraycopy(whole, (int) AT, whole, (int) AT + Records.STRIDE, Records.STRIDE);
            put(file, whole);
            assertThat(records.read(AT + Records.STRIDE, new long[Records.WORDS]))
                    .isFalse();
        }
    }

    @Test
    void itGrowsToItsCapacityAndNoFurther() throws Exception {
        try (Records records = new Records(States.again(file), CAPACITY, INTENT)) {
            assertThat(records.size()).isZero();
            records.grow(CAPACITY);
            records.setWord(CAPACITY - 8, 7);
            assertThat(records.word(CAPACITY - 8)).isEqualTo(7);
            assertThatThrownBy(() -> records.grow(CAPACITY + 1))
                    .isInstanceOfSatisfying(
                            SystemCallException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.ENOSPC));
        }
    }
}
