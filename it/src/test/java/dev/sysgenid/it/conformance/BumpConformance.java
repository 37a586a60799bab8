// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.abi.Ioctl;
import dev.sysgenid.core.Tracking;
import dev.sysgenid.linux.Errno;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The ioctls that bump, and those that are none. */
abstract non-sealed class BumpConformance extends Topic {
    private static final int MAX = 0xffff_ffff;

    BumpConformance(Function<Tracking, DeviceUnderTest> devices) {
        super(devices);
    }

    @ParameterizedTest
    @ValueSource(ints = {Ioctl.V4_FORCE_GEN_UPDATE, Ioctl.TRIGGER_GEN_UPDATE})
    void countsUpByOneAndOutdatesTheCallerToo(int command) {
        for (int mode : ACCESS_MODES) {
            OpenFile file = open(mode);
            OpenFile other = open();
            int before = generation();
            assertThat(file.ioctl(command, 0)).isZero();
            assertThat(generation()).isEqualTo(before == MAX ? 1 : before + 1);
            assertOutdated(file);
            assertOutdated(other);
            file.close();
            other.close();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "100,        0,          101",
        "100,        99,         101",
        "100,        100,        101",
        "100,        101,        101",
        "100,        102,        102",
        "2147483647, 0,          2147483648",
        "2147483647, 5,          2147483648",
        "2147483648, 2147483647, 2147483649",
        "100,        2147483648, 2147483648",
        "100,        4294967295, 4294967295",
        "4294967294, 0,          4294967295",
        "4294967295, 0,          1",
        "4294967295, 100,        100",
        "4294967295, 4294967295, 1",
    })
    void isTheGreaterOfTheWishAndTheSuccessorUnsigned(long from, long minimum, long expected) {
        OpenFile file = open(RDWR | NONBLOCK);
        Mapping mapping = map(file);
        for (int command : new int[] {Ioctl.V4_FORCE_GEN_UPDATE, Ioctl.TRIGGER_GEN_UPDATE}) {
            reach((int) from);
            ack(file);
            assertThat(file.ioctl(command, minimum)).isZero();
            assertThat(Integer.toUnsignedLong(generation())).isEqualTo(expected);
            assertThat(file.read(4)).isEqualTo(Outcome.delivered((int) expected));
            assertThat(Integer.toUnsignedLong(mapping.generation())).isEqualTo(expected);
            assertThat(outdatedWatchers()).isEqualTo(1);
            assertThat(write(file, (int) expected)).isEqualTo(4);
            assertThat(file.read(4)).isEqualTo(WOULD_BLOCK);
        }
    }

    @Test
    void noWrapHidesABump() {
        reach(9);
        OpenFile file = open(RDWR | NONBLOCK);
        bump(MAX);
        bump(9);
        assertThat(generation()).isEqualTo(9);
        assertOutdated(file);
        assertThat(outdatedWatchers()).isEqualTo(1);
        assertThat(file.read(4)).isEqualTo(Outcome.delivered(9));
        assertThat(write(file, 9)).isEqualTo(4);
        assertUpToDate(file);
    }

    @ParameterizedTest
    @ValueSource(longs = {1L << 32, (1L << 32) + 5, 1L << 58, Long.MAX_VALUE, Long.MIN_VALUE, -1})
    void aWishBeyondTheRangeIsRefused(long minimum) {
        OpenFile file = open();
        int before = generation();
        assertThat(file.ioctl(Ioctl.V4_FORCE_GEN_UPDATE, minimum)).isEqualTo(-Errno.EINVAL);
        assertThat(file.ioctl(Ioctl.TRIGGER_GEN_UPDATE, minimum)).isEqualTo(-Errno.EINVAL);
        assertThat(generation()).isEqualTo(before);
        assertUpToDate(file);
    }

    @Test
    void needsTheCapabilityWhateverTheArgument() {
        OpenFile file = open();
        int before = generation();
        for (long minimum : new long[] {0, 1L << 32}) {
            assertThat(file.ioctlUnprivileged(Ioctl.V4_FORCE_GEN_UPDATE, minimum))
                    .isEqualTo(-Errno.EACCES);
            assertThat(file.ioctlUnprivileged(Ioctl.TRIGGER_GEN_UPDATE, minimum))
                    .isEqualTo(-Errno.EACCES);
        }
        assertThat(generation()).isEqualTo(before);
        assertUpToDate(file);
    }

    @Test
    void nothingElseNeedsTheCapability() {
        OpenFile file = open(RDONLY);
        assertThat(file.ioctlUnprivileged(Ioctl.SET_WATCHER_TRACKING, 1)).isZero();
        assertThat(file.ioctlUnprivileged(Ioctl.V4_WAIT_WATCHERS, 0)).isZero();
        assertThat(file.ioctlUnprivileged(Ioctl.WAIT_WATCHERS, 0)).isZero();
        bump();
        assertThat(file.ioctlUnprivileged(Ioctl.V4_GET_OUTDATED_WATCHERS, 0)).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {0x2d00, 0x2d04, 0x2dff, 0xE400, 0xE404, 0xE4ff, 0x2e01, 0xE501, 0x5401, 0x12d01, 0xffff})
    void anUnknownCommandIsInvalid(int command) {
        for (int mode : ACCESS_MODES) {
            OpenFile file = open(mode);
            assertThat(file.ioctl(command, 0)).isEqualTo(-Errno.EINVAL);
            file.close();
        }
    }

    /** Brings the generation to a number, wherever it was. */
    private void reach(int generation) {
        bump(MAX);
        if (generation != MAX) {
            bump(generation);
        } else if (generation() != MAX) {
            bump(MAX);
        }
        assertThat(generation()).isEqualTo(generation);
    }
}
