// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.conformance;

/**
 * A descriptor of the device. Results are in the kernel's convention: not negative, or the negated error number. A call
 * that blocks where the test did not expect it fails the test.
 */
interface OpenFile extends AutoCloseable {
    Outcome read(long n);

    Outcome pread(long n, long offset);

    /** As {@link #read}, with a buffer for each size; how many bytes came. */
    long readv(int... sizes);

    long write(byte[] bytes);

    long pwrite(byte[] bytes, long offset);

    long writev(byte[]... buffers);

    /** poll(2) without waiting: the events that there are, of those asked for and those that always count. */
    int poll(int events);

    long ioctl(int command, long argument);

    /** The same, by a caller who has no capability. */
    long ioctlUnprivileged(int command, long argument);

    /** fcntl(F_SETFL): O_NONBLOCK on or off, for the description. */
    void setNonblocking(boolean on);

    /**
     * mmap.
     *
     * @throws Refused when it fails
     */
    Mapping map(long length, int prot, int flags, long offset);

    /** Another descriptor of the same description. */
    OpenFile dup();

    /** Closes this descriptor; again: does nothing. */
    @Override
    void close();

    Pending startRead(long n);

    Pending startPread(long n, long offset);

    Pending startWrite(byte[] bytes);

    Pending startIoctl(int command, long argument);

    /** poll(2) without a limit. */
    Pending startPoll(int events);
}
