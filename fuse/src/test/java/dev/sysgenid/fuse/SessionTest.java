// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.fuse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sysgenid.fuse.Messages.Golden;
import dev.sysgenid.fuse.Session.Outcome;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Unistd;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class SessionTest {
    /** FORGET, INTERRUPT and BATCH_FORGET: the kernel waits for no answer. */
    static final Set<Integer> UNANSWERED = Set.of(2, 36, 42);

    private static final int INIT_EXT = 1 << 30;
    private static final int ALLOW_MMAP = 0x10;
    private static final int PASSTHROUGH = 0x20;
    private static final int NO_EXPORT = 0x40;
    private static final int ALL = -1;

    private FakeKernel kernel;
    private Session session;
    private AnsweringFileSystem files;

    @BeforeEach
    void connect() throws Exception {
        kernel = new FakeKernel();
        session = new Session(kernel.connection, true);
        files = new AnsweringFileSystem(kernel.connection);
    }

    @AfterEach
    void release() {
        assertThat(kernel.log).as("messages that were refused").isEmpty();
        kernel.close();
    }

    private static byte[] init(int major, int minor, int flags, int flags2) {
        byte[] message = Messages.INIT.clone();
        Bytes.view(message)
                .putInt(40, major)
                .putInt(44, minor)
                .putInt(52, flags)
                .putInt(56, flags2);
        return message;
    }

    private void serve(byte[] message) {
        kernel.give(message);
        assertThat(session.serveOne()).isEqualTo(Outcome.SERVED);
    }

    /** The reply to an INIT, after a look at what is the same in all of them. */
    private ByteBuffer initReply() {
        ByteBuffer reply = Bytes.view(kernel.takeOrNothing());
        assertThat(reply.limit()).isEqualTo(80);
        assertThat(reply.getInt(4)).as("error").isZero();
        assertThat(reply.getLong(8)).isEqualTo(Messages.UNIQUE);
        assertThat(reply.getInt(16)).as("major").isEqualTo(7);
        assertThat(reply.getInt(20)).as("minor").isEqualTo(45);
        assertThat(reply.getInt(24)).as("max_readahead").isEqualTo(131072);
        assertThat(reply.getShort(16 + 40)).as("request_timeout").isZero();
        return reply;
    }

    private void start() {
        serve(Messages.INIT);
        initReply();
        session.start(files);
    }

    // The handshake.

    @Test
    void nothingIsAgreedBeforeTheHandshake() {
        assertThat(session.initialized()).isFalse();
        assertThat(session.passthrough()).isFalse();
        assertThat(session.sharedMappings()).isFalse();
        assertThat(session.hasDeferred()).isFalse();
    }

    @ParameterizedTest
    @CsvSource({
        // offered, wanted, agreed, passthrough, shared mappings
        "0x1ff, true,  0x70, true,  true",
        "0x1ff, false, 0x50, false, true",
        "-1,    true,  0x70, true,  true",
        "-1,    false, 0x50, false, true",
        "0x20,  true,  0x20, true,  false",
        "0x20,  false, 0x00, false, false",
        "0x10,  true,  0x10, false, true",
        "0x40,  true,  0x40, false, false",
        "0x80,  true,  0x00, false, false",
        "0x00,  true,  0x00, false, false",
    })
    void agreesToWhatBothWant(String offered, boolean wanted, String agreed, boolean passthrough, boolean shared) {
        session = new Session(kernel.connection, wanted);
        serve(init(7, 45, ALL, Integer.decode(offered)));
        ByteBuffer reply = initReply();
        assertThat(reply.getInt(16 + 12)).as("flags").isEqualTo(INIT_EXT);
        assertThat(reply.getInt(16 + 32)).as("flags2").isEqualTo(Integer.decode(agreed));
        assertThat(session.initialized()).isTrue();
        assertThat(session.passthrough()).isEqualTo(passthrough);
        assertThat(session.sharedMappings()).isEqualTo(shared);
        kernel.expectNothing();
    }

    @Test
    void secondFlagsCountOnlyWhereTheFirstSaySo() {
        serve(init(7, 36, ~INIT_EXT, ALLOW_MMAP | PASSTHROUGH | NO_EXPORT));
        ByteBuffer reply = initReply();
        assertThat(reply.getInt(16 + 12)).isZero();
        assertThat(reply.getInt(16 + 32)).isZero();
        assertThat(session.initialized()).isTrue();
        assertThat(session.passthrough()).isFalse();
        assertThat(session.sharedMappings()).isFalse();
    }

    @Test
    void anOldKernelSendsAShorterMessage() {
        serve(Messages.INIT_SHORT);
        assertThat(initReply().getInt(16 + 32)).isZero();
        assertThat(session.initialized()).isTrue();
        assertThat(session.passthrough()).isFalse();
    }

    @ParameterizedTest
    @CsvSource({"7, 31", "7, 38", "7, 45", "7, 46", "7, 1000", "7, 2147483647"})
    void versionsThatAreSpoken(int major, int minor) {
        serve(init(major, minor, ALL, ALL));
        initReply();
        assertThat(session.initialized()).isTrue();
    }

    @ParameterizedTest
    @CsvSource({"7, 30", "7, 0", "7, -1", "6, 45", "1, 0", "0, 0", "-1, 45"})
    void versionsThatAreNot(int major, int minor) {
        serve(init(major, minor, ALL, ALL));
        kernel.expectError(Messages.UNIQUE, Errno.EPROTO);
        assertThat(session.initialized()).isFalse();
        assertThat(session.passthrough()).isFalse();
        // A kernel that can do better may ask again.
        serve(Messages.INIT);
        initReply();
        assertThat(session.initialized()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(ints = {8, 9, Integer.MAX_VALUE})
    void aNewerMajorVersionIsToldOursAndAsksAgain(int major) {
        serve(init(major, 0, ALL, ALL));
        initReply();
        assertThat(session.initialized()).isFalse();
        serve(Messages.INIT);
        assertThat(initReply().getInt(16 + 32)).isEqualTo(ALLOW_MMAP | PASSTHROUGH | NO_EXPORT);
        assertThat(session.initialized()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(ints = {6, 7, 8})
    void aSecondHandshakeIsRefusedAndChangesNothing(int major) {
        start();
        serve(init(major, 45, INIT_EXT, 0));
        kernel.expectError(Messages.UNIQUE, Errno.EIO);
        kernel.expectNothing();
        assertThat(session.initialized()).isTrue();
        assertThat(session.passthrough()).isTrue();
        assertThat(session.sharedMappings()).isTrue();
        assertThat(files.malformed).containsExactly("a second handshake");
        assertThat(files.failed).isEmpty();
        goesOn();
    }

    @Test
    void aSecondHandshakeIsRefusedBeforeTheStartToo() {
        serve(Messages.INIT);
        initReply();
        serve(init(7, 45, 0, 0));
        kernel.expectError(Messages.UNIQUE, Errno.EIO);
        assertThat(session.passthrough()).isTrue();
    }

    @ParameterizedTest
    @MethodSource("requests")
    void nothingElseIsServedBeforeTheStart(Golden golden) {
        serve(golden.bytes());
        if (!UNANSWERED.contains(golden.request().header().opcode())) {
            kernel.expectError(Messages.UNIQUE, Errno.EIO);
        }
        kernel.expectNothing();
        assertThat(session.initialized()).isFalse();
    }

    // One request after the other.

    static Stream<Golden> requests() {
        return Messages.all().stream().filter(golden -> !(golden.request() instanceof Request.Initialize));
    }

    static Stream<Golden> requestsForTheFileSystem() {
        return requests().filter(golden -> switch (golden.request()) {
            case Request.Lookup _,
                    Request.Forget _,
                    Request.BatchForget _,
                    Request.GetAttributes _,
                    Request.GetExtendedAttributes _,
                    Request.SetAttributes _,
                    Request.Open _,
                    Request.Read _,
                    Request.ReadDirectory _,
                    Request.Write _,
                    Request.Ioctl _,
                    Request.Poll _,
                    Request.Release _,
                    Request.Interrupt _ -> true;
            default -> false;
        });
    }

    private static List<Object> expectedQuestions(Request request) {
        return switch (request) {
            case Request.Forget _ -> List.of("forget 16 3");
            case Request.BatchForget _ -> List.of("forget 16 1", "forget 9223372036854775825 18446744073709551615");
            case Request.Interrupt _ -> List.of("interrupt 80000102deadbeee");
            default -> List.of(request);
        };
    }

    @ParameterizedTest
    @MethodSource("requestsForTheFileSystem")
    void theFileSystemIsAskedOnceAndItsAnswerIsTheOnlyOne(Golden golden) {
        start();
        serve(golden.bytes());
        assertThat(files.asked)
                .usingRecursiveFieldByFieldElementComparator()
                .containsExactlyElementsOf(expectedQuestions(golden.request()));
        if (!UNANSWERED.contains(golden.request().header().opcode())) {
            byte[] reply = kernel.takeOrNothing();
            assertThat(Bytes.view(reply).getLong(8)).isEqualTo(Messages.UNIQUE);
            assertThat(Bytes.view(reply).getInt(4)).isZero();
        }
        kernel.expectNothing();
        assertThat(files.failed).isEmpty();
        assertThat(files.malformed).isEmpty();
    }

    @Test
    void whatTheSessionAnswersAlone() {
        start();
        serve(Messages.OPENDIR);
        kernel.expect("20 00 00 00  00 00 00 00  ef be ad de 02 01 00 80", "00".repeat(16));
        serve(Messages.RELEASEDIR);
        kernel.expect("10 00 00 00  00 00 00 00  ef be ad de 02 01 00 80");
        serve(Messages.FLUSH);
        kernel.expect("10 00 00 00  00 00 00 00  ef be ad de 02 01 00 80");
        serve(Messages.DESTROY);
        kernel.expect("10 00 00 00  00 00 00 00  ef be ad de 02 01 00 80");
        serve(Messages.STATFS);
        assertThat(kernel.takeOrNothing()).hasSize(96);
        kernel.expectNothing();
        assertThat(files.asked).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"MKDIR", "RMDIR"})
    void directoriesAreForTheFileSystemToMakeAndRemove(String name) {
        start();
        Golden golden =
                requests().filter(each -> each.name().equals(name)).findFirst().orElseThrow();
        serve(golden.bytes());
        assertThat(files.asked).containsExactly(golden.request());
        assertThat(kernel.takeOrNothing()).hasSize(name.equals("MKDIR") ? 144 : 16);
    }

    static Stream<Golden> changes() {
        return requests().filter(golden -> golden.request() instanceof Request.ChangeDirectory);
    }

    @ParameterizedTest
    @MethodSource("changes")
    void nothingIsMadeOrRemoved(Golden golden) {
        start();
        serve(golden.bytes());
        kernel.expectError(Messages.UNIQUE, Errno.EPERM);
        assertThat(files.asked).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 5, 7, 19, 21, 22, 23, 24, 30, 31, 33, 34, 37, 41, 44, 46, 48, 50, 51, 54, 4096})
    void whatIsNotServedIsNotThere(int opcode) {
        start();
        byte[] message = Messages.GETATTR.clone();
        Bytes.view(message).putInt(4, opcode);
        serve(message);
        kernel.expectError(Messages.UNIQUE, Errno.ENOSYS);
        serve(Messages.numbered(Messages.resized(message, 40), 8));
        kernel.expectError(8, Errno.ENOSYS);
        Bytes.view(message).putInt(4, -1 - opcode);
        serve(message);
        kernel.expectError(Messages.UNIQUE, Errno.ENOSYS);
        assertThat(files.asked).isEmpty();
        assertThat(files.malformed).isEmpty();
    }

    /** FSYNC, COPY_FILE_RANGE, its 64-bit brother, and FALLOCATE: the answers of a character device without them. */
    @ParameterizedTest
    @CsvSource({"20, 22", "47, 22", "53, 22", "43, 19"})
    void whatADeviceRefusesInAWayOfItsOwn(int opcode, int errno) {
        start();
        byte[] message = Messages.GETATTR.clone();
        Bytes.view(message).putInt(4, opcode);
        serve(message);
        kernel.expectError(Messages.UNIQUE, errno);
        assertThat(files.asked).isEmpty();
        assertThat(files.malformed).isEmpty();
    }

    // What goes wrong.

    @ParameterizedTest
    @MethodSource("requestsForTheFileSystem")
    void aFileSystemThatThrowsCostsItsCallerAnError(Golden golden) {
        start();
        files.defect = new IllegalStateException("a defect");
        serve(golden.bytes());
        if (!UNANSWERED.contains(golden.request().header().opcode())) {
            kernel.expectError(Messages.UNIQUE, Errno.EIO);
        }
        kernel.expectNothing();
        assertThat(files.failed).usingRecursiveFieldByFieldElementComparator().containsExactly(golden.request());
        files.defect = null;
        goesOn();
    }

    @ParameterizedTest
    @MethodSource("requests")
    void aMessageThatLiesAboutItsLengthCostsItsSenderAnError(Golden golden) {
        start();
        byte[] message = golden.bytes().clone();
        Bytes.view(message).putInt(0, message.length + 1);
        serve(message);
        if (!UNANSWERED.contains(golden.request().header().opcode())) {
            kernel.expectError(Messages.UNIQUE, Errno.EIO);
        }
        kernel.expectNothing();
        assertThat(files.malformed).hasSize(1);
        assertThat(files.asked).isEmpty();
        goesOn();
    }

    /** The kernel takes a reply to number 0 for a notification, of a kind that it does not know, and refuses it. */
    @ParameterizedTest
    @MethodSource("requests")
    void aRequestWithoutANumberIsNotAnswered(Golden golden) {
        start();
        serve(Messages.numbered(golden.bytes(), 0));
        kernel.expectNothing();
        assertThat(files.malformed).hasSize(1);
        assertThat(files.asked).isEmpty();
        goesOn();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 8, 16, 39})
    void lessThanAHeaderIsNotAnswered(int length) {
        start();
        serve(Messages.resized(Messages.GETATTR, length));
        kernel.expectNothing();
        assertThat(files.malformed).hasSize(1);
        goesOn();
    }

    @Test
    void aRequestWithoutANumberBeforeTheStartIsNotAnswered() {
        serve(Messages.numbered(Messages.GETATTR, 0));
        serve(Messages.numbered(Messages.INIT, 0));
        serve(Messages.resized(Messages.INIT, 7));
        kernel.expectNothing();
        assertThat(session.initialized()).isFalse();
    }

    private void goesOn() {
        int before = files.asked.size();
        serve(Messages.numbered(Messages.GETATTR, 0x77));
        byte[] reply = kernel.takeOrNothing();
        assertThat(reply).hasSize(120);
        assertThat(Bytes.view(reply).getLong(8)).isEqualTo(0x77);
        kernel.expectNothing();
        assertThat(files.asked).hasSize(before + 1);
    }

    // What is put off.

    private static boolean isFault(Request request) {
        return request instanceof Request.Read read && !read.byProcess();
    }

    @Test
    void onlyWhatIsUrgentIsServedAndTheRestAfterwardsInItsOrder() {
        start();
        byte[][] arrivals = {
            Messages.numbered(Messages.GETATTR, 1),
            Messages.numbered(Messages.READ_FAULT, 2),
            Messages.numbered(Messages.READ, 3),
            Messages.numbered(Messages.INTERRUPT, 4),
            Messages.numbered(Messages.READ_FAULT, 5),
            Messages.numbered(Messages.LOOKUP, 6),
        };
        for (byte[] message : arrivals) {
            kernel.give(message);
        }
        for (byte[] _ : arrivals) {
            assertThat(session.serveOnly(SessionTest::isFault)).isEqualTo(Outcome.SERVED);
        }
        assertThat(session.serveOnly(SessionTest::isFault)).isEqualTo(Outcome.IDLE);
        assertThat(repliesTo()).containsExactly(2L, 5L);
        assertThat(session.hasDeferred()).isTrue();

        // What comes now stands behind what was put off.
        kernel.give(Messages.numbered(Messages.READ_FAULT, 7));
        for (int left = 4; left > 0; left--) {
            assertThat(session.hasDeferred()).isTrue();
            assertThat(session.serveOne()).isEqualTo(Outcome.SERVED);
        }
        assertThat(session.hasDeferred()).isFalse();
        assertThat(repliesTo()).containsExactly(1L, 3L, 6L);
        assertThat(files.asked.get(4)).isEqualTo("interrupt 80000102deadbeee");
        assertThat(session.serveOne()).isEqualTo(Outcome.SERVED);
        assertThat(repliesTo()).containsExactly(7L);
        assertThat(session.serveOne()).isEqualTo(Outcome.IDLE);
    }

    /** What is put off must not change when the buffer is used again. */
    @Test
    void whatIsPutOffIsKept() {
        start();
        for (int i = 0; i < 100; i++) {
            byte[] message = Messages.numbered(Messages.WRITE, 100 + i);
            message[80] = (byte) i;
            kernel.give(message);
            session.serveOnly(_ -> false);
        }
        kernel.expectNothing();
        for (int i = 0; i < 100; i++) {
            session.serveOne();
            assertThat(((Request.Write) files.asked.getLast()).data()).containsExactly(i, 0, 0, 0);
        }
        assertThat(repliesTo()).hasSize(100).startsWith(100L).endsWith(199L);
    }

    @Test
    void aDefectAndAMalformedMessageAreAnsweredWhenTheirTurnComes() {
        start();
        byte[] liar = Messages.numbered(Messages.READ, 1);
        Bytes.view(liar).putInt(0, 1000);
        kernel.give(liar);
        kernel.give(Messages.numbered(Messages.READ, 2));
        session.serveOnly(SessionTest::isFault);
        session.serveOnly(SessionTest::isFault);
        kernel.expectNothing();
        files.defect = new IllegalStateException("a defect");
        session.serveOne();
        session.serveOne();
        kernel.expectError(1, Errno.EIO);
        kernel.expectError(2, Errno.EIO);
    }

    private static final long RESENT = 1L << 63;

    /** They stand in front; what overtakes all others may stand between them. */
    @Test
    void whatWasSentAgainIsTakenAndNothingElse() {
        session.resume(true, true);
        session.start(files);
        assertThat(session.initialized()).isTrue();
        kernel.give(Messages.numbered(Messages.READ, RESENT | 6));
        kernel.give(Messages.FORGET);
        kernel.give(Messages.numbered(Messages.WRITE, RESENT | 2));
        kernel.give(Messages.numbered(Messages.READ, 8));
        kernel.give(Messages.numbered(Messages.READ, 10));
        List<Request> taken = session.takeResent();
        assertThat(taken).hasSize(3);
        assertThat(taken.get(0).resent()).isTrue();
        assertThat(Request.firstUnique(taken.get(0).unique())).isEqualTo(6);
        kernel.expectNothing();
        taken.reversed().forEach(session::serveTaken);
        assertThat(repliesTo()).containsExactly(RESENT | 2, RESENT | 6);
        assertThat(session.hasDeferred()).isTrue();
        session.serveOne();
        session.serveOne();
        assertThat(repliesTo()).containsExactly(8L, 10L);
        assertThat(session.takeResent()).isEmpty();
    }

    /** The one that shows where they end is put off, and somebody may wait for it before its turn comes. */
    @Test
    void whatIsUrgentAmongThosePutOffCanBeServedFirst() {
        session.resume(true, true);
        session.start(files);
        kernel.give(Messages.numbered(Messages.READ, RESENT | 6));
        kernel.give(Messages.numbered(Messages.READ_FAULT, 8));
        kernel.give(Messages.numbered(Messages.READ, 10));
        assertThat(session.takeResent()).hasSize(1);
        session.serveDeferred(SessionTest::isFault);
        assertThat(repliesTo()).containsExactly(8L);
        assertThat(session.hasDeferred()).isFalse();
        session.serveOnly(SessionTest::isFault);
        session.serveDeferred(SessionTest::isFault);
        kernel.expectNothing();
        session.serveOne();
        assertThat(repliesTo()).containsExactly(10L);
    }

    private List<Long> repliesTo() {
        return Stream.generate(kernel::takeOrNothing)
                .takeWhile(reply -> reply.length > 0)
                .map(reply -> Bytes.view(reply).getLong(8))
                .toList();
    }

    // The end.

    @Test
    void idleWhenThereIsNothing() {
        start();
        assertThat(session.serveOne()).isEqualTo(Outcome.IDLE);
        assertThat(session.serveOnly(_ -> true)).isEqualTo(Outcome.IDLE);
    }

    @Test
    void endedWhenTheDescriptorIsClosed() {
        start();
        kernel.closeConnection();
        assertThat(session.serveOne()).isEqualTo(Outcome.ENDED);
        assertThat(session.serveOnly(_ -> true)).isEqualTo(Outcome.ENDED);
    }

    @Test
    void whatCannotBeReadIsADefect() {
        int device = Unistd.open("/dev/fuse", Unistd.O_RDWR | Unistd.O_CLOEXEC, 0);
        assertThat(device).as("/dev/fuse").isNotNegative();
        try (Arena arena = Arena.ofConfined()) {
            Session unmounted = new Session(new Connection(device, _ -> {}, arena), true);
            assertThatThrownBy(unmounted::serveOne)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("cannot read /dev/fuse: EPERM");
        } finally {
            Unistd.close(device);
        }
    }
}
