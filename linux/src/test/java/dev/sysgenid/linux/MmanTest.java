// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import static dev.sysgenid.linux.Mman.MAP_ANONYMOUS;
import static dev.sysgenid.linux.Mman.MAP_PRIVATE;
import static dev.sysgenid.linux.Mman.MAP_SHARED;
import static dev.sysgenid.linux.Mman.PROT_READ;
import static dev.sysgenid.linux.Mman.PROT_WRITE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MmanTest {
    private static final long PAGE = 4096;

    private final Fds fds = new Fds();

    @AfterEach
    void release() {
        fds.close();
    }

    private int page() throws SystemCallException {
        int fd = fds.own(Mman.memfd_create("test", Mman.MFD_CLOEXEC | Mman.MFD_ALLOW_SEALING));
        SystemCallException.check(Unistd.ftruncate(fd, PAGE), "ftruncate", fd);
        return fd;
    }

    @Test
    void twoMappingsOfAFileShareIt() throws SystemCallException {
        int fd = page();
        MemorySegment writer = Mman.mmap(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        MemorySegment reader = Mman.mmap(PAGE, PROT_READ, MAP_SHARED, fd, 0);

        assertThat(reader.byteSize()).isEqualTo(PAGE);
        writer.set(ValueLayout.JAVA_INT, 0, 7);
        assertThat((int) ValueLayout.JAVA_INT.varHandle().getAcquire(reader, 0L))
                .isEqualTo(7);

        assertThat(Mman.munmap(writer)).isZero();
        assertThat(reader.get(ValueLayout.JAVA_INT, 0)).isEqualTo(7);
        assertThat(Mman.munmap(reader)).isZero();
    }

    @Test
    void mapsOverAPartOfAMapping() throws SystemCallException {
        MemorySegment reserved = Mman.mmap(2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        reserved.set(ValueLayout.JAVA_INT, 0, 1);
        reserved.set(ValueLayout.JAVA_INT, PAGE, 2);
        int fd = page();
        MemorySegment second = reserved.asSlice(PAGE, PAGE);

        assertThat(Mman.mmapOver(second, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0))
                .isZero();
        assertThat(second.get(ValueLayout.JAVA_INT, 0)).isZero();
        second.set(ValueLayout.JAVA_INT, 0, 7);
        MemorySegment elsewhere = Mman.mmap(PAGE, PROT_READ, MAP_SHARED, fd, 0);
        assertThat(elsewhere.get(ValueLayout.JAVA_INT, 0)).isEqualTo(7);
        assertThat(reserved.get(ValueLayout.JAVA_INT, 0)).isEqualTo(1);

        assertThat(Mman.mmapOver(reserved.asSlice(4, 4), PROT_READ, MAP_SHARED, fd, 0))
                .isEqualTo(-Errno.EINVAL);
        assertThat(Mman.mmapOver(second, PROT_READ, MAP_SHARED, 1_000_000, 0)).isEqualTo(-Errno.EBADF);
        assertThat(Mman.munmap(elsewhere)).isZero();
        assertThat(Mman.munmap(reserved)).isZero();
    }

    @Test
    void thePageSizeIsWhereMappingsMayBegin() throws SystemCallException {
        int size = Mman.getpagesize();
        int fd = page();
        Unistd.ftruncate(fd, 2L * size);
        assertThat(Mman.mmapAddress(size, PROT_READ, MAP_SHARED, fd, size / 2)).isEqualTo(-Errno.EINVAL);
        assertThat(Mman.munmap(Mman.mmap(size, PROT_READ, MAP_SHARED, fd, size)))
                .isZero();
    }

    @Test
    void mprotectChangesWhatIsAllowed() throws IOException {
        MemorySegment memory = Mman.mmap(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assertThat(permissions(memory)).isEqualTo("rw-p");

        assertThat(Mman.mprotect(memory, PROT_READ)).isZero();
        assertThat(permissions(memory)).isEqualTo("r--p");
        assertThat(Mman.munmap(memory)).isZero();
        assertThat(Mman.mprotect(memory, PROT_READ)).isEqualTo(-Errno.ENOMEM);
    }

    /** The permissions in /proc/self/maps of the mapping in which the segment lies. */
    private static String permissions(MemorySegment memory) throws IOException {
        return Files.readAllLines(Path.of("/proc/self/maps")).stream()
                .map(line -> line.split("[- ]", 4))
                .filter(part -> Long.parseUnsignedLong(part[0], 16) <= memory.address()
                        && Long.compareUnsigned(memory.address(), Long.parseUnsignedLong(part[1], 16)) < 0)
                .map(part -> part[2] + "-" + part[3])
                .map(rest -> rest.substring(0, 4))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void aSealedFileKeepsItsSize() throws SystemCallException {
        int fd = page();
        assertThat(Unistd.fcntl(fd, Unistd.F_ADD_SEALS, Unistd.F_SEAL_SHRINK | Unistd.F_SEAL_GROW))
                .isZero();
        assertThat(Unistd.fcntl(fd, Unistd.F_GET_SEALS, 0)).isEqualTo(Unistd.F_SEAL_SHRINK | Unistd.F_SEAL_GROW);
        assertThat(Unistd.ftruncate(fd, 0)).isEqualTo(-Errno.EPERM);
    }

    @Test
    void failures() {
        assertThat(Mman.mmapAddress(0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
                .isEqualTo(-Errno.EINVAL);
        assertThat(Mman.mmapAddress(PAGE, PROT_READ, MAP_SHARED, 1_000_000, 0)).isEqualTo(-Errno.EBADF);
        assertThatThrownBy(() -> Mman.mmap(PAGE, PROT_READ, MAP_SHARED, 1_000_000, 0))
                .isInstanceOf(SystemCallException.class)
                .hasMessage("mmap of descriptor 1000000: EBADF (Bad file descriptor)");
        assertThat(Mman.munmap(MemorySegment.ofAddress(1))).isEqualTo(-Errno.EINVAL);
        assertThat(Mman.memfd_create("test", -1)).isEqualTo(-Errno.EINVAL);
    }
}
