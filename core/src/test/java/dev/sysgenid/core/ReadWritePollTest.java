// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ReadWritePollTest extends DomainFixture {
    private static final int READABLE = Domain.POLLIN | Domain.POLLRDNORM;

    @Test
    void aNewWatcherIsUpToDate() {
        bump();
        Watcher watcher = writer();
        assertThat(watcher.state()).isEqualTo(Watcher.State.CURRENT);
        assertThat(watcher.acknowledged()).isEqualTo(1);
        assertThat(domain.read(watcher, 1, 4, true)).isEqualTo(-Errors.EAGAIN);
        assertThat(domain.poll(watcher, false)).isZero();
    }

    @Test
    void aReadOfNothingIsNothing() {
        Watcher watcher = writer();
        assertThat(domain.read(watcher, 1, 0, false)).isZero();
        bump();
        assertThat(domain.read(watcher, 1, 0, true)).isZero();
        assertThat(domain.parked()).isZero();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, -1, Long.MIN_VALUE})
    void aReadTooSmallIsRefusedWhetherOrNotOutdated(long size) {
        Watcher watcher = writer();
        assertThat(domain.read(watcher, 1, size, false)).isEqualTo(-Errors.EINVAL);
        assertThat(domain.read(watcher, 1, size, true)).isEqualTo(-Errors.EINVAL);
        bump();
        assertThat(domain.read(watcher, 1, size, false)).isEqualTo(-Errors.EINVAL);
    }

    @ParameterizedTest
    @ValueSource(longs = {4, 5, 8, 4096, Long.MAX_VALUE})
    void anOutdatedReadGivesFourBytesUntilAcked(long size) {
        Watcher watcher = reader();
        bump();
        assertThat(domain.read(watcher, 1, size, true)).isEqualTo(4);
        assertThat(domain.read(watcher, 1, size, false)).isEqualTo(4);
        bump();
        assertThat(domain.read(watcher, 1, size, false)).isEqualTo(4);
        ack(watcher);
        assertThat(domain.read(watcher, 1, size, true)).isEqualTo(-Errors.EAGAIN);
    }

    @Test
    void parkedReadsEndAtTheBumpInOrderOfArrival() {
        Watcher one = writer();
        Watcher two = reader();
        assertThat(domain.read(one, 11, 4, false)).isEqualTo(Domain.PARKED);
        assertThat(domain.read(two, 10, 4, false)).isEqualTo(Domain.PARKED);
        assertThat(domain.read(one, 12, 8, false)).isEqualTo(Domain.PARKED);
        assertThat(domain.parked()).isEqualTo(3);
        happened();
        domain.bump(7, now);
        happened(RecordedEffects.read(11, 7), RecordedEffects.read(10, 7), RecordedEffects.read(12, 7));
        assertThat(domain.parked()).isZero();
        bump();
        happened();
    }

    @Test
    void aReadDoesNotAck() {
        Watcher watcher = writer();
        domain.read(watcher, 1, 4, false);
        bump();
        assertThat(watcher.outdated()).isTrue();
        assertThat(domain.read(watcher, 2, 4, false)).isEqualTo(4);
        assertThat(watcher.outdated()).isTrue();
        assertThat(watcher.acknowledged()).isZero();
    }

    @Test
    void theAckIsTheCurrentGenerationWithoutAReadBefore() {
        Watcher watcher = writer();
        bump();
        assertThat(domain.write(watcher, 4, 1)).isEqualTo(4);
        assertThat(watcher.state()).isEqualTo(Watcher.State.CURRENT);
        assertThat(watcher.acknowledged()).isEqualTo(1);
        assertThat(domain.write(watcher, 4, 1)).isEqualTo(4);
    }

    @Test
    void otherGenerationsAreRefused() {
        Watcher watcher = writer();
        assertThat(domain.write(watcher, 4, 1)).isEqualTo(-Errors.EINVAL);
        bump();
        bump();
        for (int wrong : new int[] {0, 1, 3, MAX, Integer.MIN_VALUE}) {
            assertThat(domain.write(watcher, 4, wrong)).isEqualTo(-Errors.EINVAL);
            assertThat(watcher.outdated()).isTrue();
            assertThat(domain.outdated()).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 3, 5, 8, -4, Long.MAX_VALUE})
    void otherSizesAreRefused(long size) {
        Watcher watcher = writer();
        assertThat(domain.write(watcher, size, 0)).isEqualTo(-Errors.EINVAL);
        bump();
        assertThat(domain.write(watcher, size, 1)).isEqualTo(-Errors.EINVAL);
        assertThat(watcher.outdated()).isTrue();
    }

    @Test
    void anUntrackedWatcherAcksToo() {
        Watcher watcher = reader();
        writer();
        bump();
        assertThat(ack(watcher)).isEqualTo(4);
        assertThat(watcher.outdated()).isFalse();
        assertThat(domain.outdated()).isEqualTo(1);
    }

    @Test
    void pollShowsWhatIsUnackedAndAReadDoesNotClearIt() {
        Watcher watcher = reader();
        assertThat(domain.poll(watcher, false)).isZero();
        bump();
        assertThat(domain.poll(watcher, false)).isEqualTo(READABLE);
        domain.read(watcher, 1, 4, true);
        assertThat(domain.poll(watcher, false)).isEqualTo(READABLE);
        ack(watcher);
        assertThat(domain.poll(watcher, false)).isZero();
    }

    @Test
    void aPollerIsWokenOnceForEachAskingInTheOrderOfAsking() {
        Watcher one = writer();
        Watcher two = writer();
        Watcher three = writer();
        domain.poll(two, true);
        domain.poll(one, true);
        domain.poll(two, true);
        domain.poll(three, false);
        bump();
        happened(RecordedEffects.woken(2), RecordedEffects.woken(1));
        bump();
        happened();
    }

    @Test
    void anAskingOutlivesLaterPollsAndAcks() {
        Watcher watcher = writer();
        domain.poll(watcher, true);
        domain.poll(watcher, false);
        ack(watcher);
        bump();
        happened(RecordedEffects.woken(1));
    }

    @Test
    void whoIsOutdatedAndAsksIsWokenByTheNextBump() {
        Watcher watcher = writer();
        bump();
        assertThat(domain.poll(watcher, true)).isEqualTo(READABLE);
        happened();
        bump();
        happened(RecordedEffects.woken(1));
    }

    @Test
    void requestNumbersAreUniqueAmongTheParked() {
        Watcher watcher = writer();
        domain.read(watcher, 1, 4, false);
        assertThatThrownBy(() -> domain.read(watcher, 1, 4, false)).isInstanceOf(IllegalArgumentException.class);
        assertThat(domain.parked()).isEqualTo(1);
        domain.interrupt(1);
        assertThat(domain.read(watcher, 1, 4, false)).isEqualTo(Domain.PARKED);
    }
}
