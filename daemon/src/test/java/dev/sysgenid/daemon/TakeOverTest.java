// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.abi.Ioctl;
import dev.sysgenid.core.Tracking;
import dev.sysgenid.daemon.FakeKernel.Message;
import dev.sysgenid.fuse.Session;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Unistd;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What the kernel hears of a take-over, and in which order, for each thing that the dead daemon can have been doing: its
 * intent is whole, and nobody knows whether its answer has arrived.
 */
class TakeOverTest {
    private static final long UNIQUE = 26;
    private static final long RESENT = 1L << 63;
    private static final int RESEND = 7;
    private static final int READ = 15;
    private static final int RMDIR = 11;
    private static final int IOCTL = 39;
    private static final long POLL_HANDLE = 5;
    private static final StateFile.DomainRecord DOMAIN =
            new StateFile.DomainRecord(PageContent.first(7, 5, 6), 3, 0, 0640, 1, 2);

    @TempDir
    Path dir;

    private FakeKernel kernel;
    private Callers callers;
    private Loop loop;
    private StateDirectory directory;
    private final List<String> log = new ArrayList<>();

    /** A daemon: the one that dies, and the one that takes over. */
    private final class Side {
        final StateFile state;
        final Session session = new Session(kernel.connection, false);
        final StoredPages pages;
        final Domains domains;
        final MountFileSystem files;

        Side(StateFile state) throws Exception {
            this.state = state;
            pages = new StoredPages(kernel.connection, true);
            Device machine = new Device(
                    Tracking.WRITERS,
                    new Surroundings(
                            kernel.connection,
                            pages,
                            callers,
                            (_, _) -> true,
                            loop,
                            () -> {},
                            () -> {},
                            (_, _, _, _) -> {},
                            state,
                            new Quotas(100, 100)));
            domains = new Domains(machine, state, callers);
            files = new MountFileSystem(kernel.connection, domains, () -> "", log::add, state);
            session.resume(false, true);
            session.start(files);
        }

        Device machine() {
            return domains.machine();
        }

        /** An open file, noted as the consequence of an open with this number. */
        OpenFile opened(long unique, long handle) throws Exception {
            DeviceNode node = new DeviceNode(NodeIds.FIRST + handle, machine());
            OpenFile file = new OpenFile(
                    node, handle, state.allocate(), machine().domain().open(true), new Callers.Identity(1, "test"), 0);
            file.pollHandle = POLL_HANDLE;
            state.setNextNode(node.id() + 1);
            state.setNextHandle(handle + 1);
            state.setWatcher(StateFile.OPEN, unique, file, machine().domain().serial());
            return file;
        }

        void die() {
            pages.stop();
            state.close();
            assertThat(kernel.all()).isEmpty();
        }
    }

    private Side dying;

    @BeforeEach
    void begin() throws Exception {
        kernel = new FakeKernel();
        callers = new Callers();
        loop = new Loop();
        directory = StateDirectory.prepare(dir.resolve("mnt.state"), false, 10);
        dying = new Side(StateFile.create(directory.openState(), true, 0, DOMAIN));
    }

    @AfterEach
    void end() {
        assertThat(kernel.log).isEmpty();
        directory.close();
        loop.close();
        callers.close();
        kernel.close();
    }

    /** Takes over; what the kernel has heard, but for stores into pages. */
    private List<Message> takeOver() throws Exception {
        dying.die();
        Session session = new Session(kernel.connection, false);
        TakeOver takeOver = TakeOver.begin(kernel.connection, session, directory, true, DOMAIN, log::add);
        Side next = new Side(takeOver.state());
        // The session is that of the take-over.
        session.resume(false, true);
        session.start(next.files);
        takeOver.restore(next.domains, next.files, next.pages, directory.pages());
        takeOver.finish(next.domains, next.files, next.pages, new Undead());
        assertThat(next.state.redo()).as("nothing is under way any more").isNull();
        generation = next.machine().domain().generation();
        outdated = next.machine().domain().outdated();
        made = next.domains.named("c1");
        next.pages.stop();
        next.state.close();
        return kernel.all().stream()
                .filter(message -> message.unique() != 0 || message.code() != Message.STORE)
                .toList();
    }

    private int generation;
    private int outdated;
    private @Nullable Device made;

    private static void isResend(Message message) {
        assertThat(message.unique()).isZero();
        assertThat(message.code()).isEqualTo(RESEND);
    }

    private static void isAnswer(Message message, long unique) {
        assertThat(message.unique()).isEqualTo(unique);
        assertThat(message.errno()).isZero();
    }

    @Test
    void anOpen() throws Exception {
        dying.opened(UNIQUE, 4);
        List<Message> heard = takeOver();
        assertThat(heard).hasSize(2);
        isAnswer(heard.getFirst(), UNIQUE);
        assertThat(heard.getFirst().u64(0)).as("the handle").isEqualTo(4);
        isResend(heard.getLast());
        assertThat(outdated).isZero();
    }

    @Test
    void anAck() throws Exception {
        OpenFile file = dying.opened(2, 4);
        dying.state.settle();
        dying.state.setWatcher(
                StateFile.ACK, UNIQUE, file, dying.machine().domain().serial());
        List<Message> heard = takeOver();
        assertThat(heard).hasSize(2);
        isAnswer(heard.getFirst(), UNIQUE);
        assertThat(heard.getFirst().u32(0)).as("bytes written").isEqualTo(4);
        isResend(heard.getLast());
    }

    @Test
    void aChangeOfTracking() throws Exception {
        OpenFile file = dying.opened(2, 4);
        dying.state.settle();
        dying.state.setWatcher(
                StateFile.TRACKING, UNIQUE, file, dying.machine().domain().serial());
        List<Message> heard = takeOver();
        assertThat(heard).hasSize(2);
        isAnswer(heard.getFirst(), UNIQUE);
        isResend(heard.getLast());
    }

    private Subdomain below() throws Exception {
        return new Subdomain(
                dying.state.domains().allocate(), "c1", 20, UserNamespace.NONE, false, 0640, 1, 2, 0, 3, 0, 8, 9, 0);
    }

    @Test
    void aDomainThatIsMade() throws Exception {
        dying.state.setNextNode(21);
        dying.state.domains().make(UNIQUE, below());
        List<Message> heard = takeOver();
        assertThat(heard).hasSize(2);
        isAnswer(heard.getFirst(), UNIQUE);
        assertThat(NodeIds.count(heard.getFirst().u64(0))).as("its directory").isEqualTo(20);
        isResend(heard.getLast());
        assertThat(made).isNotNull();
    }

    @Test
    void aDomainThatIsRemoved() throws Exception {
        dying.state.setNextNode(21);
        Subdomain below = below();
        dying.state.domains().make(2, below);
        dying.state.settle();
        dying.state.domains().remove(UNIQUE, below.slot());
        kernel.send(
                request(RMDIR, UNIQUE, 1, ByteBuffer.wrap("c1\0".getBytes(java.nio.charset.StandardCharsets.UTF_8))));
        List<Message> heard = takeOver();
        assertThat(heard)
                .as("it is done, and pages say so before it is answered")
                .hasSize(2);
        isResend(heard.getFirst());
        isAnswer(heard.getLast(), RESENT | UNIQUE);
        assertThat(made).isNull();
    }

    /** A request as the kernel sends it again. */
    private static byte[] request(int opcode, long unique, long node, ByteBuffer body) {
        ByteBuffer bytes = ByteBuffer.allocate(40 + body.capacity()).order(ByteOrder.nativeOrder());
        bytes.putInt(bytes.capacity()).putInt(opcode).putLong(RESENT | unique).putLong(node);
        bytes.putInt(0).putInt(0).putInt(1).putInt(0);
        return bytes.put(body.clear()).array();
    }

    private static ByteBuffer body(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.nativeOrder());
    }

    /**
     * The generation has changed, and everybody learns of it once more: pollers, then readers, then who asked for the bump; and
     * there is one bump only. What comes behind it waits until that is answered.
     */
    @Test
    void aBump() throws Exception {
        OpenFile file = dying.opened(2, 4);
        dying.state.settle();
        dying.state.bumped(UNIQUE, PageContent.first(8, 5, 6), 4, 1000);
        dying.die();
        dying = new Side(Objects.requireNonNull(StateFile.open(directory.openState())));
        long node = file.node.id();
        ByteBuffer write = body(44);
        write.putLong(0, 4).putInt(16, 4).putInt(20, 1 << 1).putInt(40, 8);
        kernel.send(request(16, 32, node, write)); // an ack of the new generation
        ByteBuffer bump = body(32).putLong(0, 4).putInt(12, Ioctl.TRIGGER_GEN_UPDATE);
        kernel.send(request(IOCTL, UNIQUE, node, bump));
        ByteBuffer read = body(40).putLong(0, 4).putInt(16, 4).putInt(20, 1 << 1);
        kernel.send(request(READ, 30, node, read));
        List<Message> heard = takeOver();
        assertThat(heard).hasSize(5);
        isResend(heard.get(0));
        assertThat(heard.get(1)).returns(0L, Message::unique).returns(Message.POLL, Message::code);
        assertThat(heard.get(1).u64(0)).isEqualTo(POLL_HANDLE);
        isAnswer(heard.get(2), RESENT | 30);
        assertThat(heard.get(2).u32(0)).as("the reader's generation").isEqualTo(8);
        isAnswer(heard.get(3), RESENT | UNIQUE);
        isAnswer(heard.get(4), RESENT | 32);
        assertThat(generation).isEqualTo(8);
        assertThat(outdated).isZero();
    }

    /** The answer to the bump has arrived: it is not made again. */
    @Test
    void aBumpThatIsAnswered() throws Exception {
        dying.opened(2, 4);
        dying.state.settle();
        dying.state.bumped(UNIQUE, PageContent.first(8, 5, 6), 4, 1000);
        dying.die();
        dying = new Side(Objects.requireNonNull(StateFile.open(directory.openState())));
        List<Message> heard = takeOver();
        assertThat(heard).hasSize(2);
        isResend(heard.get(0));
        assertThat(heard.get(1)).returns(Message.POLL, Message::code);
        assertThat(generation).isEqualTo(8);
        assertThat(outdated).isEqualTo(1);
    }

    /** The intent is not whole: the request was not begun, and is served as if it came for the first time. */
    @Test
    void nothing() throws Exception {
        OpenFile file = dying.opened(2, 4);
        dying.state.settle();
        ByteBuffer read =
                body(40).putLong(0, 4).putInt(16, 4).putInt(20, 1 << 1).putInt(32, 04000);
        kernel.send(request(READ, 30, file.node.id(), read));
        List<Message> heard = takeOver();
        assertThat(heard).hasSize(2);
        isResend(heard.get(0));
        assertThat(heard.get(1).unique()).isEqualTo(RESENT | 30);
        assertThat(heard.get(1).errno()).isEqualTo(Errno.EAGAIN);
    }

    /** It may be an administrator's, who wants to find it again when the service has ended. */
    @Test
    void whoseTheDirectoryIsNobodyKnowsFromADamagedState() throws Exception {
        dying.die();
        int file = directory.openState();
        assertThat(Unistd.ftruncate(file, 100)).isZero();
        Unistd.close(file);
        Session session = new Session(kernel.connection, false);
        try (StateFile state = TakeOver.begin(kernel.connection, session, directory, true, DOMAIN, log::add)
                .state()) {
            assertThat(state.madeDirectory()).isFalse();
        }
        assertThat(log).anyMatch(line -> line.contains("cannot be read"));
    }

    /** A WAIT that comes again and is answered at once needs its place no more, and neither does one that does not come. */
    @Test
    void waits() throws Exception {
        OpenFile file = dying.opened(2, 4);
        dying.state.settle();
        dying.state.waits().parked(30, 1000, true);
        dying.state.waits().parked(32, 1000, true);
        ByteBuffer wait = body(32).putLong(0, 4).putInt(12, Ioctl.WAIT_WATCHERS).putLong(16, 60_000);
        kernel.send(request(IOCTL, 30, file.node.id(), wait));
        List<Message> heard = takeOver();
        isAnswer(heard.getLast(), RESENT | 30);
        try (StateFile state = Objects.requireNonNull(StateFile.open(directory.openState()))) {
            assertThat(state.waits().earlier()).isEmpty();
        }
    }

    /** Its record is damaged, and the next daemon does not come to its end. */
    @Test
    void damage() throws Exception {
        OpenFile file = dying.opened(2, 4);
        dying.state.settle();
        dying.die();
        try (Records records = new Records(directory.openState(), 1 << 22, 2L * Records.STRIDE)) {
            long at = 1_703_936 + (long) file.slot * Records.STRIDE;
            records.setWord(at, records.word(at) + 1);
        }
        try (StateFile state = Objects.requireNonNull(StateFile.open(directory.openState()))) {
            int[] damaged = {0};
            assertThat(state.watchers(damaged)).isEmpty();
            assertThat(damaged[0]).isEqualTo(1);
        }
        for (int next = 8; next < 10; next++) {
            dying = new Side(Objects.requireNonNull(StateFile.open(directory.openState())));
            assertThat(dying.state.doubt().isThere()).isEqualTo(next == 8);
            List<Message> heard = takeOver();
            isResend(heard.getFirst());
            assertThat(heard).as("the rest is the loop's to do").hasSize(1);
            assertThat(generation).as("there is one bump for it").isEqualTo(8);
            try (StateFile state = Objects.requireNonNull(StateFile.open(directory.openState()))) {
                assertThat(state.doubt().isThere()).isFalse();
                assertThat(state.doubt().isWakingAll()).isTrue();
                assertThat(state.doubt().lostHandles()).isGreaterThan(4);
            }
        }
        assertThat(log).containsOnlyOnce("a daemon that was mending what is damaged did not come to its end");
    }
}
