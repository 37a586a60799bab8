// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import static dev.sysgenid.linux.Native.INT;
import static dev.sysgenid.linux.Native.LONG;
import static dev.sysgenid.linux.Native.POINTER;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * What the kernel says of a file: {@code sys/stat.h}, by statx, and {@code sys/statfs.h}.
 *
 * <pre>{@code
 * struct statx {
 *         __u32 stx_mask;                    //   0
 *         __u32 stx_blksize;                 //   4
 *         __u64 stx_attributes;              //   8
 *         __u32 stx_nlink;                   //  16
 *         __u32 stx_uid;                     //  20
 *         __u32 stx_gid;                     //  24
 *         __u16 stx_mode;                    //  28
 *         __u64 stx_ino;                     //  32
 *         __u64 stx_size;                    //  40
 *         __u64 stx_blocks;                  //  48
 *         __u64 stx_attributes_mask;         //  56
 *         struct statx_timestamp stx_atime, stx_btime, stx_ctime, stx_mtime;   // 64, 80, 96, 112
 *         __u32 stx_rdev_major, stx_rdev_minor, stx_dev_major, stx_dev_minor;  // 128, 132, 136, 140
 *         __u64 stx_mnt_id;                  // 144
 *         ...
 * };                                         // 256 bytes
 *
 * struct statx_timestamp {
 *         __s64 tv_sec;                      //   0
 *         __u32 tv_nsec;                     //   8
 * };                                         //  16 bytes
 * }</pre>
 *
 * @param dev the device of the file system, as C's {@code st_dev}
 * @param ino the file's number in its file system
 * @param mode type ({@code S_IF} constants) and permission bits
 * @param nlink how many names the file has
 * @param uid its owner
 * @param gid its group
 * @param rdev the device that the file stands for, as C's {@code st_rdev}; 0 when it is none
 * @param size in bytes
 * @param mtimeNanos when its content last changed, in nanoseconds since 1970
 * @param mountId the id of its mount, as in {@code /proc/self/mountinfo}; 0 before Linux 5.8
 * @param mountRoot whether it is the root of a mount; false before Linux 5.8
 */
public record Stat(
        long dev,
        long ino,
        int mode,
        int nlink,
        int uid,
        int gid,
        long rdev,
        long size,
        long mtimeNanos,
        long mountId,
        boolean mountRoot) {

    public static final int S_IFMT = 0xf000;
    public static final int S_IFSOCK = 0xc000;
    public static final int S_IFLNK = 0xa000;
    public static final int S_IFREG = 0x8000;
    public static final int S_IFBLK = 0x6000;
    public static final int S_IFDIR = 0x4000;
    public static final int S_IFCHR = 0x2000;
    public static final int S_IFIFO = 0x1000;

    public static final long FUSE_SUPER_MAGIC = 0x65735546;
    public static final long TMPFS_MAGIC = 0x01021994;
    public static final long OVERLAYFS_SUPER_MAGIC = 0x794c7630;
    public static final long PROC_SUPER_MAGIC = 0x9fa0;
    public static final long SYSFS_MAGIC = 0x62656572;

    private static final int STATX_SIZE = 256;
    private static final int STATX_BASIC_STATS = 0x7ff;
    private static final int STATX_MNT_ID = 0x1000;
    private static final long STATX_ATTR_MOUNT_ROOT = 0x2000;
    private static final long ATTRIBUTES_OFFSET = 8;
    private static final long NLINK_OFFSET = 16;
    private static final long UID_OFFSET = 20;
    private static final long GID_OFFSET = 24;
    private static final long MODE_OFFSET = 28;
    private static final long INO_OFFSET = 32;
    private static final long SIZE_OFFSET = 40;
    private static final long MTIME_SEC_OFFSET = 112;
    private static final long MTIME_NSEC_OFFSET = 120;
    private static final long RDEV_OFFSET = 128;
    private static final long DEV_OFFSET = 136;
    private static final long MNT_ID_OFFSET = 144;

    /** Greater than {@code struct statfs} (120 bytes), of which only the first field is wanted. */
    private static final int STATFS_ROOM = 512;

    private static final long STATFS_TYPE_OFFSET = 0;

    /** What {@code path} is, or, when it is a symbolic link that is not to be followed, what the link is. */
    public static Stat of(String path, boolean followSymlinks) throws SystemCallException {
        return statx(Unistd.AT_FDCWD, path, followSymlinks ? 0 : Unistd.AT_SYMLINK_NOFOLLOW, path);
    }

    /** What an open file is. */
    public static Stat of(int fd) throws SystemCallException {
        return statx(fd, "", Unistd.AT_EMPTY_PATH, "descriptor " + fd);
    }

    private static Stat statx(int dirfd, String path, int flags, String about) throws SystemCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = Native.string(arena, path);
            MemorySegment statx = arena.allocate(STATX_SIZE, Long.BYTES);
            long result = Native.syscall(
                    Native.number(332, 291),
                    dirfd,
                    name.address(),
                    flags,
                    STATX_BASIC_STATS | STATX_MNT_ID,
                    statx.address(),
                    0);
            SystemCallException.check(result, "stat", about);
            return new Stat(
                    device(statx, DEV_OFFSET),
                    statx.get(LONG, INO_OFFSET),
                    Short.toUnsignedInt(statx.get(ValueLayout.JAVA_SHORT, MODE_OFFSET)),
                    statx.get(INT, NLINK_OFFSET),
                    statx.get(INT, UID_OFFSET),
                    statx.get(INT, GID_OFFSET),
                    device(statx, RDEV_OFFSET),
                    statx.get(LONG, SIZE_OFFSET),
                    statx.get(LONG, MTIME_SEC_OFFSET) * Clock.NANOS_PER_SECOND + statx.get(INT, MTIME_NSEC_OFFSET),
                    statx.get(LONG, MNT_ID_OFFSET),
                    (statx.get(LONG, ATTRIBUTES_OFFSET) & STATX_ATTR_MOUNT_ROOT) != 0);
        }
    }

    /** Major and minor number in one, as C libraries put them into {@code dev_t}. */
    private static long device(MemorySegment statx, long offset) {
        long major = Integer.toUnsignedLong(statx.get(INT, offset));
        long minor = Integer.toUnsignedLong(statx.get(INT, offset + Integer.BYTES));
        return (minor & 0xff) | (major & 0xfff) << 8 | (minor & ~0xffL) << 12 | (major & ~0xfffL) << 32;
    }

    /** Whether the file is of a type: one of the {@code S_IF} constants. */
    public boolean is(int type) {
        return (mode & S_IFMT) == type;
    }

    /** The permission bits, with set-user-id, set-group-id and sticky: 0 to 07777. */
    public int permissions() {
        return mode & ~S_IFMT;
    }

    /** The magic number of the file system at {@code path}, or the negated error number. */
    public static long filesystemType(String path) {
        CallState state = CallState.current();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment statfs = arena.allocate(STATFS_ROOM, Long.BYTES);
            int result = state.result((int) Statfs.HANDLE.invokeExact(state.errno, Native.string(arena, path), statfs));
            return result < 0 ? result : statfs.get(LONG, STATFS_TYPE_OFFSET);
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** The magic number of the file system of an open file, or the negated error number. */
    public static long filesystemType(int fd) {
        CallState state = CallState.current();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment statfs = arena.allocate(STATFS_ROOM, Long.BYTES);
            int result = state.result((int) Fstatfs.HANDLE.invokeExact(state.errno, fd, statfs));
            return result < 0 ? result : statfs.get(LONG, STATFS_TYPE_OFFSET);
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    private static final class Statfs {
        /** {@code int statfs(const char *path, struct statfs *buf)}. */
        static final MethodHandle HANDLE = Native.bind("statfs", INT, POINTER, POINTER);
    }

    private static final class Fstatfs {
        /** {@code int fstatfs(int fd, struct statfs *buf)}. */
        static final MethodHandle HANDLE = Native.bind("fstatfs", INT, INT, POINTER);
    }
}
