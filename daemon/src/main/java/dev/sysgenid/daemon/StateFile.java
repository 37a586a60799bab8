// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.abi.Generation;
import dev.sysgenid.core.Watcher;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What a daemon knows and its successor must: the generation, the watchers, and what was being done when it was killed.
 *
 * <pre>
 *       0  origin     magic and version, boot, when it began, whether it made the mounted directory, the device mounted there
 *      96  domain     what pages show, serial, time of the last bump; mode and owner of the device
 *     192  intent     see {@link Records}
 *     384  counters   the next node, the next handle, the last watcher: each twice, the second time inverted
 *     448  cells      last backing id; incarnation; pid; whether another daemon would come after it; the highest wide
 *                     generation of a domain that was removed
 *     488  doubt      of all this: {@link Doubt}
 *    4096  epochs     when the last 256 epochs ended: { serial, nanoseconds }
 *    8192  waits      when WAITs with a timeout came: {@link WaitRecords}
 *  131072  domains    those below the machine's: {@link DomainRecords}
 * 1703936  watchers   one record each
 * </pre>
 *
 * <p>Times are CLOCK_MONOTONIC. Belongs to the loop's thread.
 */
final class StateFile implements AutoCloseable {
    /** Kinds of intent: what the request was, as far as its answer is concerned. */
    static final int OPEN = 1;

    static final int ACK = 2;
    static final int TRACKING = 3;
    static final int BUMP = 4;
    /** Nothing that could not be done once more. */
    static final int OTHER = 5;

    static final int MAKE_DOMAIN = 6;
    static final int REMOVE_DOMAIN = 7;

    /** In place of a handle. */
    static final long EXPECTED = -1;

    /** The most watchers that there can be. */
    static final int MOST_WATCHERS = 1 << 18;

    private static final long MAGIC = 0x5359_5347_454e_4944L;
    private static final long VERSION = 4;

    /** What a generation is above the machine's serial may be negative; with this it is not, nor 0, which stands for none. */
    private static final long ABOVE_MACHINE = 1L << 62;

    private static final long ORIGIN = 0;
    private static final long DOMAIN = Records.STRIDE;
    private static final long INTENT = 2L * Records.STRIDE;
    private static final long NEXT_NODE = 384;
    private static final long NEXT_HANDLE = 400;
    private static final long LAST_WATCHER = 416;
    private static final long LAST_BACKING = 448;
    private static final long INCARNATION = 456;
    private static final long PID = 464;
    private static final long KEPT = 472;
    private static final long HIGHEST_REMOVED = 480;
    private static final long EPOCHS = 4096;
    private static final int EPOCH_COUNT = 256;
    private static final long WAITS = 8192;
    private static final long DOMAINS = 131_072;
    private static final long WATCHERS = DOMAINS + DomainRecords.ROOM;
    private static final long CAPACITY = WATCHERS + (long) MOST_WATCHERS * Records.STRIDE / 65_536 * 65_536 + 65_536;

    private static final long WRITABLE = 1;
    private static final long TRACKED = 2;
    /** Above the flags, 16 bits: the slot of the watcher's domain. */
    private static final int DOMAIN_SHIFT = 8;

    private static final int COMMAND = 7;
    private static final int COMMAND_BYTES = (Records.WORDS - COMMAND) * Long.BYTES;

    private final Records records;
    private final DomainRecords domains;
    private final WaitRecords waits;
    private final Doubt doubt;
    private @Nullable NumberFile polls;
    private final long[] image = new long[Records.WORDS];

    /** Slots that were in use and are free. */
    private int[] free = new int[64];

    private int freed;
    /** The first slot that was never in use. */
    private int fresh;

    private StateFile(int file) throws SystemCallException {
        records = new Records(file, CAPACITY, INTENT);
        domains = new DomainRecords(records, DOMAINS);
        waits = new WaitRecords(records, WAITS);
        doubt = new Doubt(records);
    }

    /** What a domain and its device are, beside the watchers. */
    record DomainRecord(PageContent content, long serial, long bumpedAt, int mode, int uid, int gid) {}

    /**
     * A serial for a domain of which nobody knows how often it was bumped: in an era of its own, so that what was noted in relation to
     * earlier ones is never taken to be in relation to this.
     */
    static long newEra(int random) {
        return ((random & 0x3fff_ffffL) | 1) << ERA_SHIFT;
    }

    /** Whether one serial can be the other one, some bumps later. */
    static boolean sameEra(long before, long after) {
        return before <= after && before >>> ERA_SHIFT == after >>> ERA_SHIFT;
    }

    private static final int ERA_SHIFT = 32;

    /**
     * What is known of a watcher.
     *
     * @param handle {@link #EXPECTED} for one of whom nothing is known but the node
     */
    record WatcherRecord(
            int slot,
            long handle,
            long id,
            long node,
            int domain,
            boolean writable,
            boolean tracked,
            int uid,
            int pid,
            int acked,
            long serial,
            long pollHandle,
            String command) {}

    /**
     * Begins anew in a file, whatever is in it.
     *
     * @param madeDirectory whether the mounted directory was made for it
     * @param device {@link Mountpoint#device}, or 0 when that is not known
     */
    static StateFile create(int file, boolean madeDirectory, long device, DomainRecord domain)
            throws SystemCallException {
        return create(file, madeDirectory, device, domain, false);
    }

    /** As {@link #create}, in place of one that is lost: from the beginning there is doubt. */
    static StateFile createInDoubt(int file, boolean madeDirectory, long device, DomainRecord domain)
            throws SystemCallException {
        return create(file, madeDirectory, device, domain, true);
    }

    private static StateFile create(int file, boolean madeDirectory, long device, DomainRecord domain, boolean inDoubt)
            throws SystemCallException {
        StateFile state = new StateFile(file);
        state.records.clear();
        state.begin(madeDirectory, device, domain, inDoubt);
        return state;
    }

    /** Opens what another process left; null when that cannot be read. What it was doing is in {@link #redo}. */
    static @Nullable StateFile open(int file) throws SystemCallException {
        StateFile state = new StateFile(file);
        if (state.records.size() >= WATCHERS && state.fits()) {
            return state;
        }
        state.close();
        return null;
    }

    private void begin(boolean madeDirectory, long device, DomainRecord domain, boolean inDoubt)
            throws SystemCallException {
        records.grow(WATCHERS);
        if (inDoubt) {
            doubt.arises();
        }
        setDomain(OTHER, 0, domain);
        UUID boot = boot();
        Arrays.fill(image, 0);
        image[0] = MAGIC;
        image[1] = VERSION;
        image[2] = boot.getMostSignificantBits();
        image[3] = boot.getLeastSignificantBits();
        image[4] = System.currentTimeMillis() / 1000;
        image[5] = madeDirectory ? 1 : 0;
        image[6] = device;
        records.write(OTHER, 0, ORIGIN, image);
        records.settle();
    }

    private boolean fits() {
        UUID boot = boot();
        return records.read(ORIGIN, image)
                && image[0] == MAGIC
                && image[1] == VERSION
                && image[2] == boot.getMostSignificantBits()
                && image[3] == boot.getLeastSignificantBits();
    }

    private static UUID boot() {
        try {
            return UUID.fromString(
                    Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).strip());
        } catch (IOException | IllegalArgumentException e) {
            return new UUID(0, 0);
        }
    }

    /** Does what was intended and perhaps not done; before anything else is read. Null: nothing was under way. */
    Records.@Nullable Intent redo() {
        return records.redo();
    }

    /** The request that the last change was for has been answered. */
    void settle() {
        records.settle();
    }

    /** When the first daemon of this state began, in seconds since 1970. */
    long startedSeconds() {
        records.read(ORIGIN, image);
        return image[4];
    }

    /** Whether the mounted directory was made for it. */
    boolean madeDirectory() {
        records.read(ORIGIN, image);
        return image[5] != 0;
    }

    /** The device that is mounted there; 0 when that is not known. */
    long device() {
        records.read(ORIGIN, image);
        return image[6];
    }

    /**
     * Notes that one more process serves from now on.
     *
     * @param kept whether somebody holds the connection and starts another process after this one
     */
    void serving(boolean kept) {
        records.setWord(KEPT, kept ? 1 : 0);
        records.setWord(PID, Unistd.getpid());
        records.setWord(INCARNATION, incarnation() + 1);
    }

    /** Whether another process would be started after this one. */
    boolean isKept() {
        return records.word(KEPT) == 1;
    }

    /** The process that serves, or served last. */
    int pid() {
        return (int) records.word(PID);
    }

    /** How many processes have served with this state. */
    long incarnation() {
        return records.word(INCARNATION);
    }

    // ---- The domain

    /** Null when it is damaged. */
    @Nullable
    DomainRecord domain() {
        if (!records.read(DOMAIN, image)) {
            return null;
        }
        return new DomainRecord(
                new PageContent((int) image[7], dev.sysgenid.abi.Page.SERVING, image[4], image[5], image[6]),
                image[1],
                image[2],
                (int) (image[0] >>> 32) & 0777,
                (int) image[3],
                (int) (image[3] >>> 32));
    }

    void setDomain(int kind, long unique, DomainRecord domain) {
        Arrays.fill(image, 0);
        image[0] = (long) domain.mode << 32;
        setContent(domain.content);
        image[1] = domain.serial;
        image[2] = domain.bumpedAt;
        image[3] = Integer.toUnsignedLong(domain.uid) | (long) domain.gid << 32;
        records.write(kind, unique, DOMAIN, image);
    }

    /** There was a bump at {@code now}, which ended the epoch before {@code serial}. */
    void bumped(long unique, PageContent content, long serial, long now) {
        long at = EPOCHS + (serial - 1) % EPOCH_COUNT * 16;
        records.setWord(at, 0);
        records.setWord(at + 8, now);
        records.setWord(at, serial);
        records.read(DOMAIN, image);
        setContent(content);
        image[1] = serial;
        image[2] = now;
        records.write(BUMP, unique, DOMAIN, image);
    }

    private void setContent(PageContent content) {
        image[4] = content.wideGeneration();
        image[5] = content.identityHead();
        image[6] = content.identityTail();
        image[7] = content.sequence();
    }

    /** When the epoch with this number ended; of one that is long over, the time of the last bump. */
    long endOfEpoch(long serial, long otherwise) {
        long at = EPOCHS + Math.floorMod(serial, (long) EPOCH_COUNT) * 16;
        return records.word(at) == serial + 1 ? records.word(at + 8) : otherwise;
    }

    /** The domains below. */
    DomainRecords domains() {
        return domains;
    }

    /** A domain that had this wide generation is about to be removed. Pages of it that stay go on with the machine. */
    void removing(long wideGeneration, long machineSerial) {
        long highest = wideGeneration - machineSerial + ABOVE_MACHINE;
        if (highest > records.word(HIGHEST_REMOVED)) {
            records.setWord(HIGHEST_REMOVED, highest);
        }
    }

    /** The wide generation of a new domain: above that of every one that was removed, so no name's generations come again. */
    long firstGeneration(long machineSerial) {
        long highest = records.word(HIGHEST_REMOVED);
        return highest == 0 ? 0 : Generation.advance(highest - ABOVE_MACHINE + machineSerial, 1);
    }

    /** What is known of damage to this. */
    Doubt doubt() {
        return doubt;
    }

    // ---- Counters

    /** The next node, handle and the last watcher's id; -1 for one that is damaged. */
    long nextNode(long otherwise) {
        return records.counter(NEXT_NODE, otherwise);
    }

    void setNextNode(long node) {
        records.count(NEXT_NODE, node);
    }

    long nextHandle(long otherwise) {
        return records.counter(NEXT_HANDLE, otherwise);
    }

    void setNextHandle(long handle) {
        records.count(NEXT_HANDLE, handle);
    }

    long lastWatcher() {
        return records.counter(LAST_WATCHER, 0);
    }

    /** Where the highest name by which the kernel knows a poller is noted from now on. */
    void setPolls(NumberFile numbers) {
        polls = numbers;
    }

    /** Somebody sleeps on a file by this name: the kernel counts them up. Noted is a number that is not lower. */
    void polled(long pollHandle) {
        if (polls != null && pollHandle > polls.value()) {
            polls.set((pollHandle | POLLS_AT_A_TIME) + 1);
        }
    }

    private static final long POLLS_AT_A_TIME = 0xffff;

    void setLastBacking(int id) {
        records.setWord(LAST_BACKING, id);
    }

    int lastBacking() {
        return (int) records.word(LAST_BACKING);
    }

    // ---- Watchers

    /** A slot for a watcher. */
    int allocate() throws SystemCallException {
        if (freed > 0) {
            return free[--freed];
        }
        records.grow(watcher(fresh + 1));
        return fresh++;
    }

    /** The slot is free, and whoever had it is gone: one store. */
    void release(int slot) {
        records.setWord(watcher(slot), 0);
        if (freed == free.length) {
            free = Arrays.copyOf(free, 2 * freed);
        }
        free[freed++] = slot;
    }

    /** Notes all of a watcher, who acked in the epoch {@code serial}. */
    void setWatcher(int kind, long unique, OpenFile file, long serial) {
        image[0] = file.handle;
        image[1] = file.watcher.id();
        image[2] = file.node.id();
        image[3] = (file.watcher.writable() ? WRITABLE : 0)
                | (file.watcher.tracked() ? TRACKED : 0)
                | (long) file.node.device().slot() << DOMAIN_SHIFT
                | (long) file.uid << 32;
        image[4] = Integer.toUnsignedLong(file.opener.pid()) | (long) file.watcher.acknowledged() << 32;
        image[5] = serial;
        image[6] = file.pollHandle();
        Arrays.fill(image, COMMAND, Records.WORDS, 0);
        byte[] command = file.opener.command().getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < Math.min(command.length, COMMAND_BYTES); i++) {
            image[COMMAND + i / 8] |= (command[i] & 0xffL) << (i % 8 * 8);
        }
        records.write(kind, unique, watcher(file.slot), image);
        if (kind == OPEN) {
            records.count(LAST_WATCHER, file.watcher.id());
        }
    }

    /**
     * Notes a watcher of whom there is nothing but an inode, and who has acked nothing. It may be left half written: only to be
     * called while there is {@link #doubt doubt}.
     */
    void setExpected(int slot, Watcher watcher, DeviceNode node, long serial) {
        Arrays.fill(image, 0);
        image[0] = EXPECTED;
        image[1] = watcher.id();
        image[2] = node.id();
        image[3] = WRITABLE | TRACKED | (long) node.device().slot() << DOMAIN_SHIFT;
        image[4] = (long) watcher.acknowledged() << 32;
        image[5] = serial;
        records.writeUnseen(watcher(slot), image);
    }

    /** The epoch in which the watcher of a slot acked, as it was noted. */
    long ackedIn(int slot) {
        return records.word(watcher(slot) + 5 * Long.BYTES);
    }

    /**
     * The watchers in order of opening; those whose record is damaged are counted into {@code damaged[0]} instead, and there is
     * {@link #doubt doubt}.
     */
    List<WatcherRecord> watchers(int[] damaged) {
        List<WatcherRecord> found = new ArrayList<>();
        fresh = (int) ((records.size() - WATCHERS) / Records.STRIDE);
        freed = 0;
        free = new int[Math.max(64, fresh)];
        for (int slot = fresh - 1; slot >= 0; slot--) {
            if (records.word(watcher(slot)) == 0) {
                free[freed++] = slot;
            } else if (records.read(watcher(slot), image)) {
                found.add(decode(slot));
            } else {
                damaged[0]++;
                doubt.arises();
                release(slot);
            }
        }
        found.sort(java.util.Comparator.comparingLong(WatcherRecord::id));
        return found;
    }

    /** The watcher that a record of an {@link Records.Intent} is about. */
    @Nullable
    WatcherRecord watcherAt(long at) {
        long slot = (at - WATCHERS) / Records.STRIDE;
        return at >= WATCHERS && at == watcher((int) slot) && records.read(at, image) ? decode((int) slot) : null;
    }

    private WatcherRecord decode(int slot) {
        byte[] command = new byte[COMMAND_BYTES];
        int length = 0;
        for (int i = 0; i < COMMAND_BYTES; i++) {
            command[i] = (byte) (image[COMMAND + i / 8] >>> (i % 8 * 8));
            if (command[i] != 0) {
                length = i + 1;
            }
        }
        return new WatcherRecord(
                slot,
                image[0],
                image[1],
                image[2],
                (int) (image[3] >>> DOMAIN_SHIFT) & 0xffff,
                (image[3] & WRITABLE) != 0,
                (image[3] & TRACKED) != 0,
                (int) (image[3] >>> 32),
                (int) image[4],
                (int) (image[4] >>> 32),
                image[5],
                image[6],
                new String(command, 0, length, StandardCharsets.UTF_8));
    }

    private static long watcher(int slot) {
        return WATCHERS + (long) slot * Records.STRIDE;
    }

    /** The WAITs with a timeout. */
    WaitRecords waits() {
        return waits;
    }

    @Override
    public void close() {
        records.close();
    }
}
