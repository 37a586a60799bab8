// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.fuse;

import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The layout of the FUSE protocol's messages: sizes and offsets in bytes, little or big endian as the machine is.
 *
 * <p>A request is an {@link InHeader}, then the structure of its opcode, then names or data. A reply is an {@link
 * OutHeader}, then the structure of its opcode; with an error it is the header alone.
 */
final class Wire {
    static final ValueLayout.OfByte U8 = ValueLayout.JAVA_BYTE;
    static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.nativeOrder());
    static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.nativeOrder());
    static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.nativeOrder());

    /** The major version; every kernel since 2.6 speaks this one. */
    static final int MAJOR = 7;

    /** The least minor version spoken (Linux 5.4). */
    static final int LEAST_MINOR = 31;

    /** The newest minor version that these layouts were checked against (Linux 6.18). */
    static final int MINOR = 45;

    /** {@code { u32 len, opcode; u64 unique, nodeid; u32 uid, gid, pid; u16 total_extlen, padding; }} */
    static final class InHeader {
        static final int LENGTH = 0;
        static final int OPCODE = 4;
        static final int UNIQUE = 8;
        static final int NODE = 16;
        static final int UID = 24;
        static final int GID = 28;
        static final int PID = 32;
        /** In units of 8 bytes; the extensions stand at the end of the message. */
        static final int EXTENSIONS = 36;

        static final int SIZE = 40;

        private InHeader() {}
    }

    /** {@code { u32 len; s32 error; u64 unique; }}; unique 0 is a notification, whose code stands in {@code error}. */
    static final class OutHeader {
        static final int LENGTH = 0;
        static final int ERROR = 4;
        static final int UNIQUE = 8;
        static final int SIZE = 16;

        private OutHeader() {}
    }

    /** {@code { u32 major, minor, max_readahead, flags, flags2; u32 unused[11]; }}; 16 bytes before 7.36. */
    static final class InitIn {
        static final int MAJOR = 0;
        static final int MINOR = 4;
        static final int MAX_READAHEAD = 8;
        static final int FLAGS = 12;
        static final int FLAGS2 = 16;
        static final int LEAST_SIZE = 16;
        static final int SIZE = 64;

        private InitIn() {}
    }

    /**
     * {@code { u32 major, minor, max_readahead, flags; u16 max_background, congestion_threshold; u32 max_write, time_gran;
     * u16 max_pages, map_alignment; u32 flags2, max_stack_depth; u16 request_timeout; u16 unused[11]; }}
     */
    static final class InitOut {
        static final int MAJOR = 0;
        static final int MINOR = 4;
        static final int MAX_READAHEAD = 8;
        static final int FLAGS = 12;
        static final int MAX_BACKGROUND = 16;
        static final int CONGESTION_THRESHOLD = 18;
        static final int MAX_WRITE = 20;
        static final int TIME_GRANULARITY = 24;
        static final int FLAGS2 = 32;
        static final int MAX_STACK_DEPTH = 36;
        static final int SIZE = 64;

        /** {@code flags2} counts, in both directions. */
        static final int INIT_EXT = 1 << 30;
        /** A file opened with {@link OpenFlags#DIRECT_IO} can be mapped shared (Linux 6.6). */
        static final int DIRECT_IO_ALLOW_MMAP = 1 << 4;
        /** Files can be backed by others (Linux 6.9). */
        static final int PASSTHROUGH = 1 << 5;
        /** Inodes are found by an open file only, never by a handle that NFS kept: a forgotten node id is dead. */
        static final int NO_EXPORT_SUPPORT = 1 << 6;

        private InitOut() {}
    }

    /** {@code { u64 nodeid, generation, entry_valid, attr_valid; u32 entry_valid_nsec, attr_valid_nsec; attr; }} */
    static final class EntryOut {
        static final int NODE = 0;
        static final int GENERATION = 8;
        static final int ENTRY_VALID = 16;
        static final int ATTR_VALID = 24;
        static final int ATTR = 40;
        static final int SIZE = 40 + Attr.SIZE;

        private EntryOut() {}
    }

    /**
     * {@code { u64 ino, size, blocks, atime, mtime, ctime; u32 atimensec, mtimensec, ctimensec, mode, nlink, uid, gid,
     * rdev, blksize, flags; }}
     */
    static final class Attr {
        static final int INO = 0;
        static final int FILE_SIZE = 8;
        static final int BLOCKS = 16;
        static final int ATIME = 24;
        static final int MTIME = 32;
        static final int CTIME = 40;
        static final int ATIME_NSEC = 48;
        static final int MTIME_NSEC = 52;
        static final int CTIME_NSEC = 56;
        static final int MODE = 60;
        static final int NLINK = 64;
        static final int UID = 68;
        static final int GID = 72;
        static final int BLKSIZE = 80;
        static final int SIZE = 88;

        private Attr() {}
    }

    /** {@code { u64 attr_valid; u32 attr_valid_nsec, dummy; attr; }} */
    static final class AttrOut {
        static final int ATTR_VALID = 0;
        static final int ATTR = 16;
        static final int SIZE = 16 + Attr.SIZE;

        private AttrOut() {}
    }

    /** {@code { u32 getattr_flags, reserved; u64 fh; u32 sx_flags, sx_mask; }} */
    static final class StatxIn {
        static final int SIZE = 24;

        private StatxIn() {}
    }

    /**
     * {@code { u64 attr_valid; u32 attr_valid_nsec, flags; u64 spare[2]; statx; }}, and in it {@code { u32 mask, blksize;
     * u64 attributes; u32 nlink, uid, gid; u16 mode, spare; u64 ino, size, blocks, attributes_mask; time atime, btime,
     * ctime, mtime; u32 rdev_major, rdev_minor, dev_major, dev_minor; u64 spare[14]; }} with {@code time { s64 sec; u32
     * nsec; s32 reserved; }}.
     */
    static final class StatxOut {
        static final int ATTR_VALID = 0;
        static final int MASK = 32;
        static final int BLKSIZE = 36;
        static final int NLINK = 48;
        static final int UID = 52;
        static final int GID = 56;
        static final int MODE = 60;
        static final int INO = 64;
        static final int FILE_SIZE = 72;
        static final int BLOCKS = 80;
        static final int ATIME = 96;
        static final int CTIME = 128;
        static final int MTIME = 144;
        static final int NSEC = 8;
        static final int SIZE = 32 + 256;
        /** All of the classic stat fields. */
        static final int BASIC_STATS = 0x7ff;

        private StatxOut() {}
    }

    /** {@code { u32 getattr_flags, dummy; u64 fh; }} */
    static final class GetattrIn {
        static final int SIZE = 16;

        private GetattrIn() {}
    }

    /**
     * {@code { u32 valid, padding; u64 fh, size, lock_owner, atime, mtime, ctime; u32 atimensec, mtimensec, ctimensec,
     * mode, unused, uid, gid, unused; }}
     */
    static final class SetattrIn {
        static final int VALID = 0;
        static final int FILE_SIZE = 16;
        static final int MODE = 68;
        static final int UID = 76;
        static final int GID = 80;
        static final int SIZE = 88;

        private SetattrIn() {}
    }

    /** {@code { u32 flags, open_flags; }} */
    static final class OpenIn {
        static final int FLAGS = 0;
        static final int SIZE = 8;

        private OpenIn() {}
    }

    /** {@code { u64 fh; u32 open_flags; s32 backing_id; }} */
    static final class OpenOut {
        static final int HANDLE = 0;
        static final int OPEN_FLAGS = 8;
        static final int BACKING_ID = 12;
        static final int SIZE = 16;

        private OpenOut() {}
    }

    /** {@code { u64 fh, offset; u32 size, read_flags; u64 lock_owner; u32 flags, padding; }}; readdir takes the same. */
    static final class ReadIn {
        static final int HANDLE = 0;
        static final int OFFSET = 8;
        static final int BYTES = 16;
        static final int READ_FLAGS = 20;
        static final int FILE_FLAGS = 32;
        static final int SIZE = 40;
        /** In {@link #READ_FLAGS}: a read call of a process. Clear when the kernel fills its page cache. */
        static final int LOCKOWNER = 1 << 1;

        private ReadIn() {}
    }

    /** {@code { u64 fh, offset; u32 size, write_flags; u64 lock_owner; u32 flags, padding; }}, then the data. */
    static final class WriteIn {
        static final int HANDLE = 0;
        static final int OFFSET = 8;
        static final int BYTES = 16;
        static final int WRITE_FLAGS = 20;
        static final int SIZE = 40;
        /** In {@link #WRITE_FLAGS}: the kernel writes back a page of its cache; no process asked for this now. */
        static final int CACHE = 1;

        private WriteIn() {}
    }

    /** {@code { u32 size, padding; }} */
    static final class WriteOut {
        static final int BYTES = 0;
        static final int SIZE = 8;

        private WriteOut() {}
    }

    /** {@code { u64 fh; u32 flags, cmd; u64 arg; u32 in_size, out_size; }}, then the data. */
    static final class IoctlIn {
        static final int HANDLE = 0;
        static final int FLAGS = 8;
        static final int COMMAND = 12;
        static final int ARGUMENT = 16;
        static final int SIZE = 32;

        private IoctlIn() {}
    }

    /** {@code { s32 result; u32 flags, in_iovs, out_iovs; }} */
    static final class IoctlOut {
        static final int RESULT = 0;
        static final int SIZE = 16;

        private IoctlOut() {}
    }

    /** {@code { u64 fh, kh; u32 flags, events; }} */
    static final class PollIn {
        static final int HANDLE = 0;
        static final int KERNEL_HANDLE = 8;
        static final int FLAGS = 16;
        static final int SIZE = 24;
        /** In {@link #FLAGS}: somebody sleeps on this file; notify when it becomes ready. */
        static final int SCHEDULE_NOTIFY = 1;

        private PollIn() {}
    }

    /** {@code { u32 revents, padding; }} */
    static final class PollOut {
        static final int REVENTS = 0;
        static final int SIZE = 8;

        private PollOut() {}
    }

    /** {@code { u64 unique; }} */
    static final class InterruptIn {
        static final int UNIQUE = 0;
        static final int SIZE = 8;

        private InterruptIn() {}
    }

    /** {@code { u64 fh; u32 flags, release_flags; u64 lock_owner; }} */
    static final class ReleaseIn {
        static final int HANDLE = 0;
        static final int SIZE = 24;

        private ReleaseIn() {}
    }

    /** {@code { u64 nlookup; }} */
    static final class ForgetIn {
        static final int LOOKUPS = 0;
        static final int SIZE = 8;

        private ForgetIn() {}
    }

    /** {@code { u32 mode, umask; }}, then the name. */
    static final class MkdirIn {
        static final int MODE = 0;
        static final int UMASK = 4;
        static final int SIZE = 8;

        private MkdirIn() {}
    }

    /** {@code { u32 count, dummy; }}, then {@code count} times {@code { u64 nodeid, nlookup; }}. */
    static final class BatchForgetIn {
        static final int COUNT = 0;
        static final int SIZE = 8;
        static final int ONE_NODE = 0;
        static final int ONE_LOOKUPS = 8;
        static final int ONE_SIZE = 16;

        private BatchForgetIn() {}
    }

    /** {@code { u64 blocks, bfree, bavail, files, ffree; u32 bsize, namelen, frsize, padding, spare[6]; }} */
    static final class StatfsOut {
        static final int BSIZE = 40;
        static final int NAMELEN = 44;
        static final int FRSIZE = 48;
        static final int SIZE = 80;

        private StatfsOut() {}
    }

    /** {@code { u64 ino, off; u32 namelen, type; char name[]; }}, padded to 8 bytes. */
    static final class Dirent {
        static final int INO = 0;
        static final int OFFSET = 8;
        static final int NAMELEN = 16;
        static final int TYPE = 20;
        static final int NAME = 24;

        private Dirent() {}
    }

    /** {@code { u64 kh; }} */
    static final class NotifyPollOut {
        static final int CODE = 1;
        static final int KERNEL_HANDLE = 0;
        static final int SIZE = 8;

        private NotifyPollOut() {}
    }

    /** {@code { u64 nodeid; s64 offset, length; }}; with a negative offset nothing but attributes is invalidated. */
    static final class NotifyInvalidateOut {
        static final int CODE = 2;
        static final int NODE = 0;
        static final int OFFSET = 8;
        static final int SIZE = 24;

        private NotifyInvalidateOut() {}
    }

    /** Without a body. Since 7.40. */
    static final class NotifyResendOut {
        static final int CODE = 7;

        private NotifyResendOut() {}
    }

    /** In {@code unique} of a request: it was handed out before, and then sent again. To be echoed. Since 7.40. */
    static final long RESENT = 1L << 63;

    /** {@code { u64 nodeid, offset; u32 size, padding; }}, then the data. */
    static final class NotifyStoreOut {
        static final int CODE = 4;
        static final int NODE = 0;
        static final int OFFSET = 8;
        static final int BYTES = 16;
        static final int SIZE = 24;

        private NotifyStoreOut() {}
    }

    /** {@code { s32 fd; u32 flags; u64 padding; }}, the argument of the ioctl that registers a backing file. */
    static final class BackingMap {
        static final int FD = 0;
        static final int SIZE = 16;
        /** Returns an id above 0. */
        static final long OPEN = 0x4010e501L;
        /** Takes a pointer to the id, u32. */
        static final long CLOSE = 0x4004e502L;

        private BackingMap() {}
    }

    private Wire() {}
}
