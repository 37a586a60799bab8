// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.abi.Ioctl;
import dev.sysgenid.fuse.Connection;
import dev.sysgenid.fuse.Request;
import dev.sysgenid.fuse.Session;
import dev.sysgenid.linux.Clock;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.SystemCallException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Goes on where another daemon was killed or handed over: the same connection, the same watchers, the same pages; those
 * who wait for an answer get it.
 *
 * <p>The order is what makes it exact, whatever the other one was doing, and also when this one is killed on the way:
 *
 * <ol>
 *   <li>What was begun is finished: {@link StateFile#redo}. Domains, watchers, nodes and pages are made from what was noted.
 *   <li>If it was anything but a bump or a rmdir, it is answered <em>before</em> the requests are sent again. Until
 *       then its caller cannot go away, not even killed; so it either gets this answer or has had it.
 *   <li>The kernel is told to send everything again. All of that is taken before any of it is served.
 *   <li>All pages get the generation, and after a bump that was under way all pollers are notified. Daemons that could not
 *       end ({@link Undead}) end here.
 *   <li>Then: parked reads, which end if there was that bump; WAITs; the answer to that bump or rmdir, before anything else can
 *       change and take its place; polls and what else there is; acks and tracking; other bumps.
 *   <li>Pages of inodes that the kernel has forgotten meanwhile are given back.
 * </ol>
 *
 * <p>When something that was noted is damaged, the generation changes, and everyone is outdated; then {@link WakeAll} begins. That there
 * is {@link Doubt} is noted before anything is mended, and until everyone is: so whoever takes over from this one
 * does all of it again. What is expected of the kernel from then on is noted for good.
 */
final class TakeOver {
    /** Between what may have been given away and what is given from now on, where nobody knows how much that was. */
    private static final long FAR = 1L << 40;

    /** Of nanoseconds, to what takes less time than anything that is counted. */
    private static final int TICK_SHIFT = 12;

    /** What is taken for the highest name of a poller where nobody knows that: some seconds' worth. */
    private static final long MANY_POLLS = 1L << 24;

    private final Connection connection;
    private final Session session;
    private final StateFile state;
    private final Consumer<String> log;

    private Records.@Nullable Intent begun;

    /** Tells that there is no way to go on: the service must begin anew. */
    static final class ImpossibleException extends Exception {
        private static final long serialVersionUID = 1L;

        ImpossibleException(String message) {
            super(message);
        }
    }

    private TakeOver(
            Connection connection,
            Session session,
            StateFile state,
            Records.@Nullable Intent begun,
            Consumer<String> log) {
        this.connection = connection;
        this.session = session;
        this.state = state;
        this.begun = begun;
        this.log = log;
    }

    /**
     * Begins: opens what was noted and does what was intended.
     *
     * @param directory where it was noted
     * @param trusted whether to go by what is noted there; else as if it could not be read
     * @param fallback what to begin with when it cannot be read
     */
    static TakeOver begin(
            Connection connection,
            Session session,
            StateDirectory directory,
            boolean trusted,
            StateFile.DomainRecord fallback,
            Consumer<String> log)
            throws SystemCallException {
        StateFile state = StateFile.open(directory.openState());
        if (state != null && !trusted) {
            state.close();
        }
        Records.Intent begun = null;
        if (state == null || !trusted) {
            if (trusted) {
                log.accept("what the last daemon noted in " + directory.path()
                        + " cannot be read, or is of another version");
            }
            // Whose the mounted directory is, nobody knows: so it stays.
            state = StateFile.createInDoubt(directory.openState(), false, 0, fallback);
        } else {
            begun = state.redo();
            if (state.doubt().isThere()) {
                log.accept("a daemon that was mending what is damaged did not come to its end");
            }
            if (state.domain() == null) {
                log.accept("what the last daemon noted of the generation is damaged");
                state.doubt().arises();
                state.setDomain(StateFile.OTHER, 0, fallback);
                state.settle();
                begun = null;
            }
        }
        NumberFile polls = directory.polls();
        if (polls.value() < 0) {
            polls.set(MANY_POLLS);
        }
        state.setPolls(polls);
        return new TakeOver(connection, session, state, begun, log);
    }

    StateFile state() {
        return state;
    }

    /** Makes watchers, nodes and pages. */
    void restore(Domains domains, MountFileSystem files, Pages pages, PageFiles pageFiles)
            throws SystemCallException, ImpossibleException {
        int unknown = new SecureRandom().nextInt();
        int lost = domains.restore(unknown);
        if (lost > 0) {
            log.accept("what the last daemon noted of " + lost + " domains is damaged");
            state.doubt().arises();
        }
        int[] damaged = {0};
        List<StateFile.WatcherRecord> watchers = state.watchers(damaged);
        if (damaged[0] > 0) {
            log.accept("what the last daemon noted of " + damaged[0] + " watchers is damaged");
        }
        List<PageFiles.Entry> entries = pageFiles.list();
        resumeCounters(files, domains, watchers, entries, unknown);

        if (pages instanceof PassthroughPages passthrough) {
            closeForgottenBacking(entries);
            for (PageFiles.Entry entry : entries) {
                DeviceNode node = files.node(entry.node());
                if (node == null) { // of no inode: made to find out whether pages can be made
                    connection.closeBackingIfThere(entry.backingId());
                    pageFiles.remove(entry);
                    continue;
                }
                if (node.page() != null) {
                    throw new ImpossibleException("inode " + node.id() + " has two pages");
                }
                node.device().restorePage(node, passthrough.restore(entry), entry.uid());
            }
        }
        for (StateFile.WatcherRecord watcher : watchers) {
            DeviceNode node = files.node(watcher.node());
            if (watcher.handle() == StateFile.EXPECTED) {
                if (node == null || node.page() == null || node.device().slot() != watcher.domain()) {
                    state.release(watcher.slot()); // with its page
                } else {
                    long since = outdatedSince(watcher, node.device().ledger());
                    node.device().restoreExpected(watcher, node, since);
                }
                continue;
            }
            if (node == null || node.device().slot() != watcher.domain()) {
                throw new ImpossibleException("watcher " + watcher.id() + " has no inode");
            }
            if (node.page() == null) {
                if (!(pages instanceof StoredPages stored)) {
                    throw new ImpossibleException("watcher " + watcher.id() + " has no page");
                }
                node.device().restorePage(node, stored.restore(node.id()), watcher.uid());
            }
            files.restore(node.device()
                    .restore(watcher, node, outdatedSince(watcher, node.device().ledger())));
        }
        Map<Long, Long> waits = state.waits().earlier();
        domains.all().forEach(device -> device.setEarlierWaits(waits));
    }

    /** Of a domain below only the last bump is known, of whichever kind it was. */
    private long outdatedSince(StateFile.WatcherRecord watcher, Ledger ledger) {
        if (watcher.serial() == ledger.serial()) {
            return Long.MAX_VALUE;
        }
        return ledger.isMachines() ? state.endOfEpoch(watcher.serial(), ledger.bumpedAt()) : ledger.bumpedAt();
    }

    private void resumeCounters(
            MountFileSystem files,
            Domains domains,
            List<StateFile.WatcherRecord> watchers,
            List<PageFiles.Entry> entries,
            int unknown) {
        long lostNodes = state.doubt().lostNodes();
        long lostHandles = state.doubt().lostHandles();
        long node = state.nextNode(NodeIds.FIRST);
        long handle = state.nextHandle(1);
        if (node < 0 || handle < 0 || state.lastWatcher() < 0 || lostNodes < 0 || lostHandles < 0) {
            state.doubt().arises();
        }
        if (state.doubt().isThere()) {
            // Greater than any that can have been given away: it grows faster than they do.
            long far = FAR + (Clock.gettime(Clock.CLOCK_BOOTTIME) >>> TICK_SHIFT);
            node = Math.max(node, far);
            handle = Math.max(handle, far);
        }
        for (StateFile.WatcherRecord watcher : watchers) {
            node = Math.max(node, NodeIds.count(watcher.node()) + 1);
            handle = Math.max(handle, watcher.handle() + 1);
        }
        for (PageFiles.Entry entry : entries) {
            node = Math.max(node, NodeIds.count(entry.node()) + 1);
        }
        for (Device device : domains.all()) {
            node = Math.max(
                    node,
                    device.ledger().isMachines() ? 0 : device.ledger().below().first() + 1);
        }
        if (state.doubt().isThere()) {
            lostNodes = node;
            lostHandles = handle;
            state.doubt().setLost(node, handle);
        }
        files.resume(node, handle);
        files.adoptOpenFiles(lostNodes, lostHandles, unknown);
    }

    /** The kernel counts ids up: the one after the last may have been made for a page that got no name any more. */
    private void closeForgottenBacking(List<PageFiles.Entry> entries) {
        int last = state.lastBacking();
        for (PageFiles.Entry entry : entries) {
            last = Math.max(last, entry.backingId());
        }
        connection.closeBackingIfThere(last + 1);
    }

    /** Answers those who wait, and lets the kernel send the rest. Returns what there is to serve. */
    void finish(Domains domains, MountFileSystem files, Pages pages, Undead undead)
            throws SystemCallException, ImpossibleException {
        Records.Intent intent = begun;
        boolean bumping = intent != null && intent.kind() == StateFile.BUMP;
        // Pages must show it before anybody hears of it.
        boolean afterPages = bumping || (intent != null && intent.kind() == StateFile.REMOVE_DOMAIN);
        if (intent != null && !afterPages) {
            answer(intent, files, pages);
            state.settle();
        }
        int result = connection.requestResend();
        if (result == -Errno.EINVAL) {
            throw new ImpossibleException(
                    "this kernel cannot send again what the last daemon had taken; Linux 6.9 and later can");
        }
        SystemCallException.check(result, "notify", "the kernel, to send again what the last daemon had taken");
        if (state.doubt().isThere()) {
            for (DeviceNode node : files.inheritedNotOpen()) {
                if (node.page() != null && node.expected() == null && connection.knowsNode(node.id())) {
                    node.device().expectWatcher(node);
                }
            }
        }
        // Before anything is answered: that may be what they end by.
        boolean besideUndead = undead.areThere();
        domains.all().forEach(Device::publish);
        if (pages instanceof StoredPages stored && besideUndead) {
            stored.release(undead);
            // One of them may have stored a part of what it had begun.
            domains.all().forEach(Device::publish);
        }
        if (bumping) {
            // Whichever was bumped: who is not meant looks, and sleeps on.
            domains.all().forEach(Device::wakeAll);
        }
        List<Request> requests = new ArrayList<>(session.takeResent());
        // A bump may have to wait for whoever waits for that.
        session.serveDeferred(Device::isOfThePageCache);
        long underWay = afterPages && intent != null ? Request.firstUnique(intent.unique()) : 0;
        requests.sort(Comparator.comparingInt(request -> rank(request, underWay, files)));
        boolean answered = !afterPages;
        for (Request request : requests) {
            int rank = rank(request, underWay, files);
            if (rank == ANSWER && request instanceof Request.Write write) { // to the file generation
                connection.replyWritten(request.unique(), write.data().length);
            } else if (rank == ANSWER && request instanceof Request.RemoveDirectory) {
                connection.replyOk(request.unique());
            } else if (rank == ANSWER) {
                connection.replyIoctl(request.unique(), 0);
            }
            if (!answered && rank >= ANSWER) {
                state.settle();
                answered = true;
            }
            if (rank != ANSWER) {
                session.serveTaken(request);
            }
        }
        state.settle();
        state.waits().dropUnclaimed();
        if (state.doubt().isThere()) {
            domains.noteLost();
            log.accept("so the generation changes, and everyone is outdated");
            domains.machine().bump();
            state.doubt().setWakingAll(true);
            state.doubt().ends();
        }
        for (DeviceNode node : files.inheritedNotOpen()) {
            if (!connection.knowsNode(node.id())) {
                files.forget(node.id(), 1);
            }
        }
        domains.sweep();
        int watchers = domains.all().stream()
                .mapToInt(device -> device.domain().watchers())
                .sum();
        int below = domains.all().size() - 1;
        log.accept("took over " + watchers + (watchers == 1 ? " watcher and " : " watchers and ") + requests.size()
                + (requests.size() == 1 ? " request" : " requests")
                + (below == 0 ? "" : " in " + below + (below == 1 ? " domain" : " domains") + " and the machine's")
                + ", at generation "
                + Integer.toUnsignedString(domains.machine().domain().generation()));
    }

    private void answer(Records.Intent intent, MountFileSystem files, Pages pages) {
        switch (intent.kind()) {
            case StateFile.OPEN -> {
                StateFile.WatcherRecord watcher = state.watcherAt(intent.at());
                DeviceNode node = watcher == null ? null : files.node(watcher.node());
                Page page = node == null ? null : node.page();
                if (watcher != null && page != null) {
                    connection.replyOpen(intent.unique(), watcher.handle(), pages.openFlags(), page.backingId());
                }
            }
            case StateFile.ACK -> connection.replyWritten(intent.unique(), dev.sysgenid.abi.Generation.BYTES);
            case StateFile.TRACKING -> connection.replyIoctl(intent.unique(), 0);
            case StateFile.MAKE_DOMAIN -> {
                if (intent.unique() != 0) {
                    files.replyMade(intent.unique(), state.domains().slotAt(intent.at()));
                }
            }
            default -> {}
        }
    }

    /** Of {@link #rank}: the answer to the bump or rmdir that was under way; what is below changes nothing that is noted. */
    private static final int ANSWER = 2;

    private static int rank(Request request, long underWay, MountFileSystem files) {
        if (underWay != 0 && Request.firstUnique(request.unique()) == underWay) {
            return ANSWER;
        }
        return switch (request) {
            // Who is taken in is noted.
            case Request.Read read -> files.mayBeLost(read.handle()) ? 3 : 0;
            case Request.Ioctl ioctl ->
                switch (ioctl.command()) {
                    case Ioctl.WAIT_WATCHERS, Ioctl.V4_WAIT_WATCHERS -> files.mayBeLost(ioctl.handle()) ? 3 : 1;
                    case Ioctl.V4_FORCE_GEN_UPDATE, Ioctl.TRIGGER_GEN_UPDATE -> 5;
                    default -> 4;
                };
            case Request.Write write -> NodeIds.kind(write.node()) == NodeIds.GENERATION ? 5 : 4;
            default -> 3;
        };
    }
}
