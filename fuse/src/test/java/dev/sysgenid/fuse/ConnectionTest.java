// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.fuse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sysgenid.fuse.Connection.DirectoryEntry;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Unistd;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What each reply and notification is, byte by byte; one write is one message. */
class ConnectionTest {
    private static final long UNIQUE = 0x8000_0102_dead_beefL;
    private static final String UNIQUE_HEX = "ef be ad de 02 01 00 80  ; unique";

    private static final Attributes ATTRIBUTES =
            new Attributes(4, 0100640, 3, 1000, 100, 4097, 0x0102_0304_0506L, 999_999_999);

    /** {@code fuse_attr} of {@link #ATTRIBUTES}. */
    private static final String ATTR = """
            04 00 00 00 00 00 00 00  ;  0 ino 4
            01 10 00 00 00 00 00 00  ;  8 size 4097
            09 00 00 00 00 00 00 00  ; 16 blocks 9, of 512 bytes
            06 05 04 03 02 01 00 00  ; 24 atime
            06 05 04 03 02 01 00 00  ; 32 mtime
            06 05 04 03 02 01 00 00  ; 40 ctime
            ff c9 9a 3b              ; 48 atimensec 999999999
            ff c9 9a 3b              ; 52 mtimensec
            ff c9 9a 3b              ; 56 ctimensec
            a0 81 00 00              ; 60 mode 0100640
            03 00 00 00              ; 64 nlink 3
            e8 03 00 00              ; 68 uid 1000
            64 00 00 00              ; 72 gid 100
            00 00 00 00              ; 76 rdev
            00 10 00 00              ; 80 blksize 4096
            00 00 00 00              ; 84 flags
            """;

    private FakeKernel kernel;
    private Connection connection;

    /** Each reply is built where a long one of set bits was before, so that what is left of that shows. */
    @BeforeEach
    void fillTheBuffer() throws Exception {
        kernel = new FakeKernel();
        connection = kernel.connection;
        byte[] dirt = new byte[1024];
        Arrays.fill(dirt, (byte) 0xff);
        connection.replyData(1, dirt, 0, dirt.length);
        assertThat(kernel.takeOrNothing()).hasSize(16 + 1024);
    }

    @AfterEach
    void release() {
        kernel.close();
    }

    /** One message, and no second one. */
    private void sent(String... golden) {
        kernel.expect(golden);
        kernel.expectNothing();
    }

    @Test
    void error() {
        connection.replyError(UNIQUE, Errno.ENOENT);
        sent("10 00 00 00  fe ff ff ff  ; len 16, error -ENOENT", UNIQUE_HEX);
    }

    @Test
    void ok() {
        connection.replyOk(UNIQUE);
        sent("10 00 00 00  00 00 00 00  ; len 16", UNIQUE_HEX);
    }

    @Test
    void entry() {
        connection.replyEntry(UNIQUE, 0x1122_3344_5566_7788L, ATTRIBUTES);
        sent("90 00 00 00  00 00 00 00  ; len 144", UNIQUE_HEX, """
            88 77 66 55 44 33 22 11  ;  0 nodeid
            00 00 00 00 00 00 00 00  ;  8 generation
            00 00 00 00 00 00 00 00  ; 16 entry_valid 0: looked up again at the next use
            01 00 00 00 00 00 00 00  ; 24 attr_valid 1 s
            00 00 00 00              ; 32 entry_valid_nsec
            00 00 00 00              ; 36 attr_valid_nsec
            """, ATTR);
    }

    @Test
    void attributes() {
        connection.replyAttributes(UNIQUE, ATTRIBUTES);
        sent("78 00 00 00  00 00 00 00  ; len 120", UNIQUE_HEX, """
            01 00 00 00 00 00 00 00  ; 0 attr_valid 1 s
            00 00 00 00              ; 8 attr_valid_nsec
            00 00 00 00              ; 12 dummy
            """, ATTR);
    }

    @Test
    void extendedAttributes() {
        connection.replyExtendedAttributes(UNIQUE, ATTRIBUTES);
        sent("30 01 00 00  00 00 00 00  ; len 304", UNIQUE_HEX, """
            01 00 00 00 00 00 00 00  ;   0 attr_valid 1 s
            00 00 00 00              ;   8 attr_valid_nsec
            00 00 00 00              ;  12 flags
            00 00 00 00 00 00 00 00  ;  16 spare
            00 00 00 00 00 00 00 00  ;  24 spare
                                     ; statx
            ff 07 00 00              ;   0 mask BASIC_STATS
            00 10 00 00              ;   4 blksize 4096
            00 00 00 00 00 00 00 00  ;   8 attributes
            03 00 00 00              ;  16 nlink 3
            e8 03 00 00              ;  20 uid 1000
            64 00 00 00              ;  24 gid 100
            a0 81                    ;  28 mode 0100640
            00 00                    ;  30 spare
            04 00 00 00 00 00 00 00  ;  32 ino 4
            01 10 00 00 00 00 00 00  ;  40 size 4097
            09 00 00 00 00 00 00 00  ;  48 blocks 9
            00 00 00 00 00 00 00 00  ;  56 attributes_mask
            06 05 04 03 02 01 00 00  ff c9 9a 3b  00 00 00 00  ;  64 atime
            00 00 00 00 00 00 00 00  00 00 00 00  00 00 00 00  ;  80 btime, which the mask does not promise
            06 05 04 03 02 01 00 00  ff c9 9a 3b  00 00 00 00  ;  96 ctime
            06 05 04 03 02 01 00 00  ff c9 9a 3b  00 00 00 00  ; 112 mtime
            00 00 00 00              ; 128 rdev_major
            00 00 00 00              ; 132 rdev_minor
            00 00 00 00              ; 136 dev_major
            00 00 00 00              ; 140 dev_minor
            """, "00".repeat(14 * 8) + "  ; 144 spare");
    }

    @Test
    void open() {
        connection.replyOpen(
                UNIQUE, 0x1122_3344_5566_7788L, OpenFlags.DIRECT_IO | OpenFlags.NO_FLUSH | OpenFlags.PASSTHROUGH, 513);
        sent("20 00 00 00  00 00 00 00  ; len 32", UNIQUE_HEX, """
            88 77 66 55 44 33 22 11  ;  0 fh
            a1 00 00 00              ;  8 open_flags DIRECT_IO 1, NOFLUSH 32, PASSTHROUGH 128
            01 02 00 00              ; 12 backing_id 513
            """);
    }

    @Test
    void theOtherOpenFlag() {
        connection.replyOpen(UNIQUE, 7, OpenFlags.PARALLEL_DIRECT_WRITES, 0);
        sent("20 00 00 00  00 00 00 00  ; len 32", UNIQUE_HEX, """
            07 00 00 00 00 00 00 00  ;  0 fh
            40 00 00 00              ;  8 open_flags PARALLEL_DIRECT_WRITES 64
            00 00 00 00              ; 12 backing_id
            """);
    }

    @Test
    void data() {
        connection.replyData(UNIQUE, new byte[] {1, 2, 3, 4, 5, 6}, 1, 3);
        sent("13 00 00 00  00 00 00 00  ; len 19", UNIQUE_HEX, "02 03 04  ; data");
    }

    @Test
    void noDataIsTheEndOfTheFile() {
        connection.replyData(UNIQUE, new byte[] {1}, 1, 0);
        sent("10 00 00 00  00 00 00 00  ; len 16", UNIQUE_HEX);
    }

    @Test
    void asMuchDataAsFits() {
        byte[] data = new byte[Connection.MAX_READ_REPLY];
        for (int i = 0; i < data.length; i++) {
            data[i] = (byte) (i * 31);
        }
        connection.replyData(UNIQUE, data, 0, data.length);
        byte[] reply = kernel.takeOrNothing();
        assertThat(reply).hasSize(65536);
        assertThat(Bytes.view(reply).getInt(0)).isEqualTo(65536);
        assertThat(Arrays.copyOfRange(reply, 16, reply.length)).isEqualTo(data);
    }

    @Test
    void moreDataThanFitsIsRefusedAndNothingIsSent() {
        assertThatThrownBy(() -> connection.replyData(
                        UNIQUE, new byte[Connection.MAX_READ_REPLY + 1], 0, Connection.MAX_READ_REPLY + 1))
                .isInstanceOf(IndexOutOfBoundsException.class);
        kernel.expectNothing();
    }

    @Test
    void number() {
        connection.replyInt(UNIQUE, 0x8102_0304);
        sent("14 00 00 00  00 00 00 00  ; len 20", UNIQUE_HEX, "04 03 02 81  ; in host byte order");
    }

    @Test
    void written() {
        connection.replyWritten(UNIQUE, 4);
        sent("18 00 00 00  00 00 00 00  ; len 24", UNIQUE_HEX, """
            04 00 00 00  ; 0 size
            00 00 00 00  ; 4 padding
            """);
    }

    @Test
    void ioctl() {
        connection.replyIoctl(UNIQUE, 10_000);
        sent("20 00 00 00  00 00 00 00  ; len 32", UNIQUE_HEX, """
            10 27 00 00  ;  0 result 10000
            00 00 00 00  ;  4 flags
            00 00 00 00  ;  8 in_iovs
            00 00 00 00  ; 12 out_iovs
            """);
    }

    @Test
    void poll() {
        connection.replyPoll(UNIQUE, 0x41);
        sent("18 00 00 00  00 00 00 00  ; len 24", UNIQUE_HEX, """
            41 00 00 00  ; 0 revents POLLIN|POLLRDNORM
            00 00 00 00  ; 4 padding
            """);
    }

    @Test
    void fileSystem() {
        connection.replyFileSystem(UNIQUE);
        sent("60 00 00 00  00 00 00 00  ; len 96", UNIQUE_HEX, """
            00 00 00 00 00 00 00 00  ;  0 blocks
            00 00 00 00 00 00 00 00  ;  8 bfree
            00 00 00 00 00 00 00 00  ; 16 bavail
            00 00 00 00 00 00 00 00  ; 24 files
            00 00 00 00 00 00 00 00  ; 32 ffree
            00 10 00 00              ; 40 bsize 4096
            ff 00 00 00              ; 44 namelen 255
            00 10 00 00              ; 48 frsize 4096
            00 00 00 00              ; 52 padding
            00 00 00 00 00 00 00 00  ; 56 spare[6]
            00 00 00 00 00 00 00 00
            00 00 00 00 00 00 00 00
            """);
    }

    private static final List<DirectoryEntry> ENTRIES = List.of(
            new DirectoryEntry(".", 1, 0040755),
            new DirectoryEntry("sysgenid", 0x1122_3344_5566_7788L, 0100666),
            new DirectoryEntry("w\u00e4chter", 3, 0120777));

    private static final String DOT = """
            01 00 00 00 00 00 00 00  ;  0 ino 1
            01 00 00 00 00 00 00 00  ;  8 off 1: where the next entry is
            01 00 00 00              ; 16 namelen
            04 00 00 00              ; 20 type DT_DIR
            2e 00 00 00 00 00 00 00  ; 24 .
            """;
    private static final String SYSGENID = """
            88 77 66 55 44 33 22 11  ;  0 ino
            02 00 00 00 00 00 00 00  ;  8 off 2
            08 00 00 00              ; 16 namelen
            08 00 00 00              ; 20 type DT_REG
            73 79 73 67 65 6e 69 64  ; 24 sysgenid, without a zero byte
            """;
    private static final String WATCHER = """
            03 00 00 00 00 00 00 00  ;  0 ino 3
            03 00 00 00 00 00 00 00  ;  8 off 3
            08 00 00 00              ; 16 namelen 8: bytes, not characters
            0a 00 00 00              ; 20 type DT_LNK
            77 c3 a4 63 68 74 65 72  ; 24 name
            """;

    @Test
    void directory() {
        connection.replyDirectory(UNIQUE, ENTRIES, 0, 4096);
        sent("70 00 00 00  00 00 00 00  ; len 112", UNIQUE_HEX, DOT, SYSGENID, WATCHER);
    }

    @Test
    void directoryFromWhereTheReaderIs() {
        connection.replyDirectory(UNIQUE, ENTRIES, 1, 4096);
        sent("50 00 00 00  00 00 00 00  ; len 80", UNIQUE_HEX, SYSGENID, WATCHER);
        connection.replyDirectory(UNIQUE, ENTRIES, 2, 4096);
        sent("30 00 00 00  00 00 00 00  ; len 48", UNIQUE_HEX, WATCHER);
    }

    @Test
    void directoryWithGaps() {
        List<DirectoryEntry> gaps = new ArrayList<>(ENTRIES);
        gaps.set(1, null);
        gaps.add(null);
        connection.replyDirectory(UNIQUE, gaps, 1, 4096);
        sent("30 00 00 00  00 00 00 00  ; len 48", UNIQUE_HEX, WATCHER);
    }

    @ParameterizedTest
    @ValueSource(longs = {3, 4, Integer.MAX_VALUE, 1L << 32, Long.MAX_VALUE})
    void directoryAtItsEnd(long offset) {
        connection.replyDirectory(UNIQUE, ENTRIES, offset, 4096);
        sent("10 00 00 00  00 00 00 00  ; len 16", UNIQUE_HEX);
    }

    @Test
    void directoryWithWholeEntriesOnly() {
        for (int size = 0; size < 32; size++) {
            connection.replyDirectory(UNIQUE, ENTRIES, 0, size);
            sent("10 00 00 00  00 00 00 00  ; len 16", UNIQUE_HEX);
        }
        for (int size = 32; size < 64; size++) {
            connection.replyDirectory(UNIQUE, ENTRIES, 0, size);
            sent("30 00 00 00  00 00 00 00  ; len 48", UNIQUE_HEX, DOT);
        }
        connection.replyDirectory(UNIQUE, ENTRIES, 0, 64);
        sent("50 00 00 00  00 00 00 00  ; len 80", UNIQUE_HEX, DOT, SYSGENID);
        connection.replyDirectory(UNIQUE, ENTRIES, 0, -1); // 2^32-1
        sent("70 00 00 00  00 00 00 00  ; len 112", UNIQUE_HEX, DOT, SYSGENID, WATCHER);
    }

    @Test
    void aDirectoryLongerThanTheBufferIsReadInParts() {
        List<DirectoryEntry> many = java.util.stream.IntStream.range(0, 3000)
                .mapToObj(i -> new DirectoryEntry("entr%04d".formatted(i), i, 0100644))
                .toList();
        connection.replyDirectory(UNIQUE, many, 0, Integer.MAX_VALUE);
        byte[] reply = kernel.takeOrNothing();
        assertThat(reply.length).isBetween(65536 - 32, 65536);
        assertThat((reply.length - 16) % 32).isZero();
    }

    @Test
    void init() {
        connection.replyInit(UNIQUE, 131072, 0x4000_0000, 0x70);
        sent("50 00 00 00  00 00 00 00  ; len 80", UNIQUE_HEX, """
            07 00 00 00              ;  0 major 7
            2d 00 00 00              ;  4 minor 45
            00 00 02 00              ;  8 max_readahead 131072
            00 00 00 40              ; 12 flags INIT_EXT
            ff ff                    ; 16 max_background 65535
            ff ff                    ; 18 congestion_threshold 65535
            00 10 00 00              ; 20 max_write 4096
            01 00 00 00              ; 24 time_gran 1 ns
            00 00                    ; 28 max_pages
            00 00                    ; 30 map_alignment
            70 00 00 00              ; 32 flags2 DIRECT_IO_ALLOW_MMAP, PASSTHROUGH, NO_EXPORT_SUPPORT
            01 00 00 00              ; 36 max_stack_depth 1, without which passthrough is silently off
            00 00                    ; 40 request_timeout, never
            00 00                    ; 42 unused[11]
            00 00 00 00
            00 00 00 00 00 00 00 00
            00 00 00 00 00 00 00 00
            """);
    }

    @Test
    void wakeUp() {
        connection.notifyPoll(0x1122_3344_5566_7788L);
        sent("""
            18 00 00 00              ;  0 len 24
            01 00 00 00              ;  4 code POLL
            00 00 00 00 00 00 00 00  ;  8 unique 0: a notification
            88 77 66 55 44 33 22 11  ; kh
            """);
    }

    @Test
    void resend() {
        assertThat(connection.requestResend()).isZero();
        sent("""
            10 00 00 00              ;  0 len 16
            07 00 00 00              ;  4 code RESEND
            00 00 00 00 00 00 00 00  ;  8 unique 0: a notification
            """);
    }

    @Test
    void whetherANodeIsKnownIsAskedByInvalidatingItsAttributesAlone() {
        assertThat(connection.knowsNode(0x1122_3344_5566_7788L)).isTrue();
        sent("""
            28 00 00 00              ;  0 len 40
            02 00 00 00              ;  4 code INVAL_INODE
            00 00 00 00 00 00 00 00  ;  8 unique 0: a notification
            88 77 66 55 44 33 22 11  ; nodeid
            ff ff ff ff ff ff ff ff  ; offset -1: no pages
            00 00 00 00 00 00 00 00  ; length
            """);
    }

    @Test
    void store() {
        connection.notifyStore(0x1122_3344_5566_7788L, 24, new byte[] {42, 0, 0, 0});
        sent("""
            2c 00 00 00              ;  0 len 44
            04 00 00 00              ;  4 code STORE
            00 00 00 00 00 00 00 00  ;  8 unique 0: a notification
            88 77 66 55 44 33 22 11  ;  0 nodeid
            18 00 00 00 00 00 00 00  ;  8 offset
            04 00 00 00              ; 16 size 4
            00 00 00 00              ; 20 padding
            2a 00 00 00              ; data
            """);
    }

    @Test
    void storeOfAWholePage() {
        connection.notifyStore(16, 0, new byte[4096]);
        byte[] message = kernel.takeOrNothing();
        assertThat(message).hasSize(16 + 24 + 4096);
        assertThat(Bytes.view(message).getInt(0)).isEqualTo(message.length);
        assertThat(Bytes.view(message).getInt(16 + 16)).isEqualTo(4096);
    }

    /** The storing thread and the loop's thread write at the same time; neither may spoil the other's message. */
    @Test
    void aStoreHasABufferOfItsOwn() throws Exception {
        int rounds = 20_000;
        kernel.letWritesWait();
        Thread storing = Thread.ofPlatform().start(() -> {
            for (int i = 0; i < rounds; i++) {
                connection.notifyStore(16, 0, new byte[] {1, 2, 3, 4});
            }
        });
        Thread looping = Thread.ofPlatform().start(() -> {
            for (int i = 0; i < rounds; i++) {
                connection.notifyPoll(17);
            }
        });
        byte[] stored = Bytes.of("""
            2c 00 00 00  04 00 00 00  00 00 00 00 00 00 00 00
            10 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  04 00 00 00  00 00 00 00  01 02 03 04
            """);
        byte[] woken = Bytes.of("18 00 00 00  01 00 00 00  00 00 00 00 00 00 00 00  11 00 00 00 00 00 00 00");
        int stores = 0;
        int wakeUps = 0;
        while (stores + wakeUps < 2 * rounds) {
            byte[] message = kernel.takeOrNothing();
            if (message.length == woken.length) {
                assertThat(message).isEqualTo(woken);
                wakeUps++;
            } else if (message.length > 0) {
                assertThat(message).isEqualTo(stored);
                stores++;
            }
        }
        storing.join();
        looping.join();
        assertThat(wakeUps).isEqualTo(rounds);
        kernel.expectNothing();
    }

    @Test
    void tellsItsDescriptor() {
        kernel.give(Messages.GETATTR);
        assertThat(connection.receive()).isEqualTo(56);
        assertThat(connection.descriptor()).isNotNegative();
        assertThat(Unistd.read(connection.descriptor(), java.lang.foreign.MemorySegment.NULL, 0))
                .isZero();
    }

    @Test
    void receivesOneMessageAtATime() {
        kernel.give(Messages.GETATTR);
        kernel.give(Messages.LOOKUP);
        assertThat(connection.receive()).isEqualTo(56);
        assertThat(connection.request(56)).isInstanceOf(Request.GetAttributes.class);
        assertThat(connection.receive()).isEqualTo(49);
        assertThat(connection.request(49)).isInstanceOf(Request.Lookup.class);
        assertThat(connection.receive()).isEqualTo(-Errno.EAGAIN);
    }

    /** The descriptor's other side is a device that was never mounted: no caller is there to be answered. */
    @Test
    void aReplyToNobodyIsDropped() {
        int device = Unistd.open("/dev/fuse", Unistd.O_RDWR | Unistd.O_CLOEXEC, 0);
        assertThat(device).as("/dev/fuse").isNotNegative();
        try (Arena arena = Arena.ofConfined()) {
            List<String> log = new ArrayList<>();
            Connection unmounted = new Connection(device, log::add, arena);
            unmounted.replyOk(7);
            unmounted.replyError(7, Errno.EIO);
            unmounted.notifyPoll(1);
            unmounted.notifyStore(1, 0, new byte[4]);
            assertThat(log).isEmpty();
        } finally {
            Unistd.close(device);
        }
    }

    @Test
    void aReplyThatIsRefusedIsADefectAndTheLogSaysWhich() {
        kernel.closeConnection();
        connection.replyWritten(UNIQUE, 4);
        assertThat(kernel.log).singleElement().asString().contains("defect", "24 bytes", "EBADF");
    }

    @Test
    void aReplyThatIsTakenInPartIsADefect() {
        int[] pipe = new int[2];
        assertThat(Unistd.pipe2(pipe, Unistd.O_CLOEXEC | Unistd.O_NONBLOCK)).isZero();
        try (Arena arena = Arena.ofConfined()) {
            assertThat(Unistd.fcntl(pipe[1], Unistd.F_SETPIPE_SZ, 4096)).isEqualTo(4096);
            List<String> log = new ArrayList<>();
            Connection narrow = new Connection(pipe[1], log::add, arena);
            narrow.replyData(7, new byte[5000], 0, 5000);
            assertThat(log).singleElement().asString().contains("defect", "5016 bytes", "only 4096");
        } finally {
            Unistd.close(pipe[0]);
            Unistd.close(pipe[1]);
        }
    }

    @Test
    void backingNeedsTheKernel() {
        assertThat(connection.openBacking(0)).isEqualTo(-Errno.ENOTTY);
        assertThat(kernel.log).isEmpty();
        connection.closeBacking(513);
        assertThat(kernel.log).singleElement().asString().contains("defect", "513", "ENOTTY");
    }
}
