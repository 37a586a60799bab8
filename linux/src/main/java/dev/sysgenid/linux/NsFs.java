// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * {@code linux/nsfs.h}: what the kernel says of a namespace of which a descriptor is open.
 *
 * @see <a href="https://man7.org/linux/man-pages/man2/NS_GET_NSTYPE.2const.html">NS_GET_NSTYPE(2const)</a>
 */
public final class NsFs {
    /** The type of the file system, see {@link Stat#filesystemType}. */
    public static final long NSFS_MAGIC = 0x6e736673;

    /** {@code linux/sched.h}: the type of a user namespace. */
    public static final int CLONE_NEWUSER = 0x1000_0000;

    /** {@code _IO(0xb7, 0x3)}. */
    private static final long NS_GET_NSTYPE = 0xb703;

    /** {@code _IOR(0xb7, 13, __u64)}. */
    private static final long NS_GET_ID = 0x8008_b70dL;

    private NsFs() {}

    /** The type of the namespace, a {@code CLONE_NEW} constant; negative, an errno, when it is none. */
    public static int type(int fd) {
        return Unistd.ioctl(fd, NS_GET_NSTYPE, 0);
    }

    /** The number of the namespace that no other one gets until the next boot; 0 before Linux 6.18, which has none. */
    public static long id(int fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment id = arena.allocate(ValueLayout.JAVA_LONG);
            return Unistd.ioctl(fd, NS_GET_ID, id) < 0 ? 0 : id.get(ValueLayout.JAVA_LONG, 0);
        }
    }
}
