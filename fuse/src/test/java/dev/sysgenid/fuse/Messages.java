// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.fuse;

import dev.sysgenid.fuse.Request.Header;
import java.util.List;

/** The golden requests: each as the bytes that a kernel sends, and as what it is to be read as. */
final class Messages {
    /** The 32 bytes between the opcode and the body, the same in every message that has no extensions. */
    private static final String CALLER = """
            ef be ad de 02 01 00 80  ; 8 unique, bit 63 set: sent again after the server's death
            10 00 00 00 00 00 00 00  ; 16 nodeid 16
            fe ff 00 00              ; 24 uid 65534
            e9 03 00 00              ; 28 gid 1001
            d2 04 00 00              ; 32 pid 1234
            00 00                    ; 36 total_extlen
            00 00                    ; 38 padding
            """;

    static final long UNIQUE = 0x8000_0102_dead_beefL;

    /** A request, written down twice. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Golden(String name, byte[] bytes, Request request) {
        @Override
        public String toString() {
            return name;
        }
    }

    private static Header header(int opcode) {
        return new Header(opcode, UNIQUE, 16, 65534, 1001, 1234);
    }

    static final byte[] LOOKUP = Bytes.of(
            "31 00 00 00  01 00 00 00    ; 0 len 49, opcode LOOKUP 1",
            CALLER,
            "73 79 73 67 65 6e 69 64 00  ; sysgenid");

    static final byte[] FORGET = Bytes.of(
            "30 00 00 00  02 00 00 00  ; 0 len 48, opcode FORGET 2", CALLER, "03 00 00 00 00 00 00 00  ; nlookup 3");

    static final byte[] GETATTR = Bytes.of("38 00 00 00  03 00 00 00  ; 0 len 56, opcode GETATTR 3", CALLER, """
            01 00 00 00              ; getattr_flags FH
            00 00 00 00              ; dummy
            07 00 00 00 00 00 00 00  ; fh 7
            """);

    static final byte[] SETATTR = Bytes.of("80 00 00 00  04 00 00 00  ; 0 len 128, opcode SETATTR 4", CALLER, """
            4f 00 00 00              ;  0 valid MODE|UID|GID|SIZE|FH
            00 00 00 00              ;  4 padding
            07 00 00 00 00 00 00 00  ;  8 fh 7
            05 04 03 02 01 00 00 80  ; 16 size
            11 11 11 11 11 11 11 11  ; 24 lock_owner
            22 22 22 22 22 22 22 22  ; 32 atime
            33 33 33 33 33 33 33 33  ; 40 mtime
            44 44 44 44 44 44 44 44  ; 48 ctime
            55 55 55 55              ; 56 atimensec
            66 66 66 66              ; 60 mtimensec
            77 77 77 77              ; 64 ctimensec
            a0 81 00 00              ; 68 mode 0100640
            88 88 88 88              ; 72 unused
            e8 03 00 00              ; 76 uid 1000
            64 00 00 00              ; 80 gid 100
            99 99 99 99              ; 84 unused
            """);

    static final byte[] OPEN = Bytes.of("30 00 00 00  0e 00 00 00  ; 0 len 48, opcode OPEN 14", CALLER, """
            02 88 00 00              ; flags O_RDWR|O_NONBLOCK|O_LARGEFILE
            00 00 00 00              ; open_flags
            """);

    static final byte[] READ = Bytes.of("50 00 00 00  0f 00 00 00  ; 0 len 80, opcode READ 15", CALLER, """
            07 00 00 00 00 00 00 00  ;  0 fh 7
            00 20 00 00 00 00 00 00  ;  8 offset 8192
            00 10 00 00              ; 16 size 4096
            02 00 00 00              ; 20 read_flags LOCKOWNER
            11 11 11 11 11 11 11 11  ; 24 lock_owner
            00 88 00 00              ; 32 flags O_NONBLOCK|O_LARGEFILE
            00 00 00 00              ; 36 padding
            """);

    /** A page fault: nobody owns a lock, and the size and the offset are as large as they get. */
    static final byte[] READ_FAULT = Bytes.of("50 00 00 00  0f 00 00 00  ; 0 len 80, opcode READ 15", CALLER, """
            08 07 06 05 04 03 02 81  ;  0 fh
            ff ff ff ff ff ff ff 7f  ;  8 offset 2^63-1
            ff ff ff ff              ; 16 size 2^32-1
            fd ff ff ff              ; 20 read_flags, all but LOCKOWNER
            00 00 00 00 00 00 00 00  ; 24 lock_owner
            02 80 00 00              ; 32 flags O_RDWR|O_LARGEFILE
            00 00 00 00              ; 36 padding
            """);

    static final byte[] WRITE = Bytes.of("54 00 00 00  10 00 00 00  ; 0 len 84, opcode WRITE 16", CALLER, """
            07 00 00 00 00 00 00 00  ;  0 fh 7
            05 00 00 00 00 00 00 00  ;  8 offset 5
            04 00 00 00              ; 16 size 4
            02 00 00 00              ; 20 write_flags LOCKOWNER
            11 11 11 11 11 11 11 11  ; 24 lock_owner
            02 80 00 00              ; 32 flags
            00 00 00 00              ; 36 padding
            2a 00 00 00              ; 40 data
            """);

    static final byte[] WRITE_BACK = Bytes.of("53 00 00 00  10 00 00 00  ; 0 len 83, opcode WRITE 16", CALLER, """
            07 00 00 00 00 00 00 00  ;  0 fh 7
            00 00 00 00 00 00 00 00  ;  8 offset 0
            03 00 00 00              ; 16 size 3
            01 00 00 00              ; 20 write_flags CACHE
            00 00 00 00 00 00 00 00  ; 24 lock_owner
            02 80 00 00              ; 32 flags
            00 00 00 00              ; 36 padding
            61 62 63                 ; 40 data
            """);

    static final byte[] STATFS = Bytes.of("28 00 00 00  11 00 00 00  ; 0 len 40, opcode STATFS 17", CALLER);

    static final byte[] RELEASE = Bytes.of("40 00 00 00  12 00 00 00  ; 0 len 64, opcode RELEASE 18", CALLER, """
            07 00 00 00 00 00 00 00  ; fh 7
            02 80 00 00              ; flags
            01 00 00 00              ; release_flags FLUSH
            11 11 11 11 11 11 11 11  ; lock_owner
            """);

    static final byte[] FLUSH = Bytes.of("40 00 00 00  19 00 00 00  ; 0 len 64, opcode FLUSH 25", CALLER, """
            07 00 00 00 00 00 00 00  ; fh 7
            00 00 00 00              ; unused
            00 00 00 00              ; padding
            11 11 11 11 11 11 11 11  ; lock_owner
            """);

    /** Linux 6.18. */
    static final byte[] INIT = Bytes.of("68 00 00 00  1a 00 00 00  ; 0 len 104, opcode INIT 26", CALLER, """
            07 00 00 00              ;  0 major 7
            2d 00 00 00              ;  4 minor 45
            00 00 02 00              ;  8 max_readahead 131072
            fb ff ff 73              ; 12 flags, INIT_EXT (bit 30) among them
            ff 01 00 00              ; 16 flags2, DIRECT_IO_ALLOW_MMAP, PASSTHROUGH, NO_EXPORT_SUPPORT, HAS_RESEND among them
            00 00 00 00 00 00 00 00  ; 20 unused[11]
            00 00 00 00 00 00 00 00
            00 00 00 00 00 00 00 00
            00 00 00 00 00 00 00 00
            00 00 00 00 00 00 00 00
            00 00 00 00
            """);

    /** Linux 5.4, whose structure ends before flags2. */
    static final byte[] INIT_SHORT = Bytes.of("38 00 00 00  1a 00 00 00  ; 0 len 56, opcode INIT 26", CALLER, """
            07 00 00 00              ;  0 major 7
            1f 00 00 00              ;  4 minor 31
            00 00 02 00              ;  8 max_readahead 131072
            fb ff ff 03              ; 12 flags
            """);

    static final byte[] OPENDIR = Bytes.of("30 00 00 00  1b 00 00 00  ; 0 len 48, opcode OPENDIR 27", CALLER, """
            00 80 09 00              ; flags
            00 00 00 00              ; open_flags
            """);

    static final byte[] READDIR = Bytes.of("50 00 00 00  1c 00 00 00  ; 0 len 80, opcode READDIR 28", CALLER, """
            07 00 00 00 00 00 00 00  ;  0 fh 7
            02 00 00 00 00 00 00 00  ;  8 offset 2
            00 80 00 00              ; 16 size 32768
            00 00 00 00              ; 20 read_flags
            00 00 00 00 00 00 00 00  ; 24 lock_owner
            00 80 01 00              ; 32 flags
            00 00 00 00              ; 36 padding
            """);

    static final byte[] RELEASEDIR =
            Bytes.of("40 00 00 00  1d 00 00 00  ; 0 len 64, opcode RELEASEDIR 29", CALLER, """
            07 00 00 00 00 00 00 00  ; fh 7
            00 80 01 00              ; flags
            00 00 00 00              ; release_flags
            00 00 00 00 00 00 00 00  ; lock_owner
            """);

    static final byte[] INTERRUPT = Bytes.of(
            "30 00 00 00  24 00 00 00  ; 0 len 48, opcode INTERRUPT 36",
            CALLER,
            "ee be ad de 02 01 00 80  ; unique of the request");

    static final byte[] DESTROY = Bytes.of("28 00 00 00  26 00 00 00  ; 0 len 40, opcode DESTROY 38", CALLER);

    static final byte[] IOCTL = Bytes.of("48 00 00 00  27 00 00 00  ; 0 len 72, opcode IOCTL 39", CALLER, """
            07 00 00 00 00 00 00 00  ;  0 fh 7
            00 00 00 00              ;  8 flags
            02 e4 00 00              ; 12 cmd 0xe402
            08 07 06 05 04 03 02 81  ; 16 arg
            00 00 00 00              ; 24 in_size
            00 00 00 00              ; 28 out_size
            """);

    static final byte[] POLL = Bytes.of("40 00 00 00  28 00 00 00  ; 0 len 64, opcode POLL 40", CALLER, """
            07 00 00 00 00 00 00 00  ;  0 fh 7
            09 08 07 06 05 04 03 82  ;  8 kh
            01 00 00 00              ; 16 flags SCHEDULE_NOTIFY
            41 00 00 00              ; 20 events POLLIN|POLLRDNORM
            """);

    static final byte[] POLL_LOOK = Bytes.of("40 00 00 00  28 00 00 00  ; 0 len 64, opcode POLL 40", CALLER, """
            07 00 00 00 00 00 00 00  ;  0 fh 7
            09 08 07 06 05 04 03 82  ;  8 kh
            fe ff ff ff              ; 16 flags, all but SCHEDULE_NOTIFY
            ff ff ff ff              ; 20 events
            """);

    static final byte[] BATCH_FORGET =
            Bytes.of("50 00 00 00  2a 00 00 00  ; 0 len 80, opcode BATCH_FORGET 42", CALLER, """
            02 00 00 00              ;  0 count 2
            00 00 00 00              ;  4 dummy
            10 00 00 00 00 00 00 00  ;  8 nodeid 16
            01 00 00 00 00 00 00 00  ; 16 nlookup 1
            11 00 00 00 00 00 00 80  ; 24 nodeid
            ff ff ff ff ff ff ff ff  ; 32 nlookup 2^64-1
            """);

    static final byte[] STATX = Bytes.of("40 00 00 00  34 00 00 00  ; 0 len 64, opcode STATX 52", CALLER, """
            00 00 00 00              ;  0 getattr_flags
            00 00 00 00              ;  4 reserved
            00 00 00 00 00 00 00 00  ;  8 fh
            00 00 00 00              ; 16 sx_flags
            ff 0f 00 00              ; 20 sx_mask
            """);

    private static final byte[] READLINK = Bytes.of("28 00 00 00  05 00 00 00  ; 0 len 40, opcode READLINK 5", CALLER);

    private static final byte[] SYMLINK = Bytes.of(
            "2c 00 00 00  06 00 00 00  ; 0 len 44, opcode SYMLINK 6", CALLER, "61 00 62 00  ; name a, target b");

    private static final byte[] MKNOD = Bytes.of("3a 00 00 00  08 00 00 00  ; 0 len 58, opcode MKNOD 8", CALLER, """
            a4 81 00 00  00 00 00 00  12 00 00 00  00 00 00 00  ; mode, rdev, umask, padding
            61 00                                               ; name
            """);

    private static final byte[] MKDIR = Bytes.of("32 00 00 00  09 00 00 00  ; 0 len 50, opcode MKDIR 9", CALLER, """
            ed 41 00 00  12 00 00 00  ; mode, umask
            61 00                     ; name
            """);

    private static final byte[] UNLINK =
            Bytes.of("2a 00 00 00  0a 00 00 00  ; 0 len 42, opcode UNLINK 10", CALLER, "61 00  ; name");

    private static final byte[] RMDIR =
            Bytes.of("2a 00 00 00  0b 00 00 00  ; 0 len 42, opcode RMDIR 11", CALLER, "61 00  ; name");

    private static final byte[] RENAME =
            Bytes.of("34 00 00 00  0c 00 00 00  ; 0 len 52, opcode RENAME 12", CALLER, """
            01 00 00 00 00 00 00 00  ; newdir
            61 00 62 00              ; old and new name
            """);

    private static final byte[] LINK = Bytes.of("32 00 00 00  0d 00 00 00  ; 0 len 50, opcode LINK 13", CALLER, """
            10 00 00 00 00 00 00 00  ; oldnodeid
            61 00                    ; new name
            """);

    private static final byte[] RENAME2 =
            Bytes.of("3c 00 00 00  2d 00 00 00  ; 0 len 60, opcode RENAME2 45", CALLER, """
            01 00 00 00 00 00 00 00  ; newdir
            01 00 00 00 00 00 00 00  ; flags NOREPLACE, padding
            61 00 62 00              ; old and new name
            """);

    /** With an extension, the caller's supplementary groups, at its end. */
    static final byte[] CREATE = Bytes.of("4a 00 00 00  23 00 00 00  ; 0 len 74, opcode CREATE 35", """
            ef be ad de 02 01 00 80  ; 8 unique
            10 00 00 00 00 00 00 00  ; 16 nodeid
            fe ff 00 00              ; 24 uid
            e9 03 00 00              ; 28 gid
            d2 04 00 00              ; 32 pid
            02 00                    ; 36 total_extlen, 2 times 8 bytes
            00 00                    ; 38 padding
            41 80 00 00  a4 81 00 00  12 00 00 00  00 00 00 00  ; flags, mode, umask, open_flags
            61 00                    ; name
            10 00 00 00  20 00 00 00  ; extension: size 16, type GROUPS
            01 00 00 00  64 00 00 00  ; one group: 100
            """);

    /** As no kernel sends it: a lookup needs no groups. So the name's end can be seen. */
    static final byte[] LOOKUP_EXTENDED = Bytes.of("3a 00 00 00  01 00 00 00  ; 0 len 58, opcode LOOKUP 1", """
            ef be ad de 02 01 00 80  ; 8 unique
            10 00 00 00 00 00 00 00  ; 16 nodeid
            fe ff 00 00              ; 24 uid
            e9 03 00 00              ; 28 gid
            d2 04 00 00              ; 32 pid
            02 00                    ; 36 total_extlen, 2 times 8 bytes
            00 00                    ; 38 padding
            61 00                    ; name
            10 00 00 00  20 00 00 00  ; extension: size 16, type GROUPS
            01 00 00 00  64 00 00 00  ; one group: 100
            """);

    private static final byte[] FSYNC = Bytes.of("38 00 00 00  14 00 00 00  ; 0 len 56, opcode FSYNC 20", CALLER, """
            07 00 00 00 00 00 00 00  ; fh 7
            00 00 00 00 00 00 00 00  ; fsync_flags, padding
            """);

    private static final byte[] GETXATTR =
            Bytes.of("41 00 00 00  16 00 00 00  ; 0 len 65, opcode GETXATTR 22", CALLER, """
            00 00 00 00 00 00 00 00        ; size, padding
            73 65 63 75 72 69 74 79 2e 63 61 70 61 62 69 6c 00  ; security.capabil
            """);

    private static final byte[] ACCESS = Bytes.of(
            "30 00 00 00  22 00 00 00  ; 0 len 48, opcode ACCESS 34",
            CALLER,
            "04 00 00 00  00 00 00 00  ; mask, padding");

    private static final byte[] LSEEK = Bytes.of("40 00 00 00  2e 00 00 00  ; 0 len 64, opcode LSEEK 46", CALLER, """
            07 00 00 00 00 00 00 00  ; fh 7
            00 00 00 00 00 00 00 00  ; offset
            03 00 00 00 00 00 00 00  ; whence SEEK_DATA, padding
            """);

    private static final byte[] UNKNOWN =
            Bytes.of("2c 00 00 00  ff ff ff ff  ; 0 len 44, opcode 2^32-1", CALLER, "01 02 03 04");

    /** Every opcode that is read into something of its own, and the chief ones that are not. */
    static List<Golden> all() {
        return List.of(
                new Golden("LOOKUP", LOOKUP, new Request.Lookup(header(1), "sysgenid")),
                new Golden("FORGET", FORGET, new Request.Forget(header(2), 3)),
                new Golden("GETATTR", GETATTR, new Request.GetAttributes(header(3))),
                new Golden(
                        "SETATTR",
                        SETATTR,
                        new Request.SetAttributes(header(4), 0x4f, 0x8000_0001_0203_0405L, 0100640, 1000, 100)),
                new Golden("READLINK", READLINK, new Request.Unsupported(header(5))),
                new Golden("SYMLINK", SYMLINK, new Request.ChangeDirectory(header(6))),
                new Golden("MKNOD", MKNOD, new Request.ChangeDirectory(header(8))),
                new Golden("MKDIR", MKDIR, new Request.MakeDirectory(header(9), "a", 0x41ed, 0x12)),
                new Golden("UNLINK", UNLINK, new Request.ChangeDirectory(header(10))),
                new Golden("RMDIR", RMDIR, new Request.RemoveDirectory(header(11), "a")),
                new Golden("RENAME", RENAME, new Request.ChangeDirectory(header(12))),
                new Golden("LINK", LINK, new Request.ChangeDirectory(header(13))),
                new Golden("OPEN", OPEN, new Request.Open(header(14), 0x8802)),
                new Golden("READ", READ, new Request.Read(header(15), 7, 8192, 4096, 0x8800, true)),
                new Golden(
                        "READ of a page fault",
                        READ_FAULT,
                        new Request.Read(header(15), 0x8102_0304_0506_0708L, Long.MAX_VALUE, -1, 0x8002, false)),
                new Golden("WRITE", WRITE, new Request.Write(header(16), 7, 5, new byte[] {42, 0, 0, 0}, true)),
                new Golden(
                        "WRITE of the page cache",
                        WRITE_BACK,
                        new Request.Write(header(16), 7, 0, new byte[] {'a', 'b', 'c'}, false)),
                new Golden("STATFS", STATFS, new Request.StatFileSystem(header(17))),
                new Golden("RELEASE", RELEASE, new Request.Release(header(18), 7)),
                new Golden("FSYNC", FSYNC, new Request.Unsupported(header(20))),
                new Golden("GETXATTR", GETXATTR, new Request.Unsupported(header(22))),
                new Golden("FLUSH", FLUSH, new Request.Flush(header(25), 7)),
                new Golden("INIT", INIT, new Request.Initialize(header(26), 7, 45, 131072, 0x73ff_fffb, 0x1ff)),
                new Golden(
                        "INIT of Linux 5.4",
                        INIT_SHORT,
                        new Request.Initialize(header(26), 7, 31, 131072, 0x03ff_fffb, 0)),
                new Golden("OPENDIR", OPENDIR, new Request.OpenDirectory(header(27))),
                new Golden("READDIR", READDIR, new Request.ReadDirectory(header(28), 7, 2, 32768)),
                new Golden("RELEASEDIR", RELEASEDIR, new Request.ReleaseDirectory(header(29), 7)),
                new Golden("ACCESS", ACCESS, new Request.Unsupported(header(34))),
                new Golden("CREATE, extended", CREATE, new Request.ChangeDirectory(header(35))),
                new Golden("LOOKUP, extended", LOOKUP_EXTENDED, new Request.Lookup(header(1), "a")),
                new Golden("INTERRUPT", INTERRUPT, new Request.Interrupt(header(36), 0x8000_0102_dead_beeeL)),
                new Golden("DESTROY", DESTROY, new Request.Destroy(header(38))),
                new Golden("IOCTL", IOCTL, new Request.Ioctl(header(39), 7, 0xe402, 0x8102_0304_0506_0708L)),
                new Golden("POLL and sleep", POLL, new Request.Poll(header(40), 7, 0x8203_0405_0607_0809L, true)),
                new Golden("POLL", POLL_LOOK, new Request.Poll(header(40), 7, 0x8203_0405_0607_0809L, false)),
                new Golden(
                        "BATCH_FORGET",
                        BATCH_FORGET,
                        new Request.BatchForget(
                                header(42), new long[] {16, 0x8000_0000_0000_0011L}, new long[] {1, -1})),
                new Golden("RENAME2", RENAME2, new Request.ChangeDirectory(header(45))),
                new Golden("LSEEK", LSEEK, new Request.Unsupported(header(46))),
                new Golden("STATX", STATX, new Request.GetExtendedAttributes(header(52))),
                new Golden("an opcode of the future", UNKNOWN, new Request.Unsupported(header(-1))));
    }

    private Messages() {}

    /** A copy with another number. */
    static byte[] numbered(byte[] message, long unique) {
        byte[] copy = message.clone();
        Bytes.view(copy).putLong(8, unique);
        return copy;
    }

    /** A copy that ends after {@code length} bytes or is filled with zeros up to there, and says so in its header. */
    static byte[] resized(byte[] message, int length) {
        byte[] copy = java.util.Arrays.copyOf(message, length);
        if (length >= 4) {
            Bytes.view(copy).putInt(0, length);
        }
        return copy;
    }
}
