// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.abi.Generation;
import dev.sysgenid.abi.Ioctl;
import dev.sysgenid.core.Domain;
import dev.sysgenid.core.Effects;
import dev.sysgenid.core.Tracking;
import dev.sysgenid.core.Watcher;
import dev.sysgenid.fuse.Connection;
import dev.sysgenid.fuse.Request;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The device file of one domain: what a system call on it does. Asks the {@link Domain}, and carries its answers and
 * {@link Effects} to the kernel.
 *
 * <p>Order at a bump: every page shows the new generation; every watcher is outdated; parked reads return; pollers are
 * woken; parked waits return; last, the caller of the bump is answered. So whoever learns of a bump in one way finds it
 * in every other.
 *
 * <p>Belongs to the loop's thread.
 */
final class Device implements Effects {
    private static final ValueLayout.OfInt GENERATION = ValueLayout.JAVA_INT_UNALIGNED;

    /** Of the highest generation. */
    private static final int MAX_DIGITS = 10;

    /** The most requests that may be parked; of these, half are for those who may administer. */
    private static final int MOST_PARKED = 1 << 17;

    private final Domain domain;
    private final Ledger ledger;
    private final Surroundings surroundings;
    private final Connection connection;
    private final Pages pages;
    private final Callers callers;
    private final Loop loop;
    private final StateFile state;
    private final Quotas quotas;

    /** How many pages there are. */
    private int held;

    /** The request that is being served: a change of the state is noted together with it. */
    private long current;

    /** What a change of a watcher is to the answer of that request, see {@link StateFile}. */
    private int changing;

    /** Whether something was noted for it. */
    private boolean unsettled;

    /** When the WAITs came that an earlier daemon had parked, by request. */
    private Map<Long, Long> earlierWaits = Map.of();

    /** The machine's device, that nobody has opened, or whose open files are yet to be {@linkplain #restore restored}. */
    Device(Tracking tracking, Surroundings surroundings) {
        this.surroundings = surroundings;
        connection = surroundings.connection();
        pages = surroundings.pages();
        callers = surroundings.callers();
        loop = surroundings.loop();
        state = surroundings.state();
        quotas = surroundings.quotas();
        ledger = new Ledger(state);
        int generation = ledger.content().generation();
        domain = new Domain(tracking, this, generation, ledger.serial(), Math.max(0, state.lastWatcher()));
        loop.onDeadline(() -> {
            domain.expire(loop.now());
            loop.wakeAt(domain.nextDeadline());
        });
    }

    /** The device of a domain below the machine's; the same holds for its open files. */
    Device(Device machine, Subdomain below) {
        surroundings = machine.surroundings;
        connection = surroundings.connection();
        pages = surroundings.pages();
        callers = surroundings.callers();
        loop = surroundings.loop();
        state = surroundings.state();
        quotas = surroundings.quotas();
        earlierWaits = machine.earlierWaits;
        ledger = new Ledger(machine.ledger, below);
        domain = new Domain(machine.domain, this, ledger.content().generation(), ledger.serial());
    }

    /** What each user may have, of all domains together. */
    Quotas quotas() {
        return quotas;
    }

    /** What is noted of the domain. */
    Ledger ledger() {
        return ledger;
    }

    /** Its domain's place in the state; 0 for the machine's. */
    int slot() {
        return ledger.slot();
    }

    /** How many pages of it there are. */
    int pagesHeld() {
        return held;
    }

    /** Whether a caller may make and remove domains, and give them away. */
    boolean mayAdminister(Request.Header caller) {
        return surroundings.privileges().mayBump(caller, UserNamespace.NONE);
    }

    /** Whether a caller may bump this domain. */
    boolean mayBump(Request.Header caller) {
        return surroundings.privileges().mayBump(caller, ledger.owner());
    }

    Domain domain() {
        return domain;
    }

    /** Opens a node, and answers with {@code handle}; on failure answers with the error and returns null. */
    @Nullable
    OpenFile open(Request.Open request, DeviceNode node, long handle) {
        if (ledger.removed()) {
            connection.replyError(request.unique(), Errno.ENODEV);
            return null;
        }
        int uid = request.header().uid();
        BooleanSupplier privileged = () -> mayAdminister(request.header());
        int refusal = quotas.refusal(uid, node.page() == null, privileged);
        if (refusal != 0) {
            // What was closed counts until the kernel has said that it forgets it.
            surroundings.reclaim().run();
            refusal = quotas.refusal(uid, node.page() == null, privileged);
        }
        if (refusal != 0) {
            connection.replyError(request.unique(), refusal);
            return null;
        }
        if (request.resent()) {
            stopExpecting(node); // it is this one that was not noted whole
        }
        Page page = node.page();
        int slot;
        try {
            if (page == null) {
                page = newPage(node, uid);
                setPage(node, page, uid);
                state.setLastBacking(page.backingId());
            }
            slot = state.allocate();
        } catch (SystemCallException e) {
            connection.replyError(request.unique(), e.errno());
            return null;
        }
        Callers.Identity opener = callers.identify(request.header().pid());
        int access = request.flags() & Unistd.O_ACCMODE;
        boolean writable = access == Unistd.O_WRONLY || access == Unistd.O_RDWR;
        OpenFile file = new OpenFile(node, handle, slot, domain.open(writable), opener, uid);
        quotas.watchers(uid, 1);
        state.setWatcher(StateFile.OPEN, request.unique(), file, domain.serial());
        connection.replyOpen(request.unique(), handle, pages.openFlags(), page.backingId());
        state.settle();
        return file;
    }

    private void used(Request.Header by, OpenFile file) {
        if (!file.used) {
            file.used = true;
            Callers.Identity now = callers.identify(by.pid());
            if (now.pid() == file.opener.pid()) {
                file.opener = now;
            }
        }
    }

    /** An open file that an earlier daemon served. Its node has its page. */
    OpenFile restore(StateFile.WatcherRecord known, DeviceNode node, long outdatedSince) {
        Watcher watcher = domain.resume(known.id(), known.writable(), known.tracked(), known.acked(), outdatedSince);
        Callers.Identity opener = new Callers.Identity(known.pid(), known.command());
        OpenFile file = new OpenFile(node, known.handle(), known.slot(), watcher, opener, known.uid());
        quotas.watchers(file.uid, 1);
        file.pollHandle = known.pollHandle();
        if (file.pollHandle != 0) {
            domain.poll(watcher, true);
        }
        return file;
    }

    /**
     * An open file of which only the kernel knows, because what an earlier daemon had noted of it was damaged. It counts as
     * opened for writing, tracked, and outdated: those who wait rather wait too long.
     */
    @Nullable
    OpenFile adopt(DeviceNode node, long handle, Request.Header caller) {
        try {
            // In the place of the one that was expected, in one step.
            DeviceNode.Expected expected = node.expected();
            int slot = expected != null && expected.slot() >= 0 ? expected.slot() : state.allocate();
            Watcher watcher = expected != null ? expected.watcher() : unknownWatcher();
            node.expect(null);
            OpenFile file = new OpenFile(node, handle, slot, watcher, callers.identify(caller.pid()), caller.uid());
            quotas.watchers(file.uid, 1);
            state.setWatcher(StateFile.OTHER, 0, file, domain.serial() - 1);
            state.settle();
            return file;
        } catch (SystemCallException e) {
            return null;
        }
    }

    private Watcher unknownWatcher() {
        return domain.resume(domain.opened() + 1, true, true, domain.generation(), loop.now());
    }

    /**
     * Where something that was noted is damaged: counts a node that no open file leads to as one that is watched, until whoever has it
     * open shows himself ({@link #adopt}), closes it, or the kernel forgets it. A mapping without an open file counts too. It is
     * noted, for the next daemon to count it as well.
     */
    void expectWatcher(DeviceNode node) {
        Watcher watcher = unknownWatcher();
        int slot = -1;
        try {
            slot = state.allocate();
            state.setExpected(slot, watcher, node, domain.serial() - 1);
        } catch (SystemCallException e) {
            // There is no room. It is counted as long as this daemon serves.
        }
        node.expect(new DeviceNode.Expected(watcher, slot));
    }

    /** As an earlier daemon expected it. */
    void restoreExpected(StateFile.WatcherRecord known, DeviceNode node, long outdatedSince) {
        Watcher watcher = domain.resume(known.id(), true, true, known.acked(), outdatedSince);
        node.expect(new DeviceNode.Expected(watcher, known.slot()));
    }

    /** There is nobody to be expected at a node any more. */
    void stopExpecting(DeviceNode node) {
        DeviceNode.Expected expected = node.expected();
        if (expected != null) {
            node.expect(null);
            if (expected.slot() >= 0) {
                state.release(expected.slot());
            }
            domain.close(expected.watcher());
            loop.wakeAt(domain.nextDeadline());
        }
    }

    /** The page of a node that an earlier daemon served. */
    void restorePage(DeviceNode node, Page page, int uid) {
        setPage(node, page, uid);
    }

    private void setPage(DeviceNode node, Page page, int uid) {
        node.setPage(page, uid);
        quotas.pages(uid, 1);
        held++;
    }

    /** The kernel knows the node no longer. */
    void drop(DeviceNode node) {
        stopExpecting(node);
        if (node.page() != null) {
            quotas.pages(node.pageOwner(), -1);
            held--;
        }
        node.drop();
    }

    /** Nobody opens it any more. Who still has a page mapped is told, and of each bump of the machine later. */
    void remove() {
        ledger.remove(ledger.below().withoutDirectory());
        publish();
    }

    /** Its domain is bumped no more. */
    void forget() {
        domain.remove();
    }

    /** What became of WAITs that an earlier daemon had parked: they keep their time when they come again. */
    void setEarlierWaits(Map<Long, Long> arrivals) {
        earlierWaits = arrivals;
    }

    /** Every page shows what it is to show. */
    void publish() {
        pages.publish(slot(), ledger.content());
    }

    /** Every poller looks again. */
    void wakeAll() {
        for (Watcher watcher : domain.all()) {
            wake(watcher);
        }
    }

    /** Not because of a request: what was missed while no daemon could be told is made up for. */
    void bump() {
        current = 0;
        domain.bump(0, loop.now());
        settle();
    }

    private Page newPage(DeviceNode node, int uid) throws SystemCallException {
        try {
            return pages.create(node.id(), uid, ledger.content());
        } catch (SystemCallException e) {
            // Pages of inodes that are gone may still be held, because the kernel is slow to say so.
            surroundings.reclaim().run();
            return pages.create(node.id(), uid, ledger.content());
        }
    }

    void read(Request.Read request, OpenFile file) {
        if (!request.byProcess()) {
            fill(request, file.node);
            return;
        }
        used(request.header(), file);
        boolean nonblocking = (request.fileFlags() & Unistd.O_NONBLOCK) != 0;
        if (mayNotPark(request.header())) {
            // It may still be answered at once.
            int result = domain.read(file.watcher, request.unique(), Integer.toUnsignedLong(request.size()), true);
            reply(request.unique(), result == -Errno.EAGAIN && !nonblocking ? -Errno.ENOSPC : result);
            return;
        }
        int result = domain.read(file.watcher, request.unique(), Integer.toUnsignedLong(request.size()), nonblocking);
        if (result == Domain.PARKED) {
            return;
        }
        reply(request.unique(), result);
    }

    private boolean mayNotPark(Request.Header caller) {
        int parked = domain.parkedInAll();
        return parked >= MOST_PARKED / 2 && (parked >= MOST_PARKED || !mayAdminister(caller));
    }

    /**
     * The kernel fills a page of its cache. Where mappings are the daemon's own pages nobody has a use for that but
     * splice and sendfile, and what they would find later is stale; so it is refused.
     */
    private void fill(Request.Read request, DeviceNode node) {
        Page page = node.page();
        if (page == null || page.backingId() != 0) {
            connection.replyError(request.unique(), Errno.EINVAL);
            return;
        }
        page.filled();
        byte[] bytes = Arrays.copyOf(ledger.content().bytes(false), dev.sysgenid.abi.Page.SIZE);
        int from = Math.clamp(request.offset(), 0, bytes.length);
        int length = (int) Math.min(Integer.toUnsignedLong(request.size()), bytes.length - from);
        connection.replyData(request.unique(), bytes, from, length);
    }

    /** Whether the kernel asks for its page cache: it holds the lock of a page until this is answered. */
    static boolean isOfThePageCache(Request request) {
        return switch (request) {
            case Request.Read read -> !read.byProcess();
            case Request.Write write -> !write.byProcess();
            default -> false;
        };
    }

    void write(Request.Write request, OpenFile file) {
        byte[] data = request.data();
        if (!request.byProcess()) {
            // Somebody scribbled on a mapping of the kernel's cache, and the kernel writes that back: to nowhere.
            connection.replyWritten(request.unique(), data.length);
            return;
        }
        used(request.header(), file);
        int value =
                data.length == Generation.BYTES ? MemorySegment.ofArray(data).get(GENERATION, 0) : 0;
        current = request.unique();
        changing = StateFile.ACK;
        int result = domain.write(file.watcher, data.length, value);
        if (result < 0) {
            connection.replyError(request.unique(), -result);
        } else {
            connection.replyWritten(request.unique(), result);
        }
        settle();
    }

    void ioctl(Request.Ioctl request, OpenFile file) {
        used(request.header(), file);
        boolean wait = request.command() == Ioctl.WAIT_WATCHERS || request.command() == Ioctl.V4_WAIT_WATCHERS;
        if (wait && mayNotPark(request.header())) {
            connection.replyError(request.unique(), Errno.ENOSPC);
            return;
        }
        if (request.command() == Ioctl.SET_DOMAIN_OWNER && !ledger.isMachines()) {
            setOwner(request);
            return;
        }
        long bumps = domain.serial();
        current = request.unique();
        changing = StateFile.TRACKING;
        long now = loop.now();
        long came = request.resent() ? earlierWaits.getOrDefault(Request.firstUnique(request.unique()), now) : now;
        int result = domain.ioctl(
                file.watcher,
                request.unique(),
                request.command(),
                request.argument(),
                () -> mayBump(request.header()),
                wait ? came : now);
        loop.wakeAt(domain.nextDeadline());
        // Not who opened: a descriptor can be handed on. Asked while the caller still waits, and after all others know.
        Callers.Identity by =
                domain.serial() != bumps ? callers.identify(request.header().pid()) : null;
        if (result == Domain.PARKED) {
            if (request.argument() != 0) {
                state.waits().parked(Request.firstUnique(request.unique()), came, mayAdminister(request.header()));
            }
        } else {
            if (result < 0) {
                connection.replyError(request.unique(), -result);
            } else {
                connection.replyIoctl(request.unique(), result);
            }
            if (wait) {
                state.waits().ended(Request.firstUnique(request.unique())); // a predecessor may have parked it
            }
            settle();
        }
        if (by != null) {
            tellBump(by);
        }
    }

    private void tellBump(Callers.Identity by) {
        surroundings
                .journal()
                .bumped(
                        ledger.name(),
                        domain.generation(),
                        domain.outdated(),
                        by.printableCommand() + " (pid " + by.pid() + ")");
    }

    /** The capability counts from now on in the user namespace of which the caller has a descriptor open. */
    private void setOwner(Request.Ioctl request) {
        if (!mayAdminister(request.header())) {
            connection.replyError(request.unique(), Errno.EACCES);
            return;
        }
        try {
            UserNamespace owner = callers.userNamespace(request.header().pid(), request.argument());
            ledger.setOwner(request.unique(), owner);
            connection.replyIoctl(request.unique(), 0);
            state.settle();
        } catch (SystemCallException e) {
            connection.replyError(request.unique(), e.errno());
        }
    }

    /** A decimal number written to the text file {@code generation}: a bump with that as the least new generation. */
    void writeGeneration(Request.Write request) {
        byte[] data = request.data();
        if (!request.byProcess()) {
            connection.replyWritten(request.unique(), data.length); // as on the device: to nowhere
            return;
        }
        long minimum = parseGeneration(data);
        if (minimum < 0 || request.offset() != 0) {
            connection.replyError(request.unique(), Errno.EINVAL);
        } else if (!mayBump(request.header())) {
            connection.replyError(request.unique(), Errno.EACCES);
        } else {
            current = request.unique();
            domain.bump((int) minimum, loop.now());
            loop.wakeAt(domain.nextDeadline());
            Callers.Identity by = callers.identify(request.header().pid());
            connection.replyWritten(request.unique(), data.length);
            settle();
            tellBump(by);
        }
    }

    /** A generation in decimal, with a line end or without; -1 for anything else. */
    private static long parseGeneration(byte[] text) {
        int digits = text.length > 0 && text[text.length - 1] == '\n' ? text.length - 1 : text.length;
        if (digits == 0 || digits > MAX_DIGITS) {
            return -1;
        }
        long value = 0;
        for (int i = 0; i < digits; i++) {
            if (text[i] < '0' || text[i] > '9') {
                return -1;
            }
            value = value * 10 + (text[i] - '0');
        }
        return value <= 0xffff_ffffL ? value : -1;
    }

    /** Bumps, because a source says that the system was restored. */
    void bump(String by) {
        current = 0;
        domain.bump(0, loop.now());
        loop.wakeAt(domain.nextDeadline());
        settle();
        surroundings.journal().restored(domain.generation(), domain.outdated(), by);
    }

    void poll(Request.Poll request, OpenFile file) {
        used(request.header(), file);
        if (file.pollHandle != request.kernelHandle()) {
            file.pollHandle = request.kernelHandle();
            state.polled(file.pollHandle);
            note(StateFile.OTHER, 0, file);
            settle();
        }
        connection.replyPoll(request.unique(), domain.poll(file.watcher, request.scheduleNotify()));
    }

    void close(OpenFile file) {
        state.release(file.slot);
        quotas.watchers(file.uid, -1);
        domain.close(file.watcher);
        loop.wakeAt(domain.nextDeadline());
    }

    void interrupt(long unique) {
        domain.interrupt(unique);
        loop.wakeAt(domain.nextDeadline());
    }

    /** Mends some of the pages; see {@link Pages#mend}. */
    int mend(int from, int count) {
        return pages.mend(slot(), ledger.content(), from, count);
    }

    /** How many pages {@link #mend} can look at. */
    int pages() {
        return pages.size(slot());
    }

    /** Tells those who look at their page, and at nothing else, that this daemon serves them no longer. */
    void retire() {
        ledger.retire();
        publish();
    }

    private void reply(long unique, int result) {
        if (result == Generation.BYTES) {
            connection.replyInt(unique, domain.generation());
        } else if (result < 0) {
            connection.replyError(unique, -result);
        } else {
            connection.replyOk(unique);
        }
    }

    // The domain's effects.

    @Override
    public void changed(Watcher watcher) {
        OpenFile file = watcher.attachment(OpenFile.class);
        if (file != null) {
            note(changing, current, file);
        }
    }

    private void note(int kind, long unique, OpenFile file) {
        // One who is outdated acked in an epoch that it has told already.
        state.setWatcher(kind, unique, file, file.watcher.outdated() ? state.ackedIn(file.slot) : domain.serial());
        unsettled = true;
    }

    private void settle() {
        if (unsettled) {
            unsettled = false;
            state.settle();
        }
    }

    @Override
    public void bumped(int generation) {
        surroundings.freshen().run();
        ledger.bumped(current, generation, loop.now());
        unsettled = true;
        publish();
    }

    @Override
    public void bumpedFromAbove(int generation) {
        ledger.follow();
        publish();
    }

    @Override
    public void readCompleted(long request, int generation) {
        connection.replyInt(request, generation);
    }

    @Override
    public void readFailed(long request, int errno) {
        connection.replyError(request, errno);
    }

    @Override
    public void wake(Watcher watcher) {
        OpenFile file = watcher.attachment(OpenFile.class);
        if (file != null && file.pollHandle != 0) {
            connection.notifyPoll(file.pollHandle);
        }
    }

    @Override
    public void waitCompleted(long request, int errnoOrZero) {
        if (errnoOrZero == 0) {
            connection.replyIoctl(request, 0);
        } else {
            connection.replyError(request, errnoOrZero);
        }
        // Not before: killed in between, it would have all of its time once more.
        state.waits().ended(Request.firstUnique(request));
    }
}
