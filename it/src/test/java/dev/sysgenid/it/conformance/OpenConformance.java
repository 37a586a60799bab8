// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.core.Tracking;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Unistd;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** open(2). */
abstract non-sealed class OpenConformance extends Topic {
    OpenConformance(Function<Tracking, DeviceUnderTest> devices) {
        super(devices);
    }

    @ParameterizedTest
    @ValueSource(ints = {RDONLY, WRONLY, RDWR})
    void anyAccessModeOpens(int mode) {
        try (OpenFile file = open(mode)) {
            assertUpToDate(file);
            bump();
            assertOutdated(file);
        }
    }

    @ParameterizedTest
    @ValueSource(
            ints = {
                Unistd.O_TRUNC,
                Unistd.O_CREAT,
                Unistd.O_APPEND,
                Unistd.O_SYNC,
                Unistd.O_TRUNC | Unistd.O_CREAT | Unistd.O_APPEND | Unistd.O_SYNC
            })
    void flagsOfFilesMeanNothing(int flags) {
        OpenFile watcher = open();
        int generation = bump();
        for (int mode : ACCESS_MODES) {
            try (OpenFile file = open(mode | flags | NONBLOCK)) {
                assertThat(generation()).isEqualTo(generation);
                assertUpToDate(file);
                if (mode == RDWR) {
                    assertThat(file.read(4)).isEqualTo(WOULD_BLOCK);
                    int next = bump();
                    assertThat(file.read(8)).isEqualTo(Outcome.delivered(next));
                    assertThat(file.read(8)).isEqualTo(Outcome.delivered(next));
                    ack(file);
                    ack(file);
                    assertThat(file.read(8)).isEqualTo(WOULD_BLOCK);
                }
            }
        }
        assertThat(watcher.read(4)).as("another one's read").isEqualTo(Outcome.delivered(generation()));
    }

    @ParameterizedTest
    @ValueSource(ints = {RDONLY, WRONLY, RDWR})
    void whoWantsToMakeItFindsItThere(int mode) {
        assertThat(errno(() -> open(mode | Unistd.O_CREAT | Unistd.O_EXCL))).isEqualTo(Errno.EEXIST);
    }

    @Test
    void itIsNoDirectory() {
        assertThat(errno(() -> open(RDONLY | Unistd.O_DIRECTORY))).isEqualTo(Errno.ENOTDIR);
    }

    @Test
    void anOpenCopiesTheCurrentGeneration() {
        OpenFile early = open(RDWR | NONBLOCK);
        int generation = bump();
        OpenFile late = open(RDWR | NONBLOCK);
        assertThat(early.read(4)).isEqualTo(Outcome.delivered(generation));
        assertThat(late.read(4)).isEqualTo(WOULD_BLOCK);
        assertThat(outdatedWatchers()).isEqualTo(1);
    }

    @Test
    void everyOpenIsAWatcherOfItsOwn() {
        OpenFile one = open();
        OpenFile two = open();
        bump();
        ack(one);
        assertUpToDate(one);
        assertOutdated(two);
    }

    @Test
    void whatWasNotOpenedForReadingIsNotRead() {
        OpenFile file = open(WRONLY);
        bump();
        assertThat(file.read(4)).isEqualTo(Outcome.error(Errno.EBADF));
        assertThat(file.pread(4, 0)).isEqualTo(Outcome.error(Errno.EBADF));
        ack(file);
        assertUpToDate(file);
    }

    @Test
    void whatWasNotOpenedForWritingIsNotWritten() {
        OpenFile file = open(RDONLY);
        int generation = bump();
        assertThat(write(file, generation)).isEqualTo(-Errno.EBADF);
        assertThat(file.pwrite(bytes(generation), 0)).isEqualTo(-Errno.EBADF);
        assertThat(file.read(4)).isEqualTo(Outcome.delivered(generation));
    }
}
