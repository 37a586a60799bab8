// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sysgenid.abi.Ioctl;
import dev.sysgenid.core.Tracking;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Mman;
import dev.sysgenid.linux.Poll;
import dev.sysgenid.linux.Unistd;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;
import java.util.function.Function;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** The tests of one topic, on a device of their own each; and the words that they are written in. */
abstract sealed class Topic
        permits OpenConformance,
                ReadConformance,
                AckConformance,
                PollConformance,
                MapConformance,
                BumpConformance,
                WaitConformance,
                TrackingConformance,
                OptInConformance,
                CloseConformance,
                DeviationConformance {
    static final int RDONLY = Unistd.O_RDONLY;
    static final int WRONLY = Unistd.O_WRONLY;
    static final int RDWR = Unistd.O_RDWR;
    static final int NONBLOCK = Unistd.O_NONBLOCK;
    static final int[] ACCESS_MODES = {RDONLY, WRONLY, RDWR};

    static final int READABLE = Poll.POLLIN | Poll.POLLRDNORM;
    static final int PAGE = 4096;

    static final Outcome WOULD_BLOCK = Outcome.error(Errno.EAGAIN);
    static final Outcome INVALID = Outcome.error(Errno.EINVAL);
    static final Outcome INTERRUPTED = Outcome.error(Errno.EINTR);

    private final Function<Tracking, DeviceUnderTest> devices;
    private @Nullable DeviceUnderTest device;

    /** @param devices makes a device for one test, which nobody else uses meanwhile */
    Topic(Function<Tracking, DeviceUnderTest> devices) {
        this.devices = devices;
    }

    @BeforeEach
    final void start() {
        device = devices.apply(tracking());
        assertThat(outdatedWatchers()).as("watchers left by an earlier test").isZero();
    }

    @AfterEach
    final void stop() {
        if (device != null) {
            device.close();
        }
    }

    /** The rule of the domain that this topic is about. */
    Tracking tracking() {
        return Tracking.WRITERS;
    }

    final DeviceUnderTest device() {
        return Objects.requireNonNull(device);
    }

    final OpenFile open(int flags) {
        return device().open(flags);
    }

    /** A description opened O_RDWR: tracked, where writers are. */
    final OpenFile open() {
        return open(RDWR);
    }

    final int generation() {
        return device().generation();
    }

    /** Bumps, and gives the new generation. */
    final int bump() {
        return bump(0);
    }

    final int bump(int minimum) {
        device().bump(minimum);
        return generation();
    }

    /** A tracked watcher that is outdated, for WAITs to wait for. */
    final OpenFile openLate() {
        OpenFile late = open();
        bump();
        return late;
    }

    final void ack(OpenFile file) {
        assertThat(write(file, generation())).isEqualTo(4);
    }

    final long write(OpenFile file, int value) {
        return file.write(bytes(value));
    }

    final void assertUpToDate(OpenFile file) {
        assertThat(file.poll(READABLE)).as("poll of one that is up to date").isZero();
    }

    final void assertOutdated(OpenFile file) {
        assertThat(file.poll(READABLE)).as("poll of one that is outdated").isEqualTo(READABLE);
    }

    final long outdatedWatchers() {
        try (OpenFile asking = open(RDONLY)) {
            return asking.ioctl(Ioctl.V4_GET_OUTDATED_WATCHERS, 0);
        }
    }

    final Mapping map(OpenFile file) {
        return file.map(PAGE, Mman.PROT_READ, Mman.MAP_SHARED, 0);
    }

    /** The error number with which a call is refused. */
    static int errno(ThrowingCallable call) {
        return catchThrowableOfType(Refused.class, call).errno();
    }

    /** A u32 in host byte order. */
    static byte[] bytes(int value) {
        return ByteBuffer.allocate(4)
                .order(ByteOrder.nativeOrder())
                .putInt(value)
                .array();
    }
}
