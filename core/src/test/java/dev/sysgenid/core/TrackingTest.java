// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.abi.Ioctl;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TrackingTest extends DomainFixture {
    private void counts(int watchers, int tracked, int outdated) {
        assertThat(domain.watchers()).isEqualTo(watchers);
        assertThat(domain.tracked()).isEqualTo(tracked);
        assertThat(domain.outdated()).isEqualTo(outdated);
        if (watchers > 0) {
            assertThat(ioctl(domain.all().iterator().next(), 99, Ioctl.V4_GET_OUTDATED_WATCHERS, 7))
                    .isEqualTo(outdated);
        }
    }

    private void track(Watcher watcher, long argument) {
        assertThat(ioctl(watcher, 98, Ioctl.SET_WATCHER_TRACKING, argument)).isZero();
    }

    @Test
    void writersAreTrackedFromTheirOpenOn() {
        assertThat(writer().tracked()).isTrue();
        assertThat(reader().tracked()).isFalse();
        counts(2, 1, 0);
        bump();
        counts(2, 1, 1);
    }

    @Test
    void nobodyIsTrackedUnlessTheyAskWhereThatIsTheRule() {
        domain = new Domain(Tracking.OPT_IN, effects);
        Watcher writer = writer();
        Watcher reader = reader();
        assertThat(writer.tracked()).isFalse();
        assertThat(writer.writable()).isTrue();
        assertThat(reader.writable()).isFalse();
        bump();
        counts(2, 0, 0);
        track(reader, 1);
        counts(2, 1, 1);
        track(writer, 1);
        counts(2, 2, 2);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, -1, Long.MIN_VALUE, 1L << 32})
    void anythingButZeroTurnsItOn(long argument) {
        Watcher reader = reader();
        track(reader, argument);
        assertThat(reader.tracked()).isTrue();
        track(reader, 0);
        assertThat(reader.tracked()).isFalse();
    }

    @Test
    void isIdempotent() {
        Watcher writer = writer();
        track(writer, 1);
        track(writer, 1);
        counts(1, 1, 0);
        bump();
        track(writer, 1);
        counts(1, 1, 1);
        track(writer, 0);
        track(writer, 0);
        counts(1, 0, 0);
    }

    @Test
    void countsAtOnceWhenTurnedOnWhileOutdated() {
        Watcher reader = reader();
        bump();
        counts(1, 0, 0);
        track(reader, 1);
        counts(1, 1, 1);
        ack(reader);
        counts(1, 1, 0);
    }

    @Test
    void anUntrackedOneStaysOutdatedAndReadable() {
        Watcher writer = writer();
        bump();
        track(writer, 0);
        assertThat(writer.outdated()).isTrue();
        assertThat(domain.read(writer, 1, 4, true)).isEqualTo(4);
        assertThat(domain.poll(writer, false)).isNotZero();
    }

    @Test
    void bumpsInARowCountAWatcherOnce() {
        writer();
        writer();
        bump();
        bump();
        bump();
        counts(2, 2, 2);
    }

    @Test
    void turningItOnDuringAWaitMakesTheWaitLonger() {
        Watcher one = writer();
        Watcher two = reader();
        bump();
        ioctl(writer(), 1, Ioctl.WAIT_WATCHERS, 0);
        track(two, 1);
        ack(one);
        happened();
        ack(two);
        happened(RecordedEffects.waited(1, 0));
    }

    @Test
    void turningOffOneOfTwoEndsNothing() {
        Watcher one = writer();
        Watcher two = writer();
        bump();
        ioctl(writer(), 1, Ioctl.WAIT_WATCHERS, 0);
        track(one, 0);
        happened();
        track(two, 0);
        happened(RecordedEffects.waited(1, 0));
    }
}
