// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.core.Tracking;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** read(2) and pread(2). */
abstract non-sealed class ReadConformance extends Topic {
    static final long[] OFFSETS = {0, 1, 4, 4095, 4096, 0x7fff_ffffL, 0x8000_0000L, 0xffff_ffffL, 1L << 32, 1L << 62};

    ReadConformance(Function<Tracking, DeviceUnderTest> devices) {
        super(devices);
    }

    @Test
    void aReadOfNothingIsNothing() {
        OpenFile file = open();
        assertThat(file.read(0)).isEqualTo(Outcome.of(0));
        assertThat(file.pread(0, 7)).isEqualTo(Outcome.of(0));
        bump();
        assertThat(file.read(0)).isEqualTo(Outcome.of(0));
        assertThat(file.pread(0, 7)).isEqualTo(Outcome.of(0));
        assertOutdated(file);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void aReadTooSmallIsRefusedWhetherOrNotOutdated(long n) {
        OpenFile blocking = open();
        OpenFile nonblocking = open(RDWR | NONBLOCK);
        for (OpenFile file : new OpenFile[] {blocking, nonblocking}) {
            assertThat(file.read(n)).isEqualTo(INVALID);
            assertThat(file.pread(n, 0)).isEqualTo(INVALID);
        }
        bump();
        for (OpenFile file : new OpenFile[] {blocking, nonblocking}) {
            assertThat(file.read(n)).isEqualTo(INVALID);
            assertThat(file.pread(n, 0)).isEqualTo(INVALID);
            assertOutdated(file);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {4, 5, 7, 8, 4096, 4097, 1 << 20})
    void anOutdatedReadGivesFourBytesUntilAcked(long n) {
        OpenFile file = open(RDWR | NONBLOCK);
        assertThat(file.read(n)).isEqualTo(WOULD_BLOCK);
        int generation = bump();
        assertThat(file.read(n)).isEqualTo(Outcome.delivered(generation));
        assertThat(file.read(n)).isEqualTo(Outcome.delivered(generation));
        assertThat(file.pread(n, 0)).isEqualTo(Outcome.delivered(generation));
        ack(file);
        assertThat(file.read(n)).isEqualTo(WOULD_BLOCK);
        assertThat(file.pread(n, 0)).isEqualTo(WOULD_BLOCK);
    }

    @Test
    void theNewestGenerationIsRead() {
        OpenFile file = open();
        bump();
        assertThat(file.read(4)).isEqualTo(Outcome.delivered(generation()));
        bump();
        bump();
        assertThat(file.read(4)).isEqualTo(Outcome.delivered(generation()));
    }

    @Test
    void aReadBlocksUntilABump() {
        OpenFile file = open();
        Pending read = file.startRead(4);
        assertThat(read.isParked()).isTrue();
        int generation = bump();
        assertThat(read.await()).isEqualTo(Outcome.delivered(generation));
        assertOutdated(file);
    }

    @Test
    void aReadBlocksAgainAfterTheAck() {
        OpenFile file = open();
        bump();
        ack(file);
        Pending read = file.startRead(4096);
        assertThat(read.isParked()).isTrue();
        assertThat(read.isParked()).isTrue();
        int generation = bump();
        assertThat(read.await()).isEqualTo(Outcome.delivered(generation));
    }

    @Test
    void nothingOfWhatOthersDoEndsIt() {
        OpenFile file = open();
        Pending read = file.startRead(4);
        assertThat(read.isParked()).isTrue();
        OpenFile other = open();
        ack(other);
        other.close();
        assertThat(read.isParked()).isTrue();
        int generation = bump();
        assertThat(read.await()).isEqualTo(Outcome.delivered(generation));
    }

    @Test
    void blockingIsAskedAtEachCall() {
        OpenFile file = open();
        file.setNonblocking(true);
        assertThat(file.read(4)).isEqualTo(WOULD_BLOCK);
        assertThat(file.pread(4, 0)).isEqualTo(WOULD_BLOCK);
        file.setNonblocking(false);
        Pending read = file.startRead(4);
        assertThat(read.isParked()).isTrue();
        int generation = bump();
        assertThat(read.await()).isEqualTo(Outcome.delivered(generation));
    }

    @Test
    void preadIsReadAtAnyOffset() {
        OpenFile file = open(RDWR | NONBLOCK);
        for (long offset : OFFSETS) {
            assertThat(file.pread(4, offset)).as("at %s", offset).isEqualTo(WOULD_BLOCK);
            int generation = bump();
            assertThat(file.pread(4, offset)).as("at %s", offset).isEqualTo(Outcome.delivered(generation));
            assertThat(file.pread(4, offset)).as("at %s", offset).isEqualTo(Outcome.delivered(generation));
            assertThat(file.pread(3, offset)).as("at %s", offset).isEqualTo(INVALID);
            ack(file);
        }
    }

    @Test
    void preadBlocksAtAnyOffset() {
        for (long offset : OFFSETS) {
            OpenFile file = open();
            Pending read = file.startPread(4, offset);
            assertThat(read.isParked()).isTrue();
            int generation = bump();
            assertThat(read.await()).isEqualTo(Outcome.delivered(generation));
        }
    }

    @Test
    void anOffsetBelowZeroIsRefused() {
        OpenFile file = open();
        bump();
        assertThat(file.pread(4, -1)).isEqualTo(INVALID);
        assertThat(file.pread(4, Long.MIN_VALUE)).isEqualTo(INVALID);
    }

    @Test
    void readingForLongPassesNoEnd() {
        OpenFile file = open(RDWR | NONBLOCK);
        for (int i = 0; i < 2000; i++) {
            int generation = bump();
            assertThat(file.read(4)).isEqualTo(Outcome.delivered(generation));
            ack(file);
        }
        assertThat(file.read(4)).isEqualTo(WOULD_BLOCK);
    }

    @Test
    void aSignalInterrupts() {
        OpenFile file = open();
        Pending read = file.startRead(4);
        assertThat(read.isParked()).isTrue();
        read.interrupt(Pending.Signal.PLAIN);
        assertThat(read.await()).isEqualTo(INTERRUPTED);
        int generation = bump();
        assertThat(file.read(4)).as("afterwards").isEqualTo(Outcome.delivered(generation));
    }

    @Test
    void aSignalInterruptsOnlyItsOwnThread() {
        OpenFile file = open();
        Pending one = file.startPread(4, 0);
        Pending two = file.startPread(4, 0);
        assertThat(one.isParked()).isTrue();
        assertThat(two.isParked()).isTrue();
        one.interrupt(Pending.Signal.PLAIN);
        assertThat(one.await()).isEqualTo(INTERRUPTED);
        assertThat(two.isParked()).isTrue();
        int generation = bump();
        assertThat(two.await()).isEqualTo(Outcome.delivered(generation));
    }

    @Test
    void aCloseByAnotherThreadDoesNotWakeTheReader() {
        OpenFile file = open();
        Pending read = file.startRead(4);
        assertThat(read.isParked()).isTrue();
        file.close();
        assertThat(read.isParked()).isTrue();
        int generation = bump();
        assertThat(read.await()).isEqualTo(Outcome.delivered(generation));
        assertThat(outdatedWatchers()).as("after the reader left").isZero();
    }

    @Test
    void bothReadersOfOneDescriptionReturnAtTheBump() {
        OpenFile file = open();
        OpenFile same = file.dup();
        Pending one = file.startPread(4, 0);
        Pending two = same.startPread(4, 0);
        assertThat(one.isParked()).isTrue();
        assertThat(two.isParked()).isTrue();
        int generation = bump();
        assertThat(one.await()).isEqualTo(Outcome.delivered(generation));
        assertThat(two.await()).isEqualTo(Outcome.delivered(generation));
    }

    @Test
    void bothReadersReturnAlsoWhenTheyShareThePosition() {
        OpenFile file = open();
        Pending one = file.startRead(4);
        assertThat(one.isParked()).isTrue();
        Pending two = file.startRead(4);
        assertThat(two.isParked()).isTrue();
        int generation = bump();
        assertThat(one.await()).isEqualTo(Outcome.delivered(generation));
        assertThat(two.await()).isEqualTo(Outcome.delivered(generation));
    }

    @Test
    void manyReadersReturnAtOneBump() {
        Pending[] reads = new Pending[40];
        for (int i = 0; i < reads.length; i++) {
            reads[i] = open(i % 2 == 0 ? RDWR : RDONLY).startRead(4);
        }
        for (Pending read : reads) {
            assertThat(read.isParked()).isTrue();
        }
        int generation = bump();
        for (Pending read : reads) {
            assertThat(read.await()).isEqualTo(Outcome.delivered(generation));
        }
    }
}
