// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.abi.Page;
import dev.sysgenid.core.Tracking;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Mman;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.function.Function;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What a device does where devices differ: as the driver, or, when the device says that it {@linkplain #deviates
 * deviates}, as documented for that deviation. One test for each {@link Deviation}; a device that stops to deviate fails
 * here, too, and must say so.
 */
abstract non-sealed class DeviationConformance extends Topic {
    private static final int READ_WRITE = Mman.PROT_READ | Mman.PROT_WRITE;

    DeviationConformance(Function<Tracking, DeviceUnderTest> devices) {
        super(devices);
    }

    private boolean deviates(Deviation deviation) {
        return device().deviations().contains(deviation);
    }

    @ParameterizedTest
    @EnumSource
    void isAsDocumented(Deviation deviation) {
        boolean deviates = deviates(deviation);
        switch (deviation) {
            case EMPTY_WRITE -> emptyWrite(deviates);
            case RESTARTED_READ -> restartedRead(deviates);
            case LONG_MAP -> longMap(deviates);
            case MAP_OFFSET -> mapOffset(deviates);
            case WRITABLE_SHARED_MAP -> writableSharedMap(deviates);
            case WRITABLE_PRIVATE_MAP -> writablePrivateMap(deviates);
            case MPROTECT -> mprotect(deviates);
            case READ_VECTORS -> readVectors(deviates);
            case WRITE_VECTORS -> writeVectors(deviates);
            case POSITION_LOCK -> positionLock(deviates);
            case IOCTL_WITH_MEMORY -> ioctlWithMemory(deviates);
            case IOCTL_OF_REGULAR_FILES -> ioctlOfRegularFiles(deviates);
            case MAPPING_IS_WATCHER -> mappingIsWatcher(deviates);
            case PAGE_EXTENSION -> pageExtension(deviates);
        }
    }

    private void emptyWrite(boolean deviates) {
        OpenFile file = open();
        bump();
        long expected = deviates ? 0 : -Errno.EINVAL;
        assertThat(file.write(new byte[0])).isEqualTo(expected);
        assertThat(file.pwrite(new byte[0], 0)).isEqualTo(expected);
        assertOutdated(file);
    }

    private void restartedRead(boolean deviates) {
        OpenFile file = open();
        Pending read = file.startPread(4, 0);
        assertThat(read.isParked()).isTrue();
        read.interrupt(Pending.Signal.RESTARTING);
        if (deviates) {
            assertThat(read.await()).isEqualTo(INTERRUPTED);
        } else {
            assertThat(read.isParked()).isTrue();
            int generation = bump();
            assertThat(read.await()).isEqualTo(Outcome.delivered(generation));
        }
    }

    private void longMap(boolean deviates) {
        OpenFile file = open(RDONLY);
        for (int flags : new int[] {Mman.MAP_SHARED, Mman.MAP_PRIVATE}) {
            for (long length : new long[] {PAGE + 1, 2 * PAGE, 1 << 20}) {
                if (deviates) {
                    Mapping mapping = file.map(length, Mman.PROT_READ, flags, 0);
                    int generation = bump();
                    assertThat(mapping.generation()).isEqualTo(generation);
                    assertThat(mapping.fault(PAGE - 1)).isZero();
                    assertThat(mapping.fault(PAGE)).isEqualTo(Errno.EFAULT);
                    mapping.close();
                } else {
                    assertThat(errno(() -> file.map(length, Mman.PROT_READ, flags, 0)))
                            .isEqualTo(Errno.EINVAL);
                }
            }
        }
    }

    private void mapOffset(boolean deviates) {
        OpenFile file = open(RDONLY);
        for (long offset : new long[] {PAGE, 2 * PAGE, 1L << 32}) {
            if (deviates) {
                Mapping mapping = file.map(PAGE, Mman.PROT_READ, Mman.MAP_SHARED, offset);
                assertThat(mapping.fault(0)).isEqualTo(Errno.EFAULT);
                mapping.close();
            } else {
                assertThat(errno(() -> file.map(PAGE, Mman.PROT_READ, Mman.MAP_SHARED, offset)))
                        .isEqualTo(Errno.EINVAL);
            }
        }
    }

    private void writableSharedMap(boolean deviates) {
        OpenFile file = open();
        if (!deviates) {
            assertThat(errno(() -> file.map(PAGE, READ_WRITE, Mman.MAP_SHARED, 0)))
                    .isEqualTo(Errno.EPERM);
            return;
        }
        OpenFile other = open();
        OpenFile reader = open(RDONLY);
        Mapping before = map(other);
        int generation = bump();
        Mapping mine = file.map(PAGE, READ_WRITE, Mman.MAP_SHARED, 0);
        assertThat(mine.generation()).isEqualTo(generation);
        mine.scribble(~generation);
        assertThat(mine.generation()).isEqualTo(~generation);
        assertThat(before.generation()).as("another one's mapping").isEqualTo(generation);
        assertThat(map(reader).generation()).as("a reader's mapping").isEqualTo(generation);
        assertThat(map(open()).generation()).as("a later one's mapping").isEqualTo(generation);
        assertThat(generation()).isEqualTo(generation);
        assertThat(file.read(4)).as("even its own read").isEqualTo(Outcome.delivered(generation));
        assertThat(write(file, ~generation)).isEqualTo(-Errno.EINVAL);
        int next = bump();
        assertThat(mine.generation()).as("the next bump").isEqualTo(next);
        assertThat(before.generation()).isEqualTo(next);
    }

    private void writablePrivateMap(boolean deviates) {
        for (int mode : new int[] {RDONLY, RDWR}) {
            OpenFile file = open(mode);
            if (deviates) {
                Mapping shared = map(file);
                Mapping mine = file.map(PAGE, READ_WRITE, Mman.MAP_PRIVATE, 0);
                int generation = bump();
                assertThat(mine.generation()).as("not yet written").isEqualTo(generation);
                mine.scribble(~generation);
                assertThat(mine.generation()).isEqualTo(~generation);
                assertThat(shared.generation()).isEqualTo(generation);
                int next = bump();
                assertThat(mine.generation()).as("a copy of its own by now").isEqualTo(~generation);
                assertThat(shared.generation()).isEqualTo(next);
            } else {
                assertThat(errno(() -> file.map(PAGE, READ_WRITE, Mman.MAP_PRIVATE, 0)))
                        .isEqualTo(Errno.EPERM);
            }
        }
    }

    private void mprotect(boolean deviates) {
        Mapping mapping = map(open());
        Mapping other = map(open());
        int generation = bump();
        assertThat(mapping.protect(READ_WRITE)).isEqualTo(deviates ? 0 : -Errno.EACCES);
        if (deviates) {
            mapping.scribble(~generation);
        }
        assertThat(other.generation()).isEqualTo(generation);
    }

    private void readVectors(boolean deviates) {
        OpenFile file = open(RDWR | NONBLOCK);
        assertThat(file.readv(4, 4)).isEqualTo(-Errno.EAGAIN);
        assertThat(file.readv(1, 1, 1)).isEqualTo(-Errno.EINVAL);
        bump();
        assertThat(file.readv(4)).isEqualTo(4);
        assertThat(file.readv(0, 4)).isEqualTo(4);
        assertThat(file.readv(1, 1, 1)).isEqualTo(-Errno.EINVAL);
        assertThat(file.readv(2, 2)).isEqualTo(deviates ? 4 : -Errno.EINVAL);
        assertThat(file.readv(1, 1, 1, 1)).isEqualTo(deviates ? 4 : -Errno.EINVAL);
        assertThat(file.readv(4, 4)).isEqualTo(deviates ? 4 : 8);
        assertThat(file.readv(4, 2)).isEqualTo(4);
        assertOutdated(file);
    }

    private void writeVectors(boolean deviates) {
        OpenFile file = open();
        byte[] generation = bytes(bump());
        byte[] front = Arrays.copyOfRange(generation, 0, 2);
        byte[] back = Arrays.copyOfRange(generation, 2, 4);
        assertThat(file.writev(front, front, front)).isEqualTo(-Errno.EINVAL);
        assertOutdated(file);
        assertThat(file.writev(front, back)).isEqualTo(deviates ? 4 : -Errno.EINVAL);
        assertThat(file.poll(READABLE)).isEqualTo(deviates ? 0 : READABLE);
        generation = bytes(bump());
        assertThat(file.writev(new byte[0], generation)).isEqualTo(deviates ? 4 : -Errno.EINVAL);
        assertThat(file.poll(READABLE)).isEqualTo(deviates ? 0 : READABLE);
        generation = bytes(bump());
        assertThat(file.writev(generation, generation)).isEqualTo(deviates ? -Errno.EINVAL : 8);
        assertThat(file.poll(READABLE)).isEqualTo(deviates ? READABLE : 0);
    }

    private void positionLock(boolean deviates) {
        OpenFile file = open();
        int before = generation();
        Pending read = file.startRead(4);
        assertThat(read.isParked()).isTrue();
        Pending write = file.startWrite(bytes(before));
        if (deviates) {
            assertThat(write.isParked()).isTrue();
            assertThat(file.pwrite(bytes(before), 0)).as("pwrite meanwhile").isEqualTo(4);
            assertThat(write.isParked()).isTrue();
        } else {
            assertThat(write.await()).isEqualTo(Outcome.of(4));
        }
        int generation = bump();
        assertThat(read.await()).isEqualTo(Outcome.delivered(generation));
        if (deviates) {
            assertThat(write.await()).as("superseded meanwhile").isEqualTo(INVALID);
        }
    }

    private void ioctlWithMemory(boolean deviates) {
        int writesFourBytes = 0x4004_E401;
        assertThat(open().ioctl(writesFourBytes, 0)).isEqualTo(deviates ? -Errno.EFAULT : -Errno.EINVAL);
    }

    private void ioctlOfRegularFiles(boolean deviates) {
        int bytesToRead = 0x541B; // FIONREAD, with a bad pointer
        assertThat(open().ioctl(bytesToRead, 0)).isEqualTo(deviates ? -Errno.EFAULT : -Errno.EINVAL);
    }

    private void mappingIsWatcher(boolean deviates) {
        OpenFile file = open();
        Mapping mapping = map(file);
        bump();
        file.close();
        assertThat(outdatedWatchers()).isEqualTo(deviates ? 1 : 0);
        mapping.close();
        assertThat(outdatedWatchers()).as("without the mapping").isZero();
    }

    private void pageExtension(boolean deviates) {
        Mapping mapping = map(open(RDONLY));
        Mapping other = map(open());
        if (!deviates) {
            for (int offset = Page.MAGIC_OFFSET; offset < Page.END; offset++) {
                assertThat(mapping.at(offset)).as("byte %s", offset).isZero();
            }
            return;
        }
        Set<Number128> identities = new HashSet<>();
        int bumps = 20;
        for (int i = 0; i < bumps; i++) {
            int generation = bump();
            assertThat(u64(mapping, Page.MAGIC_OFFSET)).isEqualTo(Page.MAGIC);
            assertThat((int) u64(mapping, Page.VERSION_OFFSET)).isEqualTo(Page.VERSION);
            assertThat((int) u64(mapping, Page.STATE_OFFSET)).isEqualTo(Page.SERVING);
            assertThat(u64(mapping, Page.SEQUENCE_OFFSET) & 1).isZero();
            assertThat((int) u64(mapping, Page.WIDE_GENERATION_OFFSET)).isEqualTo(generation);
            assertThat(identity(mapping)).isEqualTo(identity(other)).isEqualTo(identity(map(open())));
            identities.add(identity(mapping));
        }
        assertThat(identities).hasSize(bumps);
        bump(0xffff_ffff);
        long before = u64(mapping, Page.WIDE_GENERATION_OFFSET);
        assertThat(bump()).isEqualTo(1);
        assertThat(u64(mapping, Page.WIDE_GENERATION_OFFSET))
                .as("it does not wrap")
                .isEqualTo(before + 2);
    }

    private record Number128(long head, long tail) {}

    private static Number128 identity(Mapping mapping) {
        return new Number128(
                u64(mapping, Page.CLONE_IDENTITY_OFFSET), u64(mapping, Page.CLONE_IDENTITY_OFFSET + Long.BYTES));
    }

    private static long u64(Mapping mapping, int offset) {
        long value = 0;
        for (int i = Long.BYTES - 1; i >= 0; i--) {
            value = (value << Byte.SIZE) | (mapping.at(offset + i) & 0xff);
        }
        return value;
    }
}
