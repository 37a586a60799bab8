// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * System calls, as the kernel answers them: a result, or the negated error number. They block the thread that makes
 * them, interrupted or not.
 */
interface SystemCalls {
    int EINTR = 4;
    int EACCES = 13;
    int EINVAL = 22;
    int ENOTTY = 25;
    int ETIME = 62;

    /** Opens a file, close-on-exec. */
    int open(Path path, boolean writable);

    int close(int fd);

    int ioctl(int fd, int command, long argument);

    /** Writes four bytes, in native order, at offset 0. */
    int pwrite(int fd, int value);

    /** Maps bytes from the start of a file, read-only and shared, for the life of the process; null when refused. */
    @Nullable
    ByteBuffer map(int fd, int length);
}
