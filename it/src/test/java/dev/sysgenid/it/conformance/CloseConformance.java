// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.abi.Ioctl;
import dev.sysgenid.core.Tracking;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** close(2) and dup(2). */
abstract non-sealed class CloseConformance extends Topic {
    CloseConformance(Function<Tracking, DeviceUnderTest> devices) {
        super(devices);
    }

    @Test
    void theWatcherIsGoneWithItsLastDescriptor() {
        OpenFile file = openLate();
        OpenFile same = file.dup();
        assertThat(outdatedWatchers()).isEqualTo(1);
        file.close();
        assertThat(outdatedWatchers()).isEqualTo(1);
        assertOutdated(same);
        same.close();
        assertThat(outdatedWatchers()).isZero();
    }

    @Test
    void descriptorsOfOneDescriptionShareEverything() {
        OpenFile file = open();
        OpenFile same = file.dup();
        same.setNonblocking(true);
        assertThat(file.read(4)).isEqualTo(WOULD_BLOCK);
        int generation = bump();
        assertThat(file.read(4)).isEqualTo(Outcome.delivered(generation));
        assertThat(same.read(4)).isEqualTo(Outcome.delivered(generation));
        ack(same);
        assertThat(file.read(4)).isEqualTo(WOULD_BLOCK);
        assertThat(file.ioctl(Ioctl.SET_WATCHER_TRACKING, 0)).isZero();
        bump();
        assertThat(outdatedWatchers()).isZero();
    }

    @Test
    void aCloseOfOneThatIsUpToDateTellsNobody() {
        OpenFile late = openLate();
        OpenFile upToDate = open();
        Pending wait = open().startIoctl(Ioctl.WAIT_WATCHERS, 0);
        assertThat(wait.isParked()).isTrue();
        upToDate.close();
        assertThat(wait.isParked()).isTrue();
        late.close();
        assertThat(wait.await()).isEqualTo(Outcome.of(0));
    }
}
