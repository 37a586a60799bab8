// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.abi.Ioctl;
import dev.sysgenid.core.Tracking;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** Who is counted, where nobody is tracked until they ask. */
abstract non-sealed class OptInConformance extends Topic {
    OptInConformance(Function<Tracking, DeviceUnderTest> devices) {
        super(devices);
    }

    @Override
    Tracking tracking() {
        return Tracking.OPT_IN;
    }

    @Test
    void nobodyIsTrackedFromTheirOpenOn() {
        for (int mode : ACCESS_MODES) {
            open(mode);
        }
        bump();
        assertThat(outdatedWatchers()).isZero();
        assertThat(open().ioctl(Ioctl.V4_WAIT_WATCHERS, 0)).isZero();
        assertThat(open().ioctl(Ioctl.WAIT_WATCHERS, 0)).isZero();
    }

    @Test
    void whoAsksIsTracked() {
        OpenFile file = open();
        bump();
        assertThat(file.ioctl(Ioctl.SET_WATCHER_TRACKING, 1)).isZero();
        assertThat(outdatedWatchers()).isEqualTo(1);
        Pending wait = open(RDONLY).startIoctl(Ioctl.WAIT_WATCHERS, 0);
        assertThat(wait.isParked()).isTrue();
        ack(file);
        assertThat(wait.await()).isEqualTo(Outcome.of(0));
        assertThat(file.ioctl(Ioctl.SET_WATCHER_TRACKING, 0)).isZero();
        bump();
        assertThat(outdatedWatchers()).isZero();
    }

    @Test
    void theUntrackedStillReadPollAndAck() {
        OpenFile file = open(RDWR | NONBLOCK);
        int generation = bump();
        assertThat(file.read(4)).isEqualTo(Outcome.delivered(generation));
        assertOutdated(file);
        ack(file);
        assertThat(file.read(4)).isEqualTo(WOULD_BLOCK);
    }
}
