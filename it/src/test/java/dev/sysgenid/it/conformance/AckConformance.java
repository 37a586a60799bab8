// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.core.Tracking;
import dev.sysgenid.linux.Errno;
import java.util.Arrays;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** write(2) and pwrite(2). */
abstract non-sealed class AckConformance extends Topic {
    AckConformance(Function<Tracking, DeviceUnderTest> devices) {
        super(devices);
    }

    @Test
    void theCurrentGenerationAcksWithoutAReadBefore() {
        OpenFile file = open();
        int generation = bump();
        assertThat(write(file, generation)).isEqualTo(4);
        assertUpToDate(file);
        assertThat(outdatedWatchers()).isZero();
    }

    @Test
    void ackingAgainChangesNothing() {
        OpenFile file = open();
        ack(file);
        assertUpToDate(file);
        bump();
        ack(file);
        ack(file);
        assertUpToDate(file);
        bump();
        assertOutdated(file);
    }

    @Test
    void oneAckIsEnoughForManyBumps() {
        OpenFile file = open();
        bump();
        bump();
        bump();
        ack(file);
        assertUpToDate(file);
    }

    @Test
    void otherGenerationsAreRefusedAndChangeNothing() {
        OpenFile file = open();
        int old = generation();
        int superseded = bump();
        int current = bump();
        for (int wrong : new int[] {old, superseded, current + 1, current + 1000, ~current, current ^ 0x8000_0000}) {
            assertThat(write(file, wrong)).as("write of %s", wrong).isEqualTo(-Errno.EINVAL);
            assertThat(file.pwrite(bytes(wrong), 0)).as("pwrite of %s", wrong).isEqualTo(-Errno.EINVAL);
            assertOutdated(file);
        }
        ack(file);
        assertThat(write(file, superseded)).isEqualTo(-Errno.EINVAL);
        assertThat(write(file, current + 1)).isEqualTo(-Errno.EINVAL);
        assertUpToDate(file);
    }

    @Test
    void whatWasReadBeforeABumpIsSuperseded() {
        OpenFile file = open();
        bump();
        int read = file.read(4).generation();
        bump();
        assertThat(write(file, read)).isEqualTo(-Errno.EINVAL);
        assertThat(write(file, file.read(4).generation())).isEqualTo(4);
        assertUpToDate(file);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 5, 7, 8, 4096, 4097})
    void otherSizesAreRefusedAndChangeNothing(int size) {
        OpenFile file = open();
        byte[] upToDate = Arrays.copyOf(bytes(generation()), size);
        assertThat(file.write(upToDate)).isEqualTo(-Errno.EINVAL);
        byte[] outdated = Arrays.copyOf(bytes(bump()), size);
        assertThat(file.write(outdated)).isEqualTo(-Errno.EINVAL);
        assertThat(file.pwrite(outdated, 0)).isEqualTo(-Errno.EINVAL);
        assertOutdated(file);
    }

    @Test
    void pwriteIsWriteAtAnyOffset() {
        OpenFile file = open(RDWR | NONBLOCK);
        for (long offset : ReadConformance.OFFSETS) {
            int generation = bump();
            assertThat(file.pwrite(bytes(generation + 1), offset))
                    .as("at %s", offset)
                    .isEqualTo(-Errno.EINVAL);
            assertThat(file.pwrite(new byte[3], offset)).as("at %s", offset).isEqualTo(-Errno.EINVAL);
            assertOutdated(file);
            assertThat(file.pwrite(bytes(generation), offset))
                    .as("at %s", offset)
                    .isEqualTo(4);
            assertThat(file.read(4)).as("after the ack at %s", offset).isEqualTo(WOULD_BLOCK);
        }
    }

    @Test
    void anOffsetBelowZeroIsRefused() {
        OpenFile file = open();
        int generation = bump();
        assertThat(file.pwrite(bytes(generation), -1)).isEqualTo(-Errno.EINVAL);
        assertOutdated(file);
    }

    @Test
    void oneWhoOnlyWritesAcksToo() {
        OpenFile file = open(WRONLY);
        bump();
        assertThat(outdatedWatchers()).isEqualTo(1);
        ack(file);
        assertThat(outdatedWatchers()).isZero();
    }

    @Test
    void anAckCountsForTheDescriptionNotForOthers() {
        OpenFile file = open();
        OpenFile same = file.dup();
        OpenFile other = open();
        bump();
        ack(same);
        assertUpToDate(file);
        assertOutdated(other);
        assertThat(outdatedWatchers()).isEqualTo(1);
    }

    @Test
    void anAckIsPossibleWhileAPositionalReadBlocks() {
        OpenFile file = open();
        Pending read = file.startPread(4, 0);
        assertThat(read.isParked()).isTrue();
        ack(file);
        assertThat(read.isParked()).isTrue();
        int generation = bump();
        assertThat(read.await()).isEqualTo(Outcome.delivered(generation));
        ack(file);
        assertUpToDate(file);
    }
}
