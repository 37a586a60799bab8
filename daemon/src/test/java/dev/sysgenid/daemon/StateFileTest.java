// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a successor reads: what is whole and of this version, and nothing else. */
class StateFileTest {
    private static final StateFile.DomainRecord DOMAIN =
            new StateFile.DomainRecord(PageContent.first(7, 5, 6), 3, 0, 0640, 1, 2);
    private static final int MOST_WAITS = 4096;

    private final int memory;

    StateFileTest() throws SystemCallException {
        memory = States.memory();
    }

    @AfterEach
    void close() {
        Unistd.close(memory);
    }

    private StateFile create() throws SystemCallException {
        return StateFile.create(States.again(memory), true, 9, DOMAIN);
    }

    private StateFile next(StateFile before) throws SystemCallException {
        before.close();
        return Objects.requireNonNull(StateFile.open(States.again(memory)));
    }

    @Test
    void whatWasBegunIsThere() throws Exception {
        try (StateFile next = next(create())) {
            assertThat(next.domain()).isEqualTo(DOMAIN);
            assertThat(next.madeDirectory()).isTrue();
            assertThat(next.device()).isEqualTo(9);
        }
    }

    /** Pages of a domain that is removed go on with the machine, so what comes after it begins above what they show by then. */
    @Test
    void aNamesGenerationsDoNotComeAgain() throws Exception {
        try (StateFile state = create()) {
            assertThat(state.firstGeneration(5)).isZero();
            state.removing(0, 5);
            assertThat(state.firstGeneration(5)).isEqualTo(1);
            assertThat(state.firstGeneration(8)).isEqualTo(4);
            state.removing(2, 8);
            assertThat(state.firstGeneration(8)).as("a lower one").isEqualTo(4);
            state.removing(0xffff_ffffL, 9);
            assertThat(state.firstGeneration(9)).as("0 is left out").isEqualTo(0x1_0000_0001L);
        }
    }

    /** Whole in every way, and with the right checksum. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 5})
    void anotherVersionIsNotRead(long version) throws Exception {
        create().close();
        try (Records records = new Records(States.again(memory), 1 << 20, 2L * Records.STRIDE)) {
            long[] image = new long[Records.WORDS];
            assertThat(records.read(0, image)).isTrue();
            assertThat(image[1]).isEqualTo(4);
            image[1] = version;
            records.write(StateFile.OTHER, 0, 0, image);
            records.settle();
            assertThat(records.read(0, image)).isTrue();
        }
        assertThat(StateFile.open(States.again(memory))).isNull();
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 96, 65_536, 1_703_935})
    void aFileThatIsTooShortIsNotRead(long length) throws Exception {
        create().close();
        assertThat(Unistd.ftruncate(memory, length)).isZero();
        assertThat(StateFile.open(States.again(memory))).isNull();
    }

    // WAITs.

    @Test
    void aWaitKeepsItsTime() throws Exception {
        StateFile first = create();
        first.waits().parked(10, 1000, true);
        first.waits().parked(12, 2000, false);
        first.waits().ended(12);
        try (StateFile next = next(first)) {
            assertThat(next.waits().earlier()).containsOnlyKeys(10L).containsEntry(10L, 1000L);
        }
    }

    /** Who was answered just before the kill, or was killed himself, does not come again; his place is free. */
    @Test
    void waitsThatDoNotComeAgainAreForgotten() throws Exception {
        StateFile state = create();
        for (int take = 0; take < 3; take++) {
            for (int i = 0; i < MOST_WAITS; i++) {
                state.waits().parked(10_000L * take + 2 + 2L * i, 1000, true);
            }
            state = next(state);
            assertThat(state.waits().earlier()).as("take-over %d", take).hasSize(MOST_WAITS);
            state.waits().parked(10_000L * take + 2, 1000, true);
            state.waits().dropUnclaimed();
            state = next(state);
            assertThat(state.waits().earlier()).containsOnlyKeys(10_000L * take + 2);
            state.waits().dropUnclaimed();
        }
        state.close();
    }

    @Test
    void someRoomForWaitsIsRootsAlone() throws Exception {
        StateFile state = create();
        for (int i = 0; i < MOST_WAITS; i++) {
            state.waits().parked(2 + 2L * i, 1000, false);
        }
        state.waits().parked(1 << 20, 2000, true);
        try (StateFile next = next(state)) {
            assertThat(next.waits().earlier()).hasSizeLessThan(MOST_WAITS).containsEntry(1L << 20, 2000L);
        }
    }
}
