// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.abi.Ioctl;
import dev.sysgenid.core.Tracking;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who is counted, where writers are tracked from their open on. */
abstract non-sealed class TrackingConformance extends Topic {
    TrackingConformance(Function<Tracking, DeviceUnderTest> devices) {
        super(devices);
    }

    private static void track(OpenFile file, long argument) {
        assertThat(file.ioctl(Ioctl.SET_WATCHER_TRACKING, argument)).isZero();
    }

    @Test
    void whoOpensForWritingIsTracked() {
        open(RDWR);
        open(WRONLY);
        assertThat(outdatedWatchers()).isZero();
        bump();
        assertThat(outdatedWatchers()).isEqualTo(2);
        bump();
        assertThat(outdatedWatchers()).as("bumps in a row count once").isEqualTo(2);
    }

    @Test
    void whoOpensForReadingIsNot() {
        OpenFile reader = open(RDONLY);
        bump();
        assertOutdated(reader);
        assertThat(outdatedWatchers()).isZero();
    }

    @Test
    void descriptorsOfOneDescriptionCountOnce() {
        OpenFile file = open();
        OpenFile same = file.dup();
        bump();
        assertThat(outdatedWatchers()).isEqualTo(1);
        file.close();
        assertThat(outdatedWatchers()).isEqualTo(1);
        same.close();
        assertThat(outdatedWatchers()).isZero();
    }

    @Test
    void theCountIsGivenToEveryoneWhateverTheArgument() {
        OpenFile late = openLate();
        for (int mode : ACCESS_MODES) {
            try (OpenFile asking = open(mode)) {
                assertThat(asking.ioctl(Ioctl.V4_GET_OUTDATED_WATCHERS, 0)).isEqualTo(1);
                assertThat(asking.ioctl(Ioctl.V4_GET_OUTDATED_WATCHERS, -1)).isEqualTo(1);
            }
        }
        assertThat(late.ioctl(Ioctl.V4_GET_OUTDATED_WATCHERS, 0)).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {RDONLY, WRONLY, RDWR})
    void canBeTurnedOnAndOffByAnyone(int mode) {
        OpenFile file = open(mode);
        track(file, 1);
        track(file, 1);
        bump();
        assertThat(outdatedWatchers()).isEqualTo(1);
        track(file, 0);
        track(file, 0);
        assertThat(outdatedWatchers()).isZero();
        track(file, 1);
        assertThat(outdatedWatchers()).as("turned on while outdated").isEqualTo(1);
        track(file, 0);
        bump();
        assertThat(outdatedWatchers()).isZero();
    }

    @ParameterizedTest
    @ValueSource(longs = {2, 1L << 31, 1L << 32, -1})
    void anythingButZeroTurnsItOn(long argument) {
        OpenFile file = open(RDONLY);
        track(file, argument);
        bump();
        assertThat(outdatedWatchers()).isEqualTo(1);
    }

    @Test
    void theUntrackedStillReadPollAndAck() {
        OpenFile file = open(RDWR | NONBLOCK);
        track(file, 0);
        int generation = bump();
        assertThat(file.read(4)).isEqualTo(Outcome.delivered(generation));
        assertOutdated(file);
        ack(file);
        assertUpToDate(file);
        assertThat(file.read(4)).isEqualTo(WOULD_BLOCK);
        assertThat(outdatedWatchers()).isZero();
    }

    @Test
    void anAckBeforeTrackingIsTurnedOnCounts() {
        OpenFile file = open();
        track(file, 0);
        bump();
        ack(file);
        track(file, 1);
        assertThat(outdatedWatchers()).isZero();
    }

    @Test
    void turningItOnDuringAWaitMakesTheWaitLonger() {
        OpenFile reader = open(RDONLY);
        OpenFile late = openLate();
        Pending wait = open().startIoctl(Ioctl.WAIT_WATCHERS, 0);
        assertThat(wait.isParked()).isTrue();
        track(reader, 1);
        ack(late);
        assertThat(wait.isParked()).isTrue();
        reader.close();
        assertThat(wait.await()).isEqualTo(Outcome.of(0));
    }
}
