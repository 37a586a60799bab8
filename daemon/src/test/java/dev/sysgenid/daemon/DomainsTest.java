// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.abi.Ioctl;
import dev.sysgenid.core.Tracking;
import dev.sysgenid.daemon.FakeKernel.Message;
import dev.sysgenid.fuse.Request;
import dev.sysgenid.fuse.Request.Header;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Unistd;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Domains in the mounted directory, asked by a kernel that may ask anything; and what a successor makes of them. */
class DomainsTest {
    private static final long ROOT = 1;
    private static final UserNamespace CONTAINER = new UserNamespace(4_026_532_000L, 77);

    /** What the pages of each domain show, and how many there are. */
    private final class ShownPages implements Pages {
        final Map<Integer, PageContent> shown = new HashMap<>();
        final List<String> mended = new ArrayList<>();
        int size;

        @Override
        public int openFlags() {
            return 0;
        }

        @Override
        public Page create(long node, int uid, PageContent content) {
            size++;
            shown.put(NodeIds.slot(node), content);
            return new Page() {
                private boolean closed;

                @Override
                int backingId() {
                    return 0;
                }

                @Override
                public void close() {
                    assertThat(closed).isFalse();
                    closed = true;
                    size--;
                }
            };
        }

        @Override
        public void publish(int slot, PageContent content) {
            shown.put(slot, content);
        }

        @Override
        public int mend(int slot, PageContent content, int from, int count) {
            mended.add(slot + ": " + from + " to " + (from + count - 1) + " of " + size(slot));
            return count;
        }

        @Override
        public int size() {
            return size;
        }

        @Override
        public int size(int slot) {
            return slot + 2;
        }

        @Override
        public String describe() {
            return "shown";
        }
    }

    private FakeKernel kernel;
    private Callers callers;
    private Loop loop;
    private int memory;
    private StateFile state;
    private Domains domains;
    private MountFileSystem files;
    private final ShownPages pages = new ShownPages();
    private final List<String> journal = new ArrayList<>();
    private final List<String> log = new ArrayList<>();
    private boolean privileged = true;
    /** Who bumps is root of this one. */
    private UserNamespace caller = UserNamespace.NONE;

    private long unique;

    @BeforeEach
    void open() throws Exception {
        kernel = new FakeKernel();
        callers = new Callers();
        loop = new Loop();
        memory = States.memory();
        begin(StateFile.create(
                States.again(memory),
                true,
                0,
                new StateFile.DomainRecord(PageContent.first(0, 5, 6), 0, 0, 0666, 0, 0)));
    }

    private void begin(StateFile with) {
        state = with;
        Device machine = new Device(
                Tracking.WRITERS,
                new Surroundings(
                        kernel.connection,
                        pages,
                        callers,
                        (_, owner) -> privileged || (!owner.isNone() && owner.equals(caller)),
                        loop,
                        () -> {},
                        () -> {},
                        (domain, generation, _, _) -> journal.add(domain + " " + generation),
                        state,
                        new Quotas(100_000, 3)));
        domains = new Domains(machine, state, callers);
        files = new MountFileSystem(kernel.connection, domains, () -> "", log::add, state);
    }

    /** The daemon is killed here, and another one begins. */
    private Records.@Nullable Intent takeOver() throws Exception {
        state.close();
        StateFile next = Objects.requireNonNull(StateFile.open(States.again(memory)));
        Records.Intent intent = next.redo();
        begin(next);
        assertThat(domains.restore(99)).isZero();
        files.resume(next.nextNode(NodeIds.FIRST), next.nextHandle(1));
        return intent;
    }

    @AfterEach
    void release() {
        assertThat(kernel.log).isEmpty();
        assertThat(log).isEmpty();
        loop.close();
        state.close();
        callers.close();
        kernel.close();
        Unistd.close(memory);
    }

    private Header header(long node) {
        return new Header(0, ++unique, node, 1000, 100, Unistd.getpid());
    }

    private Device named(String name) {
        return Objects.requireNonNull(domains.named(name));
    }

    private PageContent shown(int slot) {
        return Objects.requireNonNull(pages.shown.get(slot));
    }

    private Message reply() {
        Message reply = kernel.only();
        assertThat(reply.unique()).isEqualTo(unique);
        return reply;
    }

    private int make(long parent, String name) {
        files.makeDirectory(new Request.MakeDirectory(header(parent), name, 040755, 022));
        return reply().errno();
    }

    private int make(String name) {
        return make(ROOT, name);
    }

    private int remove(String name) {
        files.removeDirectory(new Request.RemoveDirectory(header(ROOT), name));
        return reply().errno();
    }

    private long lookUp(long parent, String name) {
        files.lookup(new Request.Lookup(header(parent), name));
        Message reply = reply();
        return reply.errno() == 0 ? reply.u64(0) : -reply.errno();
    }

    private long device(String domain) {
        return lookUp(lookUp(ROOT, domain), "sysgenid");
    }

    private long open(long node) {
        files.open(new Request.Open(header(node), Unistd.O_RDWR));
        Message reply = reply();
        return reply.errno() == 0 ? reply.u64(0) : -reply.errno();
    }

    private void close(long handle) {
        files.release(new Request.Release(header(0), handle));
        assertThat(reply().errno()).isZero();
    }

    private int bump(long handle, long minimum) {
        files.ioctl(new Request.Ioctl(header(0), handle, Ioctl.TRIGGER_GEN_UPDATE, minimum));
        return reply().errno();
    }

    private int write(long node, String text) {
        files.write(new Request.Write(header(node), 0, 0, text.getBytes(StandardCharsets.US_ASCII), true));
        return reply().errno();
    }

    private int generation(String domain) {
        files.read(new Request.Read(header(lookUp(lookUp(ROOT, domain), "generation")), 0, 0, 100, 0, true));
        return Integer.parseUnsignedInt(reply().text().strip());
    }

    private List<String> listed() {
        List<String> names = new ArrayList<>();
        long offset = 0;
        while (true) {
            files.readDirectory(new Request.ReadDirectory(header(ROOT), 0, offset, 100));
            ByteBuffer entries = reply().body();
            if (!entries.hasRemaining()) {
                return names;
            }
            while (entries.hasRemaining()) {
                entries.getLong();
                offset = entries.getLong();
                byte[] name = new byte[entries.getInt()];
                entries.getInt();
                entries.get(name);
                entries.position(Math.min(entries.limit(), (entries.position() + 7) & ~7));
                names.add(new String(name, StandardCharsets.UTF_8));
            }
        }
    }

    @Test
    void theSelfCheckGoesOverThePagesOfAll() {
        assertThat(make("c1")).isZero();
        assertThat(make("c2")).isZero();
        assertThat(domains.mend(1, 5)).isEqualTo(5);
        assertThat(domains.mend(6, 100)).isEqualTo(3);
        assertThat(pages.mended)
                .containsExactly("0: 1 to 1 of 2", "1: 0 to 2 of 3", "2: 0 to 0 of 4", "2: 1 to 3 of 4");
    }

    @Test
    void aDomainIsADirectoryWithADeviceOfItsOwn() {
        assertThat(make("c1")).isZero();
        assertThat(make("c1")).isEqualTo(Errno.EEXIST);
        assertThat(listed())
                .containsExactly(".", "..", "sysgenid", "generation", "watchers", "sources", "health", "c1");
        assertThat(lookUp(lookUp(ROOT, "c1"), "sources")).isEqualTo(-Errno.ENOENT);
        assertThat(lookUp(lookUp(ROOT, "c1"), "c1")).isEqualTo(-Errno.ENOENT);
        assertThat(make(lookUp(ROOT, "c1"), "c2")).isEqualTo(Errno.EPERM);

        long machine = open(lookUp(ROOT, "sysgenid"));
        long inside = open(device("c1"));
        assertThat(bump(inside, 7)).isZero();
        assertThat(generation("c1")).isEqualTo(7);
        assertThat(domains.machine().domain().generation()).isZero();
        assertThat(bump(machine, 0)).isZero();
        assertThat(generation("c1")).isEqualTo(8);
        assertThat(journal).containsExactly("c1 7", " 1");
        assertThat(shown(1).generation()).isEqualTo(8);
        assertThat(shown(0).generation()).isEqualTo(1);
        assertThat(write(lookUp(lookUp(ROOT, "c1"), "generation"), "20\n")).isZero();
        assertThat(shown(1).generation()).isEqualTo(20);
        assertThat(remove("c1")).isEqualTo(Errno.EBUSY);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ".", "..", ".x", "a/b", "a b", "a\n", "\u00e4", "sysgenid (deleted)"})
    void otherNamesAreRefused(String name) {
        assertThat(make(name)).isEqualTo(Errno.EINVAL);
        assertThat(make("x".repeat(65))).isEqualTo(Errno.ENAMETOOLONG);
        assertThat(make("x".repeat(300))).isEqualTo(Errno.ENAMETOOLONG);
        for (String taken : List.of("sysgenid", "generation", "watchers", "sources", "health")) {
            assertThat(make(taken)).isEqualTo(Errno.EEXIST);
        }
        assertThat(make("0123456789abcdef".repeat(4))).isZero();
        assertThat(remove(name)).isEqualTo(Errno.ENOENT);
        assertThat(remove("sysgenid")).isEqualTo(Errno.ENOENT);
    }

    @Test
    void whoMayDoWhat() {
        make("c1");
        make("c2");
        long own = open(device("c1"));
        long other = open(device("c2"));
        long machine = open(lookUp(ROOT, "sysgenid"));
        named("c1").ledger().setOwner(0, CONTAINER);
        privileged = false;
        caller = CONTAINER;
        assertThat(make("c3")).isEqualTo(Errno.EPERM);
        assertThat(remove("c1")).isEqualTo(Errno.EPERM);
        assertThat(bump(own, 0)).isZero();
        assertThat(bump(other, 0)).isEqualTo(Errno.EACCES);
        assertThat(bump(machine, 0)).isEqualTo(Errno.EACCES);
        files.ioctl(new Request.Ioctl(header(0), own, Ioctl.SET_DOMAIN_OWNER, 0));
        assertThat(reply().errno()).isEqualTo(Errno.EACCES);
        privileged = true;
        files.ioctl(new Request.Ioctl(header(0), own, Ioctl.SET_DOMAIN_OWNER, 1 << 20));
        assertThat(reply().errno()).isEqualTo(Errno.EBADF);
        files.ioctl(new Request.Ioctl(header(0), machine, Ioctl.SET_DOMAIN_OWNER, 0));
        assertThat(reply().errno()).as("of the machine").isEqualTo(Errno.EINVAL);
    }

    @Test
    void whatIsRemovedCannotBeOpenedAndItsNameIsFree() {
        make("c1");
        long directory = lookUp(ROOT, "c1");
        long node = device("c1");
        long never = device("c1");
        long handle = open(node);
        bump(handle, 0xffff_ffffL);
        close(handle);
        assertThat(remove("c1")).as("a page is no watcher").isZero();
        assertThat(shown(1).state()).isEqualTo(dev.sysgenid.abi.Page.GONE);
        assertThat(lookUp(ROOT, "c1")).isEqualTo(-Errno.ENOENT);
        assertThat(lookUp(directory, "sysgenid")).isEqualTo(-Errno.ENOENT);
        assertThat(open(node)).isEqualTo(-Errno.ENODEV);
        assertThat(open(never)).isEqualTo(-Errno.ENODEV);
        files.getAttributes(new Request.GetAttributes(header(node)));
        assertThat(reply().errno())
                .as("stat, so that nobody takes it for never there")
                .isZero();

        assertThat(make("c1")).isZero();
        assertThat(generation("c1")).as("none that the name had").isEqualTo(1);
        assertThat(named("c1").slot()).as("somebody may still have the page").isEqualTo(2);
        domains.machine().bump("a test");
        assertThat(shown(1).generation()).as("and learns of restores").isEqualTo(1);
        assertThat(shown(1).wideGeneration()).isEqualTo((1L << 32) + 1);

        files.forget(node, 1);
        assertThat(make("c2")).isZero();
        assertThat(named("c2").slot()).as("nobody has it any more").isEqualTo(1);
        assertThat(open(never)).as("of the domain that had the slot before").isEqualTo(-Errno.ENODEV);
        files.getAttributes(new Request.GetAttributes(header(never)));
        assertThat(reply().errno()).isZero();
    }

    /** Somebody looked its device up, and opens it when the name, and the slot, are another one's. */
    @Test
    void whatWasLookedUpIsNotOfTheNextDomain() throws Exception {
        make("c1");
        long node = device("c1");
        assertThat(remove("c1")).isZero();
        assertThat(open(node)).isEqualTo(-Errno.ENODEV);
        assertThat(make("c1")).isZero();
        assertThat(named("c1").slot()).isEqualTo(1);
        assertThat(open(node)).isEqualTo(-Errno.ENODEV);
        assertThat(open(device("c1"))).isPositive();
        takeOver();
        assertThat(open(node)).as("to a daemon that knows of neither").isEqualTo(-Errno.ENODEV);
    }

    @Test
    void thereAreNotMoreThanThereMayBe() {
        for (int i = 0; i < Domains.MOST; i++) {
            assertThat(make("d" + i)).isZero();
        }
        assertThat(make("more")).isEqualTo(Errno.ENOSPC);
        assertThat(listed()).hasSize(7 + Domains.MOST).doesNotHaveDuplicates();
        assertThat(remove("d17")).isZero();
        assertThat(make("more")).isZero();
        assertThat(listed()).hasSize(7 + Domains.MOST).contains("more").doesNotContain("d17");
    }

    @Test
    void aSuccessorGoesOn() throws Exception {
        make("c1");
        make("c2");
        make("c3");
        long handle = open(device("c1"));
        long orphan = device("c3");
        close(open(orphan));
        bump(handle, 40);
        domains.machine().bump("a test");
        bump(handle, 0);
        domains.machine().bump("a test");
        named("c2").ledger().setAccess(new Ledger.Access(0640, 3, 4));
        named("c2").ledger().setOwner(0, CONTAINER);
        remove("c3");
        Map<String, PageContent> before = contents();
        long serial = named("c1").ledger().serial();

        assertThat(takeOver()).as("the removal was answered").isNull();

        assertThat(contents()).isEqualTo(before);
        assertThat(Objects.requireNonNull(before.get("c1")).generation()).isEqualTo(43);
        assertThat(named("c1").domain().serial()).isEqualTo(serial);
        assertThat(named("c2").ledger().access()).isEqualTo(new Ledger.Access(0640, 3, 4));
        assertThat(named("c2").ledger().owner()).isEqualTo(CONTAINER);
        assertThat(domains.named("c3")).isNull();
        assertThat(domains.all())
                .as("the machine's, two, and one whose page somebody may have")
                .hasSize(4);
        assertThat(open(orphan)).isEqualTo(-Errno.ENODEV);
        domains.sweep();
        assertThat(domains.all()).as("no page of it was found").hasSize(3);
        takeOver();
        assertThat(domains.all()).as("nothing is left of it").hasSize(3);
    }

    private int mode(long node) {
        files.getAttributes(new Request.GetAttributes(header(node)));
        return reply().u32(16 + 60);
    }

    private int make(String name, int mode, int umask) {
        files.makeDirectory(new Request.MakeDirectory(header(ROOT), name, 040000 | mode, umask));
        return reply().errno();
    }

    private int change(long node, int valid, int mode) {
        files.setAttributes(new Request.SetAttributes(header(node), valid, 0, mode, 7, 8));
        return reply().errno();
    }

    /** A umask is a habit and no wish; a device that cannot be reached is one that is not there. */
    @Test
    void aDirectoryIsAsOpenAsItWasWished() throws Exception {
        assertThat(make("c1", 0755, 022)).isZero();
        assertThat(make("c2", 0700, 077)).isZero();
        assertThat(make("c3", 0700, 0)).isZero();
        assertThat(make("c4", 0750, 022)).isZero();
        assertThat(make("c5", 0777, 0)).isZero();
        assertThat(List.of("c1", "c2", "c3", "c4", "c5"))
                .extracting(name -> mode(lookUp(ROOT, name)))
                .containsExactly(040755, 040755, 040700, 040750, 040755);
        assertThat(mode(device("c3"))).isEqualTo(0100666);

        long directory = lookUp(ROOT, "c3");
        assertThat(change(directory, Request.SetAttributes.MODE, 040711)).isZero();
        assertThat(change(device("c3"), Request.SetAttributes.MODE | Request.SetAttributes.UID, 0100640))
                .isZero();
        takeOver();
        assertThat(mode(directory)).isEqualTo(040711);
        assertThat(mode(device("c3"))).isEqualTo(0100640);
        assertThat(named("c3").ledger().access().uid()).isEqualTo(7);
        assertThat(change(directory, Request.SetAttributes.MODE, 040777)).isZero();
        assertThat(mode(directory)).isEqualTo(040755);

        assertThat(change(directory, Request.SetAttributes.UID, 0)).isEqualTo(Errno.EPERM);
        assertThat(change(ROOT, Request.SetAttributes.MODE, 040700)).isEqualTo(Errno.EPERM);
        assertThat(change(lookUp(directory, "generation"), Request.SetAttributes.MODE, 0100600))
                .isEqualTo(Errno.EPERM);
    }

    private Map<String, PageContent> contents() {
        Map<String, PageContent> contents = new HashMap<>();
        for (Device device : domains.all()) {
            contents.put(device.ledger().name(), device.ledger().content());
        }
        return contents;
    }

    /** Killed between the bump's record, which is one, and everything else. */
    @Test
    void aBumpOfTheMachineIsInAllOrNone() throws Exception {
        make("c1");
        make("c2");
        state.bumped(123, PageContent.first(0, 5, 6).bumped(1, 7, 8), 1, 1000);
        Records.Intent intent = takeOver();
        assertThat(intent).extracting(Records.Intent::kind).isEqualTo(StateFile.BUMP);
        assertThat(generation("c1")).isEqualTo(1);
        assertThat(generation("c2")).isEqualTo(1);
        assertThat(named("c1").ledger().content().identityHead())
                .isNotEqualTo(named("c2").ledger().content().identityHead());
    }

    @Test
    void whatCannotBeReadIsNotGuessed() throws Exception {
        make("good");
        make("bad");
        make("worse");
        long handle = open(device("bad"));
        assertThat(handle).isPositive();
        state.settle();
        // The rest of "bad", the name of "worse".
        flip(131_072 + 2 * 2 * Records.STRIDE + Records.STRIDE + 16);
        flip(131_072 + 3 * 2 * Records.STRIDE);
        state.close();
        StateFile next = Objects.requireNonNull(StateFile.open(States.again(memory)));
        next.redo();
        begin(next);
        assertThat(domains.restore(4_000)).isEqualTo(2);
        assertThat(generation("good")).isZero();
        assertThat(generation("bad")).isEqualTo(4_000);
        assertThat(listed()).contains("good", "bad", "lost-3").doesNotContain("worse");
        domains.noteLost();
        takeOver();
        assertThat(listed()).contains("good", "bad", "lost-3");
    }

    /** Then nobody knows how often the machine was bumped since the domain was, and no domain's generation. */
    @Test
    void withoutTheMachinesRecordNoDomainsGenerationIsBelieved() throws Exception {
        make("c1");
        domains.machine().bump("a test");
        state.close();
        StateFile next = Objects.requireNonNull(StateFile.open(States.again(memory)));
        next.setDomain(
                StateFile.OTHER,
                0,
                new StateFile.DomainRecord(PageContent.first(9, 5, 6), StateFile.newEra(0), 0, 0666, 0, 0));
        next.settle();
        for (int kills = 0; kills < 2; kills++) {
            begin(next);
            assertThat(domains.restore(4_000)).isEqualTo(1);
            assertThat(generation("c1")).isEqualTo(4_000);
            state.close();
            next = Objects.requireNonNull(StateFile.open(States.again(memory)));
        }
        begin(next);
        domains.restore(4_000);
        domains.noteLost();
        takeOver();
        assertThat(generation("c1")).isEqualTo(4_000);
    }

    private void flip(int at) throws Exception {
        try (java.lang.foreign.Arena arena = java.lang.foreign.Arena.ofConfined()) {
            var bytes = arena.allocate(1);
            assertThat(Unistd.pread(memory, bytes, 1, at)).isEqualTo(1);
            bytes.set(java.lang.foreign.ValueLayout.JAVA_BYTE, 0, (byte)
                    ~bytes.get(java.lang.foreign.ValueLayout.JAVA_BYTE, 0));
            assertThat(Unistd.pwrite(memory, bytes, 1, at)).isEqualTo(1);
        }
    }

    @Test
    void aMadeOneIsThereAndARemovedOneIsNotHoweverItsDaemonEnds() throws Exception {
        make("c1");
        files.resume(100, 100);
        domains.make(new Request.MakeDirectory(header(ROOT), "c2", 040755, 022), 50);
        Records.Intent made = Objects.requireNonNull(takeOver());
        assertThat(made)
                .extracting(Records.Intent::kind, Records.Intent::unique)
                .containsExactly(StateFile.MAKE_DOMAIN, unique);
        files.replyMade(made.unique(), state.domains().slotAt(made.at()));
        assertThat(reply().u64(0)).isEqualTo(NodeIds.of(2, NodeIds.DIRECTORY, 50));
        state.settle();

        domains.remove(new Request.RemoveDirectory(header(ROOT), "c1"));
        Records.Intent removed = takeOver();
        assertThat(removed)
                .extracting(Records.Intent::kind, Records.Intent::unique)
                .containsExactly(StateFile.REMOVE_DOMAIN, unique);
        assertThat(listed()).contains("c2").doesNotContain("c1");
    }
}
