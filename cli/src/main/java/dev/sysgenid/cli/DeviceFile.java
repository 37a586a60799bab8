// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

/**
 * One open description of a device: a watcher. Results are the kernel's: not negative for success, a negated error
 * number for failure. Nothing here waits, except where it says so. Used by one thread.
 */
interface DeviceFile extends AutoCloseable {
    /** Opens files. */
    @FunctionalInterface
    interface Opener {
        /**
         * Opens a path, with O_NONBLOCK.
         *
         * @param writable O_RDWR, else O_RDONLY
         * @throws OpenException when the kernel says no
         */
        DeviceFile open(String path, boolean writable) throws OpenException;
    }

    /** Tells that a file could not be opened, and by which error number. */
    final class OpenException extends Exception {
        @java.io.Serial
        private static final long serialVersionUID = 1;

        private final int errno;

        /** The error number is positive. */
        OpenException(int errno) {
            this.errno = errno;
        }

        int errno() {
            return errno;
        }
    }

    /** The newest generation, when this watcher is outdated, as an unsigned number; -EAGAIN when it is up to date. */
    long read();

    /** Acknowledges a generation. Returns a positive number, or -EINVAL when it is not the current one. */
    long write(int generation);

    /** A command of {@link dev.sysgenid.abi.Ioctl}. WAIT_WATCHERS waits. */
    int ioctl(int command, long argument);

    /**
     * Waits until the generation changes, whether or not the last one was acknowledged. The first call returns at once
     * when this watcher is outdated already. May return early.
     *
     * @param timeoutMillis how long at most; -1 for no limit
     * @return the events that epoll(7) reports, 0 when the time is over
     */
    int awaitChange(int timeoutMillis);

    /** The generation that a mapping of the file shows, as an unsigned number. */
    long mapped();

    /** Closes the file: the watcher is gone. Harmless when repeated. */
    @Override
    void close();
}
