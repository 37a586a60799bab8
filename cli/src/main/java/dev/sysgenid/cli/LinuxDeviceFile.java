// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import dev.sysgenid.abi.Generation;
import dev.sysgenid.abi.Page;
import dev.sysgenid.linux.Epoll;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Mman;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/** A file of this machine. Reads and writes are positional: they cannot block one another through the file position. */
final class LinuxDeviceFile implements DeviceFile {
    private final int fd;
    private final MemorySegment buffer = Arena.ofAuto().allocate(Generation.BYTES, Generation.BYTES);
    private @Nullable Epoll changes;
    private @Nullable MemorySegment page;
    private boolean closed;

    private LinuxDeviceFile(int fd) {
        this.fd = fd;
    }

    /** As {@link DeviceFile.Opener#open}. */
    static DeviceFile open(String path, boolean writable) throws OpenException {
        int access = writable ? Unistd.O_RDWR : Unistd.O_RDONLY;
        int fd = Unistd.open(path, access | Unistd.O_NONBLOCK | Unistd.O_CLOEXEC | Unistd.O_NOCTTY, 0);
        if (fd < 0) {
            throw new OpenException(-fd);
        }
        return new LinuxDeviceFile(fd);
    }

    @Override
    public long read() {
        long result = Unistd.pread(fd, buffer, Generation.BYTES, 0);
        if (result < 0) {
            return result;
        }
        return result == Generation.BYTES
                ? Integer.toUnsignedLong(buffer.get(ValueLayout.JAVA_INT, 0))
                : -Errno.EIO; // end of file: no driver of this interface does that
    }

    @Override
    public long write(int generation) {
        buffer.set(ValueLayout.JAVA_INT, 0, generation);
        return Unistd.pwrite(fd, buffer, Generation.BYTES, 0);
    }

    @Override
    public int ioctl(int command, long argument) {
        return Unistd.ioctl(fd, command, argument);
    }

    @Override
    public int awaitChange(int timeoutMillis) {
        if (changes == null) {
            try {
                changes = Epoll.create();
            } catch (SystemCallException e) {
                return -e.errno();
            }
            // Edge triggered: a change that is deliberately not acknowledged must not be reported again and again.
            int result = changes.add(fd, Epoll.EPOLLIN | Epoll.EPOLLET, 0);
            if (result < 0) {
                return result;
            }
        }
        int count = changes.await(timeoutMillis);
        return count <= 0 ? count : changes.events(0);
    }

    @Override
    public long mapped() {
        if (page == null) {
            try {
                page = Mman.mmap(Generation.BYTES, Mman.PROT_READ, Mman.MAP_SHARED, fd, 0);
            } catch (SystemCallException e) {
                return -e.errno();
            }
        }
        try {
            return Integer.toUnsignedLong(page.get(ValueLayout.JAVA_INT, Page.GENERATION_OFFSET));
        } catch (InternalError e) {
            // SIGBUS: without passthrough the first touch asks the daemon, and it is gone.
            return -Errno.ENOTCONN;
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        if (changes != null) {
            changes.close();
        }
        if (page != null) {
            Mman.munmap(page);
        }
        Unistd.close(fd);
    }
}
