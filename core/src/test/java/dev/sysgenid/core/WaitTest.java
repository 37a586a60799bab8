// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sysgenid.abi.Ioctl;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WaitTest extends DomainFixture {
    private static final long MILLI = 1_000_000;

    /** Tracked and outdated. */
    private Watcher late() {
        Watcher late = writer();
        bump();
        return late;
    }

    @ParameterizedTest
    @ValueSource(ints = {Ioctl.V4_WAIT_WATCHERS, Ioctl.WAIT_WATCHERS})
    void returnsAtOnceWhenNobodyIsOutdated(int command) {
        Watcher watcher = writer();
        assertThat(ioctl(watcher, 1, command, 0)).isZero();
        assertThat(domain.parked()).isZero();
    }

    @ParameterizedTest
    @ValueSource(ints = {Ioctl.V4_WAIT_WATCHERS, Ioctl.WAIT_WATCHERS})
    void isInterruptedAtOnceWhenTheCallerIsOutdatedTrackedOrNot(int command) {
        Watcher untracked = reader();
        bump();
        assertThat(domain.outdated()).isZero();
        assertThat(ioctl(untracked, 1, command, 0)).isEqualTo(-Errors.EINTR);
        Watcher tracked = late();
        assertThat(ioctl(tracked, 1, command, 0)).isEqualTo(-Errors.EINTR);
        assertThat(domain.parked()).isZero();
    }

    @Test
    void endsWhenTheLastOneAcks() {
        Watcher one = late();
        Watcher two = late();
        Watcher waiter = writer();
        assertThat(ioctl(waiter, 1, Ioctl.V4_WAIT_WATCHERS, 0)).isEqualTo(Domain.PARKED);
        assertThat(ioctl(waiter, 2, Ioctl.WAIT_WATCHERS, 9)).isEqualTo(Domain.PARKED);
        ack(one);
        ack(one);
        happened();
        ack(two);
        happened(RecordedEffects.waited(1, 0), RecordedEffects.waited(2, 0));
        assertThat(domain.parked()).isZero();
        assertThat(domain.nextDeadline()).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void endsWhenTheLastOneCloses() {
        Watcher one = late();
        ioctl(writer(), 1, Ioctl.WAIT_WATCHERS, 0);
        domain.close(one);
        happened(RecordedEffects.waited(1, 0));
    }

    @Test
    void endsWhenTheLastOneIsTrackedNoMore() {
        Watcher one = late();
        ioctl(reader(), 1, Ioctl.WAIT_WATCHERS, 0);
        ioctl(one, 2, Ioctl.SET_WATCHER_TRACKING, 0);
        happened(RecordedEffects.waited(1, 0));
    }

    @Test
    void doesNotWaitForTheUntracked() {
        reader();
        bump();
        assertThat(ioctl(writer(), 1, Ioctl.WAIT_WATCHERS, 0)).isZero();
    }

    @Test
    void anAckOfAnUntrackedOneEndsNothing() {
        Watcher reader = reader();
        late();
        ioctl(writer(), 1, Ioctl.WAIT_WATCHERS, 0);
        ack(reader);
        domain.close(reader);
        happened();
        assertThat(domain.parked()).isEqualTo(1);
    }

    @Test
    void everyBumpEndsItEvenWhenNobodyIsTracked() {
        Watcher one = late();
        Watcher waiter = reader();
        ioctl(waiter, 1, Ioctl.WAIT_WATCHERS, 0);
        bump();
        happened(RecordedEffects.waited(1, Errors.EINTR));
        ioctl(one, 2, Ioctl.SET_WATCHER_TRACKING, 0);
        happened();
    }

    @Test
    void timesOutAtItsMillisecondEachFamilyWithItsErrno() {
        late();
        Watcher waiter = writer();
        ioctl(waiter, 1, Ioctl.V4_WAIT_WATCHERS, 20);
        ioctl(waiter, 2, Ioctl.WAIT_WATCHERS, 10);
        ioctl(waiter, 3, Ioctl.WAIT_WATCHERS, 0);
        ioctl(waiter, 4, Ioctl.WAIT_WATCHERS, 10);
        assertThat(domain.nextDeadline()).isEqualTo(now + 10 * MILLI);
        domain.expire(now + 10 * MILLI - 1);
        happened();
        domain.expire(now + 10 * MILLI);
        happened(RecordedEffects.waited(2, Errors.ETIME), RecordedEffects.waited(4, Errors.ETIME));
        assertThat(domain.nextDeadline()).isEqualTo(now + 20 * MILLI);
        domain.expire(Long.MAX_VALUE);
        happened(RecordedEffects.waited(1, Errors.EINTR));
        assertThat(domain.nextDeadline()).isEqualTo(Long.MAX_VALUE);
        assertThat(domain.parked()).isEqualTo(1);
        domain.expire(Long.MAX_VALUE);
        happened();
    }

    @Test
    void whatExpiresTogetherEndsEarliestFirst() {
        late();
        Watcher waiter = writer();
        ioctl(waiter, 1, Ioctl.WAIT_WATCHERS, 3);
        ioctl(waiter, 2, Ioctl.WAIT_WATCHERS, 1);
        ioctl(waiter, 3, Ioctl.WAIT_WATCHERS, 2);
        domain.expire(now + 5 * MILLI);
        happened(
                RecordedEffects.waited(2, Errors.ETIME),
                RecordedEffects.waited(3, Errors.ETIME),
                RecordedEffects.waited(1, Errors.ETIME));
    }

    @ParameterizedTest
    @ValueSource(
            longs = {
                1L << 58, // v4: blocked for ever, rightly, but by an overflow
                18_446_744_073_710L, // v4: returned at once
                9_223_372_036_855L, // the first whose nanoseconds are beyond 2^63-1
                9_223_372_036_854L, // the last whose are not; beyond the clock all the same
                Long.MAX_VALUE,
                Long.MIN_VALUE,
                -1
            })
    void aTimeoutBeyondTheClockIsNone(long millis) {
        late();
        for (int command : new int[] {Ioctl.V4_WAIT_WATCHERS, Ioctl.WAIT_WATCHERS}) {
            assertThat(ioctl(writer(), command, command, millis)).isEqualTo(Domain.PARKED);
        }
        assertThat(domain.nextDeadline()).isEqualTo(Long.MAX_VALUE);
        domain.expire(Long.MAX_VALUE);
        happened();
        assertThat(domain.parked()).isEqualTo(2);
    }

    @Test
    void theLongestTimeoutWithinTheClockIsExact() {
        late();
        now = 0;
        ioctl(writer(), 1, Ioctl.WAIT_WATCHERS, 9_223_372_036_854L);
        assertThat(domain.nextDeadline()).isEqualTo(9_223_372_036_854_000_000L);
        domain.expire(9_223_372_036_853_999_999L);
        happened();
        domain.expire(9_223_372_036_854_000_000L);
        happened(RecordedEffects.waited(1, Errors.ETIME));
    }

    @Test
    void aClockBelowZeroWorksToo() {
        late();
        now = -7 * MILLI;
        ioctl(writer(), 1, Ioctl.WAIT_WATCHERS, 5);
        assertThat(domain.nextDeadline()).isEqualTo(-2 * MILLI);
    }

    @Test
    void aSignalInterruptsOnlyWhatItMeans() {
        late();
        Watcher waiter = writer();
        ioctl(waiter, 1, Ioctl.WAIT_WATCHERS, 5);
        ioctl(waiter, 2, Ioctl.WAIT_WATCHERS, 0);
        domain.read(waiter, 3, 4, false);
        assertThat(domain.interrupt(1)).isTrue();
        happened(RecordedEffects.waited(1, Errors.EINTR));
        assertThat(domain.nextDeadline()).isEqualTo(Long.MAX_VALUE);
        assertThat(domain.interrupt(1)).isFalse();
        assertThat(domain.interrupt(3)).isTrue();
        happened(RecordedEffects.failed(3, Errors.EINTR));
        assertThat(domain.interrupt(4)).isFalse();
        assertThat(domain.parked()).isEqualTo(1);
        happened();
    }

    @Test
    void requestNumbersAreUniqueAmongTheParked() {
        late();
        Watcher waiter = writer();
        ioctl(waiter, 1, Ioctl.WAIT_WATCHERS, 5);
        assertThatThrownBy(() -> ioctl(waiter, 1, Ioctl.WAIT_WATCHERS, 0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> domain.read(waiter, 1, 4, false)).isInstanceOf(IllegalArgumentException.class);
        assertThat(domain.parked()).isEqualTo(1);
    }

    @Test
    void aCallBackFromTheEndOfAWaitIsSafe() {
        class Acking implements Effects {
            int ended;

            @Override
            public void bumped(int generation) {}

            @Override
            public void readCompleted(long request, int generation) {}

            @Override
            public void readFailed(long request, int errno) {}

            @Override
            public void waitCompleted(long request, int errnoOrZero) {
                ended++;
                for (Watcher watcher : domain.all()) {
                    domain.write(watcher, 4, domain.generation());
                }
            }

            @Override
            public void wake(Watcher watcher) {}
        }
        Acking acking = new Acking();
        domain = new Domain(Tracking.WRITERS, acking);
        late();
        Watcher waiter = writer();
        for (int request = 1; request <= 3; request++) {
            ioctl(waiter, request, Ioctl.WAIT_WATCHERS, request);
        }
        domain.expire(Long.MAX_VALUE);
        assertThat(acking.ended).isEqualTo(3);
        assertThat(domain.parked()).isZero();
        assertThat(domain.outdated()).isZero();
    }
}
