// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.abi.Ioctl;
import dev.sysgenid.core.Tracking;
import dev.sysgenid.linux.Errno;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The ioctls that wait, of either family. */
abstract non-sealed class WaitConformance extends Topic {
    private static final int V4 = Ioctl.V4_WAIT_WATCHERS;
    private static final int V6 = Ioctl.WAIT_WATCHERS;
    private static final Outcome ALL_ACKED = Outcome.of(0);

    WaitConformance(Function<Tracking, DeviceUnderTest> devices) {
        super(devices);
    }

    @ParameterizedTest
    @ValueSource(ints = {V4, V6})
    void returnsAtOnceWhenNobodyIsOutdated(int command) {
        open();
        for (int mode : ACCESS_MODES) {
            OpenFile waiter = open(mode);
            assertThat(waiter.ioctl(command, 0)).isZero();
            assertThat(waiter.ioctl(command, 1)).isZero();
            waiter.close();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {V4, V6})
    void endsWhenTheLastOneAcks(int command) {
        OpenFile one = openLate();
        OpenFile two = openLate();
        for (int mode : ACCESS_MODES) {
            OpenFile waiter = open(mode);
            Pending wait = waiter.startIoctl(command, 0);
            assertThat(wait.isParked()).isTrue();
            ack(one);
            assertThat(wait.isParked()).isTrue();
            ack(two);
            assertThat(wait.await()).isEqualTo(ALL_ACKED);
            waiter.close();
            bump();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {V4, V6})
    void endsWhenTheLastOneCloses(int command) {
        OpenFile one = openLate();
        OpenFile same = one.dup();
        Pending wait = open().startIoctl(command, 0);
        assertThat(wait.isParked()).isTrue();
        one.close();
        assertThat(wait.isParked()).as("while a descriptor is left").isTrue();
        same.close();
        assertThat(wait.await()).isEqualTo(ALL_ACKED);
    }

    @ParameterizedTest
    @ValueSource(ints = {V4, V6})
    void endsWhenTheLastOneIsTrackedNoMore(int command) {
        OpenFile one = openLate();
        Pending wait = open().startIoctl(command, 0);
        assertThat(wait.isParked()).isTrue();
        assertThat(one.ioctl(Ioctl.SET_WATCHER_TRACKING, 0)).isZero();
        assertThat(wait.await()).isEqualTo(ALL_ACKED);
    }

    @ParameterizedTest
    @ValueSource(ints = {V4, V6})
    void isInterruptedAtOnceWhenTheCallerIsOutdatedItself(int command) {
        for (int mode : ACCESS_MODES) {
            OpenFile file = open(mode);
            bump();
            assertThat(file.ioctl(command, 0)).isEqualTo(-Errno.EINTR);
            assertThat(file.ioctl(command, 5)).isEqualTo(-Errno.EINTR);
            file.close();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {V4, V6})
    void isInterruptedByABump(int command) {
        openLate();
        for (int mode : ACCESS_MODES) {
            Pending wait = open(mode).startIoctl(command, 0);
            assertThat(wait.isParked()).isTrue();
            bump();
            assertThat(wait.await()).isEqualTo(INTERRUPTED);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {V4, V6})
    void isInterruptedByASignal(int command) {
        openLate();
        OpenFile waiter = open();
        for (Pending.Signal signal : Pending.Signal.values()) {
            Pending wait = waiter.startIoctl(command, 0);
            assertThat(wait.isParked()).isTrue();
            wait.interrupt(signal);
            assertThat(wait.await()).isEqualTo(INTERRUPTED);
        }
        assertUpToDate(waiter);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 20, 100})
    void timesOutNotBeforeItsTimeEachFamilyWithItsErrno(long millis) {
        openLate();
        OpenFile waiter = open();
        long start = device().nanoTime();
        assertThat(waiter.startIoctl(V4, millis).await()).isEqualTo(INTERRUPTED);
        long between = device().nanoTime();
        assertThat(waiter.startIoctl(V6, millis).await()).isEqualTo(Outcome.error(Errno.ETIME));
        long end = device().nanoTime();
        assertThat(between - start).isGreaterThanOrEqualTo(millis * 1_000_000);
        assertThat(end - between).isGreaterThanOrEqualTo(millis * 1_000_000);
        assertThat(outdatedWatchers()).isEqualTo(1);
    }

    @Test
    void theShorterOfTwoEndsFirst() {
        OpenFile late = openLate();
        Pending endless = open().startIoctl(V6, 0);
        Pending timed = open().startIoctl(V6, 30);
        assertThat(timed.await()).isEqualTo(Outcome.error(Errno.ETIME));
        assertThat(endless.isParked()).isTrue();
        ack(late);
        assertThat(endless.await()).isEqualTo(ALL_ACKED);
    }

    @ParameterizedTest
    @ValueSource(longs = {1L << 31, 1L << 32, 1L << 58, 18_446_744_073_710L, 9_223_372_036_855L, Long.MAX_VALUE, -1})
    void aLongTimeoutIsLong(long millis) {
        OpenFile late = openLate();
        Pending v4 = open().startIoctl(V4, millis);
        Pending v6 = open().startIoctl(V6, millis);
        assertThat(v4.isParked()).isTrue();
        assertThat(v6.isParked()).isTrue();
        ack(late);
        assertThat(v4.await()).isEqualTo(ALL_ACKED);
        assertThat(v6.await()).isEqualTo(ALL_ACKED);
    }

    @Test
    void doesNotWaitForTheUntracked() {
        OpenFile reader = open(RDONLY);
        bump();
        assertOutdated(reader);
        assertThat(open().ioctl(V4, 0)).isZero();
        assertThat(open().ioctl(V6, 0)).isZero();
    }

    @Test
    void manyEndTogether() {
        OpenFile late = openLate();
        OpenFile shared = open();
        Pending[] waits = new Pending[20];
        for (int i = 0; i < waits.length; i++) {
            OpenFile waiter = i % 4 == 0 ? shared : open(i % 2 == 0 ? RDWR : RDONLY);
            waits[i] = waiter.startIoctl(i % 3 == 0 ? V4 : V6, i % 5 == 0 ? 1 << 30 : 0);
        }
        for (Pending wait : waits) {
            assertThat(wait.isParked()).isTrue();
        }
        ack(late);
        for (Pending wait : waits) {
            assertThat(wait.await()).isEqualTo(ALL_ACKED);
        }
    }

    @Test
    void aCloseByAnotherThreadDoesNotWakeTheWaiter() {
        OpenFile late = openLate();
        OpenFile waiter = open();
        Pending wait = waiter.startIoctl(V6, 0);
        assertThat(wait.isParked()).isTrue();
        waiter.close();
        assertThat(wait.isParked()).isTrue();
        ack(late);
        assertThat(wait.await()).isEqualTo(ALL_ACKED);
    }

    @Test
    void othersGoOnMeanwhile() {
        OpenFile late = openLate();
        OpenFile waiter = open();
        Pending wait = waiter.startIoctl(V4, 0);
        assertThat(wait.isParked()).isTrue();
        Pending read = waiter.startRead(4);
        assertThat(read.isParked()).isTrue();
        assertThat(outdatedWatchers()).isEqualTo(1);
        int generation = bump();
        assertThat(read.await()).isEqualTo(Outcome.delivered(generation));
        assertThat(wait.await()).isEqualTo(INTERRUPTED);
        ack(late);
        ack(waiter);
        assertThat(waiter.ioctl(V4, 0)).isZero();
    }
}
