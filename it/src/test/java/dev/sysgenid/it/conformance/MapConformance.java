// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.abi.Ioctl;
import dev.sysgenid.core.Tracking;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Mman;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** mmap(2), as far as the driver allows it; {@link DeviationConformance} has the rest. */
abstract non-sealed class MapConformance extends Topic {
    MapConformance(Function<Tracking, DeviceUnderTest> devices) {
        super(devices);
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "1, 4", "1, 4096", "2, 1", "2, 4", "2, 4096"})
    void showsTheGenerationInPlace(int flags, long length) {
        for (int mode : new int[] {RDONLY, RDWR}) {
            Mapping mapping = open(mode).map(length, Mman.PROT_READ, flags, 0);
            assertThat(mapping.generation()).isEqualTo(generation());
            for (int i = 0; i < 3; i++) {
                int generation = bump();
                assertThat(mapping.generation()).isEqualTo(generation);
            }
            mapping.close();
        }
    }

    /** What {@link Deviation#PAGE_EXTENSION} is about is looked at there. */
    @Test
    void theRestOfThePageIsZero() {
        OpenFile file = open(RDONLY);
        Mapping mapping = map(file);
        bump(0xffff_ffff);
        for (int offset = 4; offset < PAGE; offset++) {
            boolean extension = (offset >= 8 && offset < 28) || (offset >= 32 && offset < 56);
            if (!extension) {
                assertThat(mapping.at(offset)).as("byte %s", offset).isZero();
            }
        }
        assertThat(mapping.fault(PAGE - 1)).isZero();
    }

    @Test
    void isUpToDateWhenAReadReturns() {
        OpenFile file = open();
        Mapping mapping = map(file);
        Pending read = file.startRead(4);
        assertThat(read.isParked()).isTrue();
        bump();
        assertThat(mapping.generation()).isEqualTo(read.await().generation());
    }

    @Test
    void neitherReadsNorAcksChangeIt() {
        OpenFile file = open();
        Mapping mapping = map(file);
        int generation = bump();
        file.read(4);
        ack(file);
        assertThat(mapping.generation()).isEqualTo(generation);
    }

    @Test
    void everyOpenShowsTheSame() {
        Mapping before = map(open());
        bump();
        Mapping after = map(open(RDONLY));
        int generation = bump();
        assertThat(before.generation()).isEqualTo(generation);
        assertThat(after.generation()).isEqualTo(generation);
    }

    @Test
    void oneFileCanBeMappedManyTimes() {
        OpenFile file = open();
        Mapping one = map(file);
        Mapping two = file.map(4, Mman.PROT_READ, Mman.MAP_PRIVATE, 0);
        Mapping three = map(file.dup());
        one.close();
        int generation = bump();
        assertThat(two.generation()).isEqualTo(generation);
        assertThat(three.generation()).isEqualTo(generation);
    }

    @ParameterizedTest
    @ValueSource(ints = {RDONLY, RDWR})
    void outlivesTheClose(int mode) {
        OpenFile file = open(mode);
        Mapping mapping = map(file);
        bump();
        file.close();
        for (int i = 0; i < 3; i++) {
            int generation = bump();
            assertThat(mapping.generation()).isEqualTo(generation);
        }
    }

    @Test
    void ofAReaderIsNoWatcher() {
        OpenFile file = open(RDONLY);
        Mapping mapping = map(file);
        file.close();
        int generation = bump();
        assertThat(mapping.generation()).isEqualTo(generation);
        assertThat(outdatedWatchers()).isZero();
        assertThat(open().ioctl(Ioctl.WAIT_WATCHERS, 0)).isZero();
    }

    @Test
    void needsAFileThatCanBeRead() {
        OpenFile file = open(WRONLY);
        assertThat(errno(() -> map(file))).isEqualTo(Errno.EACCES);
    }

    @Test
    void aReaderGetsNoWritableSharedMapping() {
        OpenFile file = open(RDONLY);
        assertThat(errno(() -> file.map(PAGE, Mman.PROT_READ | Mman.PROT_WRITE, Mman.MAP_SHARED, 0)))
                .isEqualTo(Errno.EACCES);
        Mapping mapping = map(file);
        assertThat(mapping.protect(Mman.PROT_READ | Mman.PROT_WRITE)).isEqualTo(-Errno.EACCES);
        int generation = bump();
        assertThat(mapping.generation()).isEqualTo(generation);
    }

    @Test
    void anEmptyMappingIsRefused() {
        OpenFile file = open();
        assertThat(errno(() -> file.map(0, Mman.PROT_READ, Mman.MAP_SHARED, 0))).isEqualTo(Errno.EINVAL);
    }
}
