// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.abi.Ioctl;
import dev.sysgenid.core.Tracking;
import dev.sysgenid.daemon.FakeKernel.Message;
import dev.sysgenid.fuse.OpenFlags;
import dev.sysgenid.fuse.Request;
import dev.sysgenid.fuse.Request.Header;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Stat;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The directory and the device in it, asked by a kernel that may ask anything. */
class MountFileSystemTest {
    private static final int POLLIN = 0x41;
    private static final int ROOT = 1;

    /** Pages that are only counted. */
    private static final class CountedPages implements Pages {
        final Set<Page> there = new HashSet<>();
        final Map<Long, Integer> made = new HashMap<>();
        int backingId;
        int published = -1;

        @Override
        public int mend(int slot, PageContent content, int from, int count) {
            return 0;
        }

        /** With which errno to refuse a page; negated, until pages are reclaimed. */
        int refuse;

        @Override
        public int openFlags() {
            return OpenFlags.DIRECT_IO;
        }

        @Override
        public Page create(long node, int uid, PageContent content) throws SystemCallException {
            if (refuse != 0) {
                throw new SystemCallException(Math.abs(refuse), "mmap", "a page");
            }
            made.merge(node, 1, Integer::sum);
            Page page = new Page() {
                @Override
                int backingId() {
                    return backingId;
                }

                @Override
                public void close() {
                    assertThat(there.remove(this)).as("closed once").isTrue();
                }
            };
            there.add(page);
            return page;
        }

        @Override
        public void publish(int slot, PageContent content) {
            assertThat(slot).isZero();
            published = content.generation();
        }

        @Override
        public int size() {
            return there.size();
        }

        @Override
        public int size(int slot) {
            return there.size();
        }

        @Override
        public String describe() {
            return "counted";
        }
    }

    private FakeKernel kernel;
    private Callers callers;
    private Loop loop;
    private StateFile state;
    private Device device;
    private MountFileSystem files;
    private final CountedPages pages = new CountedPages();
    private final List<String> log = new ArrayList<>();
    private final List<String> journal = new ArrayList<>();
    private boolean mayBump = true;
    private int reclaimed;
    /** What the pages showed when the kernel's random numbers were last made fresh. */
    private int freshened = -2;

    private long unique;

    @BeforeEach
    void open() throws Exception {
        kernel = new FakeKernel();
        callers = new Callers();
        loop = new Loop();
        state = States.begin(new StateFile.DomainRecord(PageContent.first(0, 0, 0), 0, 0, 0666, 10, 20));
        device = new Device(
                Tracking.WRITERS,
                new Surroundings(
                        kernel.connection,
                        pages,
                        callers,
                        (_, _) -> mayBump,
                        loop,
                        () -> {
                            reclaimed++;
                            pages.refuse = Math.max(0, pages.refuse);
                        },
                        () -> freshened = pages.published,
                        (_, generation, outdated, by) -> journal.add(generation + " " + outdated + " " + by),
                        state,
                        new Quotas(100_000, 3)));
        files = new MountFileSystem(
                kernel.connection,
                new Domains(device, state, callers),
                () -> "SOURCE STATE\nx active\n",
                log::add,
                state);
    }

    @AfterEach
    void release() {
        assertThat(kernel.log).isEmpty();
        assertThat(log).isEmpty();
        loop.close();
        state.close();
        callers.close();
        kernel.close();
    }

    private Header header(long node) {
        return new Header(0, ++unique, node, 1000, 100, Unistd.getpid());
    }

    /** The one reply to the request that was made last. */
    private Message reply() {
        Message reply = kernel.only();
        assertThat(reply.unique()).isEqualTo(unique);
        return reply;
    }

    private void error(int errno) {
        Message reply = reply();
        assertThat(reply.errno()).isEqualTo(errno);
        assertThat(reply.body().limit()).isZero();
    }

    private long lookUp(String name) {
        files.lookup(new Request.Lookup(header(ROOT), name));
        Message reply = reply();
        assertThat(reply.errno()).isZero();
        return reply.u64(0);
    }

    private long openNode(long node, int flags) {
        files.open(new Request.Open(header(node), flags));
        Message reply = reply();
        assertThat(reply.errno()).isZero();
        return reply.u64(0);
    }

    private long openDevice(int flags) {
        return openNode(lookUp("sysgenid"), flags);
    }

    private void read(long handle, int size, int flags) {
        files.read(new Request.Read(header(0), handle, 0, size, flags, true));
    }

    private void write(long handle, int... bytes) {
        byte[] data = new byte[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            data[i] = (byte) bytes[i];
        }
        files.write(new Request.Write(header(0), handle, 0, data, true));
    }

    private void ioctl(long handle, int command, long argument) {
        files.ioctl(new Request.Ioctl(header(0), handle, command, argument));
    }

    private void bump(long handle) {
        ioctl(handle, Ioctl.TRIGGER_GEN_UPDATE, 0);
        assertThat(reply().errno()).isZero();
    }

    private String readText(long node, long handle, long offset, int size) {
        files.read(new Request.Read(header(node), handle, offset, size, 0, true));
        Message reply = reply();
        assertThat(reply.errno()).isZero();
        return reply.text();
    }

    // The directory.

    @Test
    void eachLookupOfTheDeviceIsANodeOfItsOwn() {
        Set<Long> nodes = new HashSet<>();
        for (int i = 0; i < 100; i++) {
            nodes.add(lookUp("sysgenid"));
        }
        assertThat(nodes).hasSize(100).doesNotContain(0L, 1L, 2L, 3L);
        assertThat(files.deviceNodes()).as("nothing is kept before an open").isZero();
        assertThat(pages.size()).isZero();
        nodes.forEach(node -> openNode(node, 0));
        assertThat(files.deviceNodes()).isEqualTo(100);
        assertThat(pages.size()).isEqualTo(100);
        nodes.forEach(node -> files.forget(node, 1));
        assertThat(files.deviceNodes()).isZero();
        assertThat(lookUp("sysgenid")).as("never used again").isNotIn(nodes);
    }

    /** Whoever looked up a moment ago may be without a processor: the kernel knows the node no sooner than he runs. */
    @Test
    void aTakeOverDoubtsOnlyNodesFromBefore() {
        files.resume(NodeIds.FIRST + 100, 1);
        long before = NodeIds.FIRST + 7;
        assertThat(files.node(before)).isNotNull();
        long open = NodeIds.FIRST + 8;
        openNode(open, Unistd.O_RDWR);
        long since = lookUp("sysgenid");
        assertThat(files.inheritedNotOpen()).extracting(DeviceNode::id).containsExactly(before);
        assertThat(openNode(since, Unistd.O_RDWR)).isPositive();
    }

    @Test
    void theTextFilesAreTheSameNodesAlways() {
        assertThat(lookUp("generation")).isEqualTo(lookUp("generation"));
        assertThat(lookUp("watchers")).isEqualTo(lookUp("watchers"));
        assertThat(lookUp("watchers")).isNotEqualTo(lookUp("generation"));
        files.forget(lookUp("generation"), 3);
        assertThat(readText(lookUp("generation"), openNode(lookUp("generation"), 0), 0, 10))
                .isEqualTo("0\n");
    }

    /** How CRIU names an inode that was looked up afresh since: so it must be the device, and an inode of its own. */
    @ParameterizedTest
    @ValueSource(strings = {"sysgenid (deleted)", "sysgenid (deleted) (deleted)"})
    void theDeviceAsCriuNamesIt(String name) {
        long node = lookUp(name);
        assertThat(node).isNotEqualTo(lookUp(name)).isNotEqualTo(lookUp("sysgenid"));
        assertThat(attributes(node).u64(16)).as("inode").isEqualTo(4);
        openNode(node, Unistd.O_RDWR);
        assertThat(device.domain().watchers()).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "generation (deleted)",
                " (deleted)",
                "sysgenid (deleted",
                "sysgenid(deleted)",
                "sysgenid (deleted) ",
                "sysgenid  (deleted)",
            })
    void nothingElseIsNamedSo(String name) {
        files.lookup(new Request.Lookup(header(ROOT), name));
        error(Errno.ENOENT);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "Sysgenid", "sysgenid2", "sysgenid ", "sysgenid\0", ".", "..", "generatio", "../sysgenid"})
    void otherNamesAreNotThere(String name) {
        files.lookup(new Request.Lookup(header(ROOT), name));
        error(Errno.ENOENT);
        assertThat(files.deviceNodes()).isZero();
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 2, 3, 16, -1, Long.MIN_VALUE})
    void onlyTheRootIsADirectory(long node) {
        files.lookup(new Request.Lookup(header(node), "sysgenid"));
        error(Errno.ENOTDIR);
    }

    @Test
    void theDirectoryListsWhatCanBeLookedUp() {
        files.readDirectory(new Request.ReadDirectory(header(ROOT), 0, 0, 4096));
        ByteBuffer entries = reply().body();
        List<String> names = new ArrayList<>();
        for (int at = 0; at < entries.limit(); ) {
            byte[] name = new byte[entries.getInt(at + 16)];
            entries.get(at + 24, name);
            names.add(new String(name, java.nio.charset.StandardCharsets.UTF_8));
            at += (24 + name.length + 7) & ~7;
        }
        assertThat(names).containsExactly(".", "..", "sysgenid", "generation", "watchers", "sources", "health");
        names.subList(2, 5).forEach(this::lookUp);
    }

    // Attributes.

    private Message attributes(long node) {
        files.getAttributes(new Request.GetAttributes(header(node)));
        return reply();
    }

    @Test
    void whatStatShows() {
        long node = lookUp("sysgenid");
        assertThat(attributes(node).u64(16)).as("inode").isEqualTo(4);
        assertThat(attributes(node).u64(16 + 8)).as("size").isEqualTo(4096);
        assertThat(attributes(node).u32(16 + 60)).as("mode").isEqualTo(Stat.S_IFREG | 0666);
        assertThat(attributes(node).u32(16 + 68)).as("uid").isEqualTo(10);
        assertThat(attributes(node).u32(16 + 72)).as("gid").isEqualTo(20);
        assertThat(attributes(ROOT).u32(16 + 60)).isEqualTo(Stat.S_IFDIR | 0755);
        assertThat(attributes(lookUp("generation")).u32(16 + 60)).isEqualTo(Stat.S_IFREG | 0644);
        assertThat(attributes(lookUp("watchers")).u32(16 + 60)).isEqualTo(Stat.S_IFREG | 0444);
        files.getExtendedAttributes(new Request.GetExtendedAttributes(header(node)));
        assertThat(reply().u64(32 + 40)).as("size by statx").isEqualTo(4096);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 4, 15, 17, -1})
    void whatIsNotThereHasNoAttributes(long node) {
        lookUp("sysgenid");
        assertThat(attributes(node).errno()).isEqualTo(Errno.ENOENT);
        files.getExtendedAttributes(new Request.GetExtendedAttributes(header(node)));
        error(Errno.ENOENT);
        files.setAttributes(new Request.SetAttributes(header(node), 1 << 4, 0, 0, 0, 0));
        error(Errno.ENOENT);
        files.open(new Request.Open(header(node), 0));
        error(Errno.ENOENT);
    }

    @Test
    void aChangeOfModeOrOwnerHoldsForEveryNodeOfTheDevice() {
        long first = lookUp("sysgenid");
        long second = lookUp("sysgenid");
        files.setAttributes(new Request.SetAttributes(header(first), Request.SetAttributes.MODE, 0, 0107640, 0, 0));
        assertThat(reply().u32(16 + 60)).isEqualTo(Stat.S_IFREG | 0640);
        files.setAttributes(new Request.SetAttributes(
                header(second), Request.SetAttributes.UID | Request.SetAttributes.GID, 0, 0, 7, 8));
        assertThat(reply().u32(16 + 68)).isEqualTo(7);
        assertThat(attributes(first).u32(16 + 72)).isEqualTo(8);
        assertThat(attributes(lookUp("sysgenid")).u32(16 + 60)).isEqualTo(Stat.S_IFREG | 0640);
    }

    @Test
    void theRestStaysAsItIs() {
        for (long node : new long[] {ROOT, lookUp("generation"), lookUp("watchers")}) {
            files.setAttributes(new Request.SetAttributes(header(node), Request.SetAttributes.MODE, 0, 0777, 0, 0));
            error(Errno.EPERM);
        }
    }

    /** O_TRUNC means nothing, ftruncate is refused; times are accepted and mean nothing. */
    @ParameterizedTest
    @CsvSource({"8, 0, 0", "8, 1, 22", "72, 0, 22", "72, 4096, 22", "48, 0, 0", "0, 0, 0"})
    void sizesAndTimes(int valid, long size, int errno) {
        long node = lookUp("sysgenid");
        files.setAttributes(new Request.SetAttributes(header(node), valid, size, 0, 0, 0));
        Message reply = reply();
        assertThat(reply.errno()).isEqualTo(errno);
        if (errno == 0) {
            assertThat(reply.u64(16 + 8)).isEqualTo(4096);
        }
    }

    // Opens, and what they cost.

    @Test
    void aPageForEachNodeFromItsFirstOpenUntilItIsForgotten() {
        long node = lookUp("sysgenid");
        long first = openNode(node, Unistd.O_RDWR);
        long second = openNode(node, Unistd.O_RDWR);
        assertThat(first).isNotEqualTo(second);
        assertThat(pages.made).containsExactly(Map.entry(node, 1));
        files.release(new Request.Release(header(node), first));
        assertThat(reply().errno()).isZero();
        files.release(new Request.Release(header(node), second));
        assertThat(reply().errno()).isZero();
        assertThat(device.domain().watchers()).isZero();
        assertThat(pages.size()).as("mappings may be left").isEqualTo(1);
        files.forget(node, 1);
        assertThat(pages.size()).isZero();
    }

    @Test
    void aNodeIsForgottenByItsForget() {
        long node = lookUp("sysgenid");
        openNode(node, 0);
        files.forget(node, 0);
        files.forget(node, -1);
        files.forget(node, Long.MIN_VALUE);
        files.forget(-1, 1);
        files.forget(0, 1);
        files.forget(ROOT, 1);
        assertThat(files.deviceNodes()).isEqualTo(1);
        files.forget(node, Long.MAX_VALUE);
        assertThat(files.deviceNodes()).isZero();
        files.forget(node, 1);
        assertThat(kernel.all()).as("a forget is not answered").isEmpty();
    }

    @Test
    void anOpenThatGetsNoPageIsNoWatcher() {
        pages.refuse = Errno.ENOMEM;
        long node = lookUp("sysgenid");
        files.open(new Request.Open(header(node), Unistd.O_RDWR));
        error(Errno.ENOMEM);
        assertThat(reclaimed).isEqualTo(1);
        assertThat(device.domain().watchers()).isZero();
        pages.refuse = 0;
        openNode(node, Unistd.O_RDWR);
        assertThat(device.domain().watchers()).isEqualTo(1);
    }

    /** The kernel may be about to tell that it needs others no longer. */
    @Test
    void anOpenThatGetsNoPageTriesAgainWhenThoseThatAreForgottenAreGivenBack() {
        pages.refuse = -Errno.ENOSPC;
        openDevice(Unistd.O_RDWR);
        assertThat(reclaimed).isEqualTo(1);
        assertThat(pages.size()).isEqualTo(1);
        openDevice(Unistd.O_RDWR);
        assertThat(reclaimed).isEqualTo(1);
    }

    @ParameterizedTest
    @CsvSource({"0, false", "1, true", "2, true", "3, false", "0x8802, true", "0x8800, false"})
    void whoOpensForWritingIsAWatcherThatCounts(String flags, boolean tracked) {
        openDevice(Integer.decode(flags));
        assertThat(device.domain().tracked()).isEqualTo(tracked ? 1 : 0);
        assertThat(device.domain().watchers()).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 0x8401})
    void theListOfWatchersIsNotWritten(int flags) {
        files.open(new Request.Open(header(lookUp("watchers")), flags));
        error(Errno.EACCES);
    }

    @Test
    void theRootIsNotOpenedAsAFile() {
        files.open(new Request.Open(header(ROOT), 0));
        error(Errno.EISDIR);
    }

    @Test
    void theBackingFileComesWithTheOpen() {
        pages.backingId = 77;
        files.open(new Request.Open(header(lookUp("sysgenid")), 0));
        Message reply = reply();
        assertThat(reply.u32(8)).isEqualTo(OpenFlags.DIRECT_IO);
        assertThat(reply.u32(12)).isEqualTo(77);
    }

    /** Handles are looked up, never believed. */
    @ParameterizedTest
    @ValueSource(longs = {0, 3, -1, Long.MAX_VALUE})
    void aHandleThatWasNeverGiven(long handle) {
        openDevice(Unistd.O_RDWR);
        read(handle, 4, 0);
        error(Errno.EBADF);
        write(handle, 0, 0, 0, 0);
        error(Errno.EBADF);
        ioctl(handle, Ioctl.V4_GET_OUTDATED_WATCHERS, 0);
        error(Errno.ENOTTY);
        files.release(new Request.Release(header(16), handle));
        assertThat(reply().errno()).isZero();
        assertThat(device.domain().watchers()).isEqualTo(1);
    }

    @Test
    void aHandleThatWasGivenBack() {
        long handle = openDevice(Unistd.O_RDWR);
        files.release(new Request.Release(header(16), handle));
        reply();
        read(handle, 4, 0);
        error(Errno.EBADF);
        files.release(new Request.Release(header(16), handle));
        assertThat(reply().errno()).isZero();
    }

    /** A lookup costs nothing here, whoever does nothing else. */
    @Test
    void whatIsOnlyLookedUpIsNotKept() {
        for (int i = 0; i < 100_000; i++) {
            long node = lookUp("sysgenid");
            if (i % 1000 == 0) {
                assertThat(attributes(node).u64(16)).as("inode").isEqualTo(4);
            }
        }
        assertThat(files.deviceNodes()).isZero();
        files.getAttributes(new Request.GetAttributes(header(NodeIds.FIRST + 100_000)));
        error(Errno.ENOENT);
        files.open(new Request.Open(header(NodeIds.FIRST + 100_000), 0));
        error(Errno.ENOENT);
    }

    @Test
    void aUserMayHaveSoManyAndThePrivilegedMore() {
        mayBump = false;
        for (int i = 0; i < 3; i++) {
            openDevice(Unistd.O_RDWR);
        }
        long node = lookUp("sysgenid");
        files.open(new Request.Open(header(node), Unistd.O_RDWR));
        error(Errno.EMFILE);
        assertThat(reclaimed).isEqualTo(1);
        assertThat(files.deviceNodes()).isEqualTo(3);
        files.open(new Request.Open(new Header(0, ++unique, node, 0, 0, Unistd.getpid()), Unistd.O_RDWR));
        assertThat(reply().errno()).as("another user, root or not").isZero();
        mayBump = true;
        openDevice(Unistd.O_RDWR);
    }

    /** Each open file remembers how far it was read. */
    @Test
    void aUserMayHaveSoManyListsOfWatchersOpen() {
        mayBump = false;
        long node = lookUp("watchers");
        List<Long> handles = new ArrayList<>();
        for (int i = 0; i < Quotas.LISTS_PER_USER; i++) {
            handles.add(openNode(node, 0));
        }
        for (int i = 0; i < 3; i++) {
            files.open(new Request.Open(header(node), 0));
            error(Errno.EMFILE);
        }
        mayBump = true;
        assertThat(readText(node, openNode(node, 0), 0, 3)).isEqualTo("ID ");
        mayBump = false;
        assertThat(readText(node, handles.getFirst(), 0, 3)).isEqualTo("ID ");
        openNode(lookUp("generation"), 0);
        for (long handle : handles.subList(0, 2)) {
            files.release(new Request.Release(header(node), handle));
            assertThat(reply().errno()).isZero();
        }
        openNode(node, 0);
        files.open(new Request.Open(header(node), 0));
        error(Errno.EMFILE);
    }

    /** A descriptor can be handed on: what counts is who bumps. */
    @Test
    void theLogNamesWhoBumped() {
        long handle = openDevice(Unistd.O_RDWR);
        int parent = (int) ProcessHandle.current().parent().orElseThrow().pid();
        files.ioctl(
                new Request.Ioctl(new Header(0, ++unique, 0, 1000, 100, parent), handle, Ioctl.TRIGGER_GEN_UPDATE, 0));
        assertThat(reply().errno()).isZero();
        assertThat(journal).singleElement().asString().endsWith("(pid " + parent + ")");
    }

    // The device.

    @Test
    void readAndAck() {
        long handle = openDevice(Unistd.O_RDWR);
        read(handle, 4, Unistd.O_NONBLOCK);
        error(Errno.EAGAIN);
        read(handle, 0, 0);
        assertThat(reply().body().limit()).isZero();
        read(handle, 3, 0);
        error(Errno.EINVAL);
        bump(handle);
        assertThat(pages.published).isEqualTo(1);
        for (int size : new int[] {4, 5, 4096, -1}) {
            read(handle, size, 0);
            Message reply = reply();
            assertThat(reply.body().limit()).isEqualTo(4);
            assertThat(reply.u32(0)).isEqualTo(1);
        }
        write(handle, 2, 0, 0, 0);
        error(Errno.EINVAL);
        write(handle, 1, 0, 0, 0, 0);
        error(Errno.EINVAL);
        write(handle);
        error(Errno.EINVAL);
        write(handle, 1, 0, 0, 0);
        assertThat(reply().u32(0)).isEqualTo(4);
        read(handle, 4, Unistd.O_NONBLOCK);
        error(Errno.EAGAIN);
    }

    @Test
    void aParkedReadIsAnsweredBeforeTheBump() {
        long reader = openDevice(Unistd.O_RDWR);
        long other = openDevice(Unistd.O_RDWR);
        read(reader, 4, 0);
        long parked = unique;
        assertThat(kernel.all()).isEmpty();
        files.poll(new Request.Poll(header(0), other, 55, true));
        assertThat(reply().u32(0)).isZero();
        ioctl(other, Ioctl.TRIGGER_GEN_UPDATE, 0);
        List<Message> messages = kernel.all();
        assertThat(messages).hasSize(3);
        assertThat(messages.get(0).unique()).isEqualTo(parked);
        assertThat(messages.get(0).u32(0)).isEqualTo(1);
        assertThat(messages.get(1).unique()).isZero();
        assertThat(messages.get(1).code()).isEqualTo(Message.POLL);
        assertThat(messages.get(1).u64(0)).isEqualTo(55);
        assertThat(messages.get(2).unique()).isEqualTo(unique);
        assertThat(journal).singleElement().asString().matches("1 2 \\S+ \\(pid " + Unistd.getpid() + "\\)");
        assertThat(freshened).as("before any page shows it").isEqualTo(-1);
    }

    @Test
    void aPollerIsWokenOnceAndByTheHandleItGaveLast() {
        long handle = openDevice(Unistd.O_RDWR);
        long other = openDevice(Unistd.O_RDWR);
        files.poll(new Request.Poll(header(0), handle, 55, true));
        reply();
        files.poll(new Request.Poll(header(0), handle, 56, false));
        reply();
        ioctl(other, Ioctl.TRIGGER_GEN_UPDATE, 0);
        assertThat(kernel.all()).extracting(Message::unique).containsExactly(0L, unique);
        bump(other);
        files.poll(new Request.Poll(header(0), handle, 57, true));
        assertThat(reply().u32(0)).isEqualTo(POLLIN);
        ioctl(other, Ioctl.TRIGGER_GEN_UPDATE, 0);
        Message wakeUp = kernel.all().getFirst();
        assertThat(wakeUp.code()).isEqualTo(Message.POLL);
        assertThat(wakeUp.u64(0)).isEqualTo(57);
    }

    @Test
    void aTextFileIsAlwaysReadable() {
        files.poll(new Request.Poll(header(2), 99, 1, true));
        assertThat(reply().u32(0)).isEqualTo(POLLIN);
    }

    @Test
    void interruptsEndWhatIsParked() {
        long handle = openDevice(Unistd.O_RDWR);
        read(handle, 4, 0);
        long parked = unique;
        files.interrupt(parked + 1);
        assertThat(kernel.all()).isEmpty();
        files.interrupt(parked);
        Message reply = kernel.only();
        assertThat(reply.unique()).isEqualTo(parked);
        assertThat(reply.errno()).isEqualTo(Errno.EINTR);
        files.interrupt(parked);
        assertThat(kernel.all()).isEmpty();
        assertThat(device.domain().parked()).isZero();
    }

    @Test
    void aWaitEndsWithTheLastAckOrCloseOrWithItsTime() throws InterruptedException {
        long late = openDevice(Unistd.O_RDWR);
        long waiter = openDevice(Unistd.O_RDWR);
        bump(late);
        write(waiter, 1, 0, 0, 0);
        reply();
        ioctl(waiter, Ioctl.WAIT_WATCHERS, 0);
        long parked = unique;
        assertThat(kernel.all()).isEmpty();
        write(late, 1, 0, 0, 0);
        assertThat(kernel.all()).extracting(Message::unique).containsExactly(parked, unique);

        bump(late);
        write(waiter, 2, 0, 0, 0);
        reply();
        ioctl(waiter, Ioctl.WAIT_WATCHERS, 0);
        parked = unique;
        files.release(new Request.Release(header(16), late));
        List<Message> messages = kernel.all();
        assertThat(messages).extracting(Message::unique).containsExactly(parked, unique);
        assertThat(messages.getFirst().errno()).isZero();
        assertThat(messages.getFirst().u32(0)).isZero();

        openDevice(Unistd.O_RDWR);
        bump(waiter);
        write(waiter, 3, 0, 0, 0);
        reply();
        ioctl(waiter, Ioctl.WAIT_WATCHERS, 1);
        parked = unique;
        while (device.domain().parked() > 0) {
            // Not at once: who is woken first, the loop's end or its timer, would be the same one each time.
            Thread end = Thread.ofVirtual().start(() -> {
                try {
                    Thread.sleep(20);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                loop.submit(loop::stop);
            });
            loop.run();
            end.join();
        }
        Message timeout = kernel.only();
        assertThat(timeout.unique()).isEqualTo(parked);
        assertThat(timeout.errno()).isEqualTo(Errno.ETIME);
    }

    @Test
    void whoMayNotBumpDoesNot() {
        mayBump = false;
        long handle = openDevice(Unistd.O_RDWR);
        for (int command : new int[] {Ioctl.TRIGGER_GEN_UPDATE, Ioctl.V4_FORCE_GEN_UPDATE}) {
            ioctl(handle, command, 0);
            error(Errno.EACCES);
            ioctl(handle, command, -1);
            error(Errno.EACCES);
        }
        assertThat(device.domain().generation()).isZero();
        assertThat(journal).isEmpty();
        assertThat(pages.published).isEqualTo(-1);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, -1, 0x2d00, 0x2d04, 0xe400, 0xe404, 0x5401, 0x8004e403, Integer.MIN_VALUE})
    void commandsThatAreNone(int command) {
        ioctl(openDevice(Unistd.O_RDWR), command, 0);
        error(Errno.EINVAL);
    }

    @Test
    void theWriteBackOfAPageGoesNowhere() {
        long handle = openDevice(Unistd.O_RDWR);
        files.write(new Request.Write(header(16), handle, 0, new byte[4096], false));
        assertThat(reply().u32(0)).isEqualTo(4096);
        assertThat(device.domain().generation()).isZero();
        write(handle, 0, 0, 0, 0);
        assertThat(reply().u32(0)).isEqualTo(4);
    }

    /** The kernel fills a page of its cache, where mappings are the kernel's. */
    @ParameterizedTest
    @CsvSource({"0, 4096, 4096", "0, 4, 4", "0, 0, 0", "2, 4096, 4094", "4095, 4096, 1", "4096, 4096, 0", "8192, 10, 0"
    })
    void aPageFault(long offset, int size, int length) {
        long handle = openDevice(Unistd.O_RDONLY);
        bump(handle);
        files.read(new Request.Read(header(16), handle, offset, size, 0, false));
        Message reply = reply();
        assertThat(reply.body().limit()).isEqualTo(length);
        byte[] content = new byte[4096];
        ByteBuffer.wrap(content)
                .order(ByteOrder.nativeOrder())
                .putInt(1)
                .putInt(0)
                .put("SYSGENID".getBytes(US_ASCII));
        for (int i = 0; i < length; i++) {
            // Between the magic and the zeros: what PageContentTest is about.
            int at = (int) offset + i;
            if (at < 16 || at >= 56) {
                assertThat(reply.body().get(i)).as("byte %s", at).isEqualTo(content[at]);
            }
        }
    }

    @Test
    void aPageFaultWhereMappingsAreTheDaemonsIsRefused() {
        pages.backingId = 77;
        long handle = openDevice(Unistd.O_RDONLY);
        files.read(new Request.Read(header(16), handle, 0, 4096, 0, false));
        error(Errno.EINVAL);
    }

    // The text files.

    private void writeGeneration(String text, long offset) {
        long node = lookUp("generation");
        long handle = openNode(node, Unistd.O_WRONLY);
        byte[] data = text.getBytes(java.nio.charset.StandardCharsets.US_ASCII);
        files.write(new Request.Write(header(node), handle, offset, data, true));
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0, 1",
        "1, 0, 1",
        "2, 0, 2",
        "7, 9, 10",
        "10, 9, 10",
        "4294967295, 9, 4294967295",
        "0000000012, 9, 12",
        "0, 4294967295, 1"
    })
    void aNumberWrittenToTheGenerationBumps(String wish, String before, long after) {
        if (!before.equals("0")) {
            device.domain().bump(Integer.parseUnsignedInt(before), 0);
        }
        writeGeneration(wish, 0);
        assertThat(reply().u32(0)).isEqualTo(wish.length());
        assertThat(Integer.toUnsignedLong(device.domain().generation())).isEqualTo(after);
        assertThat(Integer.toUnsignedLong(pages.published)).isEqualTo(after);
        assertThat(journal)
                .singleElement()
                .asString()
                .matches((int) after + " 0 \\S+ \\(pid " + Unistd.getpid() + "\\)");
        writeGeneration("0\n", 0);
        assertThat(reply().u32(0)).isEqualTo(2);
        assertThat(device.domain().generation()).isEqualTo((int) after == -1 ? 1 : (int) after + 1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "\n",
                " 1",
                "1 ",
                "-1",
                "+1",
                "0x1",
                "1\n\n",
                "1\n2\n",
                "4294967296",
                "9999999999",
                "00000000001",
                "a"
            })
    void whatIsNoGenerationIsNotWritten(String text) {
        writeGeneration(text, 0);
        error(Errno.EINVAL);
        assertThat(device.domain().generation()).isZero();
        assertThat(journal).isEmpty();
    }

    @Test
    void theGenerationIsWrittenFromItsBeginning() {
        writeGeneration("5", 1);
        error(Errno.EINVAL);
        assertThat(device.domain().generation()).isZero();
    }

    @Test
    void theGenerationIsWrittenByWhoMayBump() {
        long node = lookUp("generation");
        for (int flags : new int[] {Unistd.O_WRONLY, Unistd.O_RDWR}) {
            mayBump = false;
            files.open(new Request.Open(header(node), flags));
            error(Errno.EACCES);
            // Opened by one who may, and handed on.
            mayBump = true;
            long handle = openNode(node, flags);
            mayBump = false;
            files.write(new Request.Write(header(node), handle, 0, new byte[] {'5'}, true));
            error(Errno.EACCES);
        }
        assertThat(readText(node, openNode(node, Unistd.O_RDONLY), 0, 10)).isEqualTo("0\n");
        assertThat(device.domain().generation()).isZero();
        assertThat(journal).isEmpty();
    }

    @Test
    void theGenerationIsALine() {
        long node = lookUp("generation");
        long handle = openNode(node, 0);
        assertThat(readText(node, handle, 0, 4096)).isEqualTo("0\n");
        long device = openDevice(Unistd.O_RDWR);
        ioctl(device, Ioctl.TRIGGER_GEN_UPDATE, 0xffff_ffffL);
        reply();
        assertThat(readText(node, handle, 0, 4096)).isEqualTo("4294967295\n");
        assertThat(readText(node, handle, 0, 4)).isEqualTo("4294");
        assertThat(readText(node, handle, 4, 4)).isEqualTo("9672");
        assertThat(readText(node, handle, 10, 4)).isEqualTo("\n");
        for (long offset : new long[] {11, 12, 1L << 32, Long.MAX_VALUE}) {
            assertThat(readText(node, handle, offset, -1)).isEmpty();
        }
    }

    @Test
    void theWatchersAreAList() {
        openDevice(Unistd.O_RDWR);
        long node = lookUp("watchers");
        long handle = openNode(node, 0);
        String text = readText(node, handle, 0, -1);
        assertThat(text.lines()).hasSize(2);
        assertThat(text.lines().skip(1))
                .singleElement()
                .asString()
                .startsWith("1 " + Unistd.getpid() + " 1000 rw yes 0 - ");
        assertThat(readText(node, handle, text.length(), 100)).isEmpty();
        files.release(new Request.Release(header(node), handle));
        reply();
        files.read(new Request.Read(header(node), handle, 0, 100, 0, true));
        error(Errno.EBADF);
    }

    // Anything.

    /**
     * Requests in any order, about anything. Each is answered once and only once, now or when what it is parked for is
     * over; none is a defect; and when all is given back, nothing is left.
     */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void anyRequestsInAnyOrder(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        List<Long> nodes = new ArrayList<>();
        List<Long> handles = new ArrayList<>(List.of(0L, -1L, 12345L));
        Map<Long, String> unanswered = new HashMap<>();
        long[] arguments = {0, 1, 2, 5, 0xffff_ffffL, 0x1_0000_0000L, -1, Long.MIN_VALUE};
        int[] commands = {0x2d01, 0x2d02, 0x2d03, 0xe401, 0xe402, 0xe403, 0, 0x5401};
        for (int step = 0; step < 30_000; step++) {
            mayBump = random.nextInt(3) != 0;
            long node = nodes.isEmpty() || random.nextInt(10) == 0
                    ? random.nextLong(-2, 20)
                    : nodes.get(random.nextInt(nodes.size()));
            long handle = handles.get(random.nextInt(handles.size()));
            Header header = header(node);
            int kind = random.nextInt(14);
            if (kind < 12) {
                unanswered.put(unique, "step " + step + ", kind " + kind);
            }
            switch (kind) {
                case 0 ->
                    files.lookup(new Request.Lookup(
                            header(random.nextInt(10) == 0 ? node : ROOT, header),
                            random.nextInt(4) == 0 ? "generation" : "sysgenid"));
                case 1 -> files.getAttributes(new Request.GetAttributes(header));
                case 2 ->
                    files.setAttributes(new Request.SetAttributes(
                            header, random.nextInt(), random.nextLong(), random.nextInt(), 0, 0));
                case 3 -> files.open(new Request.Open(header, random.nextInt(4) | (random.nextInt() & 0x8800)));
                case 4, 5 ->
                    files.read(new Request.Read(
                            header,
                            handle,
                            random.nextLong(),
                            random.nextInt(10) - 2,
                            random.nextInt(2) * Unistd.O_NONBLOCK,
                            random.nextInt(8) != 0));
                case 6 ->
                    files.write(
                            new Request.Write(header, handle, random.nextLong(), ack(random), random.nextInt(8) != 0));
                case 7, 8 ->
                    files.ioctl(new Request.Ioctl(
                            header,
                            handle,
                            commands[random.nextInt(commands.length)],
                            arguments[random.nextInt(arguments.length)]));
                case 9 -> files.poll(new Request.Poll(header, handle, random.nextLong(), random.nextBoolean()));
                case 10 -> {
                    files.release(new Request.Release(header, handle));
                    if (handles.size() > 3) {
                        handles.remove(handle);
                    }
                }
                case 11 ->
                    files.readDirectory(new Request.ReadDirectory(header, handle, random.nextLong(), random.nextInt()));
                case 12 -> files.interrupt(1 + random.nextLong(unique));
                default -> {
                    if (random.nextInt(3) == 0) {
                        files.forget(node, random.nextInt(4) == 0 ? random.nextLong() : 1);
                    }
                }
            }
            for (Message message : kernel.all()) {
                if (message.unique() == 0) {
                    assertThat(message.code()).isEqualTo(Message.POLL);
                    continue;
                }
                assertThat(unanswered.remove(message.unique()))
                        .as("an answer to a request that waits, at step %d", step)
                        .isNotNull();
                assertThat(message.code()).isBetween(-511, 0);
                if (message.unique() == unique && message.code() == 0) {
                    if (kind == 0) {
                        nodes.add(message.u64(0));
                    } else if (kind == 3) {
                        handles.add(message.u64(0));
                    }
                }
            }
            assertThat(unanswered).hasSize(device.domain().parked());
            if (nodes.size() > 200) {
                long gone = nodes.remove(random.nextInt(100));
                files.forget(gone, 1);
            }
        }
        long lastNode = lookUp("sysgenid");
        for (long handle : handles) {
            files.release(new Request.Release(header(0), handle));
            unanswered.put(unique, "release");
        }
        // Also those that no kernel would ask about once more, having forgotten them.
        for (long node = NodeIds.FIRST; node <= lastNode; node++) {
            files.forget(node, Long.MAX_VALUE);
        }
        kernel.all().forEach(message -> unanswered.remove(message.unique()));
        assertThat(unanswered).isEmpty();
        assertThat(device.domain().watchers()).isZero();
        assertThat(device.domain().parked()).isZero();
        assertThat(files.deviceNodes()).isZero();
        assertThat(pages.size()).isZero();
    }

    private static Header header(long node, Header like) {
        return new Header(like.opcode(), like.unique(), node, like.uid(), like.gid(), like.pid());
    }

    /** Mostly an ack; sometimes of something else. */
    private byte[] ack(SplittableRandom random) {
        byte[] data = new byte[random.nextInt(6) == 0 ? random.nextInt(10) : 4];
        if (data.length == 4) {
            ByteBuffer.wrap(data)
                    .order(ByteOrder.nativeOrder())
                    .putInt(device.domain().generation() - (random.nextInt(6) == 0 ? 1 : 0));
        }
        return data;
    }
}
