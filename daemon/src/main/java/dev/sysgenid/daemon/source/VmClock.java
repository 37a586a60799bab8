// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon.source;

import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The page that the hypervisor shows to the guest: its generation counter changes when a clone is made, before the clone's
 * first instruction.
 *
 * <pre>{@code
 * struct vmclock_abi {                        // little-endian
 *         uint32_t magic;                     // 0x00  "VCLK"
 *         uint32_t size;                      // 0x04  of the page
 *         uint16_t version;                   // 0x08  1
 *         ...
 *         uint32_t seq_count;                 // 0x0c  odd while what follows is being changed
 *         uint64_t disruption_marker;         // 0x10
 *         uint64_t flags;                     // 0x18
 *         ...
 *         uint64_t vm_generation_counter;     // 0x68
 * };
 * }</pre>
 *
 * <p>It is read, not mapped: a read of the driver's device is a consistent one, makes the descriptor quiet until the next
 * change, and fails where a load would be a fault. The sequence is checked all the same.
 */
public final class VmClock implements Source {
    private static final int MAGIC = 0x4b4c4356;
    private static final int MAGIC_OFFSET = 0x00;
    private static final int SIZE_OFFSET = 0x04;
    private static final int SEQUENCE_OFFSET = 0x0c;
    private static final int DISRUPTION_MARKER_OFFSET = 0x10;
    private static final int FLAGS_OFFSET = 0x18;
    private static final int GENERATION_COUNTER_OFFSET = 0x68;
    /** The structure up to the end of the counter. */
    private static final int LENGTH = GENERATION_COUNTER_OFFSET + Long.BYTES;

    private static final long FLAG_GENERATION_COUNTER = 1L << 8;
    /** The hypervisor notifies of changes. Without it poll says POLLHUP, at once and for ever. */
    private static final long FLAG_NOTIFICATION = 1L << 9;

    /** How often to look where nobody notifies. */
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    /** How often to look in any case: a notification may be lost, or end with a live migration. */
    private static final long RARE_LOOK_NANOS = TimeUnit.SECONDS.toNanos(10);

    /** How often to try again when there is nothing to look at. */
    private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** A change takes moments. So this many looks at an odd sequence in a row say that its writer is gone. */
    private static final int PATIENCE = 20;

    /** Between two such looks at the start, which has no period yet. */
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

    private final String path;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment first = arena.allocate(LENGTH);
    private final MemorySegment second = arena.allocate(LENGTH);

    private int descriptor;
    /** Whether the loop waits for the descriptor. It knows the first one only, so never again once that was closed. */
    private boolean notified;

    private State noted;
    private @Nullable String broken;
    private int unsteady;

    /** What of the page counts here. */
    private record State(boolean counted, long counter, long marker, boolean notifies) {
        /** What was noted, in place of {@code now}. */
        static State parse(String mark, State now) {
            String[] words = mark.split(":", -1);
            try {
                return new State(
                        words[0].equals("counted"),
                        Long.parseUnsignedLong(words[1]),
                        Long.parseUnsignedLong(words[2]),
                        now.notifies);
            } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
                return new State(false, 0, 0, now.notifies);
            }
        }
    }

    /** A page that makes no sense, or none. */
    private static final class UnusableException extends Exception {
        private static final long serialVersionUID = 1;

        UnusableException(String why) {
            super(why);
        }
    }

    private VmClock(String path, int descriptor, @Nullable String mark) throws UnusableException {
        this.path = path;
        this.descriptor = descriptor;
        State state = read();
        for (int i = 0; state == null && i < PATIENCE; i++) {
            LockSupport.parkNanos(PAUSE_NANOS); // the hypervisor may be without a processor in the middle of a change
            state = read();
        }
        if (state == null) {
            throw new UnusableException("its sequence is odd, and stays so");
        }
        this.noted = mark == null ? state : State.parse(mark, state);
        this.notified = state.notifies;
    }

    /**
     * Opens the page and notes what it shows.
     *
     * @param mark what was noted when another daemon served; null to begin
     * @throws SystemCallException when it cannot be read, or makes no sense (EBADMSG)
     */
    public static VmClock open(String path, @Nullable String mark) throws SystemCallException {
        int descriptor = SystemCallException.check(openQuietly(path), "open", path);
        try {
            return new VmClock(path, descriptor, mark);
        } catch (UnusableException e) {
            Unistd.close(descriptor);
            throw new SystemCallException(Errno.EBADMSG, String.valueOf(e.getMessage()), path);
        }
    }

    private static int openQuietly(String path) {
        return Unistd.open(path, Unistd.O_RDONLY | Unistd.O_NONBLOCK | Unistd.O_CLOEXEC, 0);
    }

    /** One consistent view; null in the middle of a change. */
    private @Nullable State read() throws UnusableException {
        ByteBuffer page = readInto(first);
        if (page.getInt(MAGIC_OFFSET) != MAGIC) {
            throw new UnusableException("its magic is wrong");
        }
        if (Integer.toUnsignedLong(page.getInt(SIZE_OFFSET)) < LENGTH) {
            throw new UnusableException("its size of " + Integer.toUnsignedString(page.getInt(SIZE_OFFSET))
                    + " bytes leaves no room for a generation counter");
        }
        int sequence = page.getInt(SEQUENCE_OFFSET);
        if ((sequence & 1) != 0 || readInto(second).getInt(SEQUENCE_OFFSET) != sequence) {
            return null;
        }
        long flags = page.getLong(FLAGS_OFFSET);
        return new State(
                (flags & FLAG_GENERATION_COUNTER) != 0,
                page.getLong(GENERATION_COUNTER_OFFSET),
                page.getLong(DISRUPTION_MARKER_OFFSET),
                (flags & FLAG_NOTIFICATION) != 0);
    }

    private ByteBuffer readInto(MemorySegment memory) throws UnusableException {
        long n = Unistd.pread(descriptor, memory, LENGTH, 0);
        if (n < 0) {
            throw new UnusableException("it cannot be read: " + Errno.describe((int) -n));
        }
        if (n < LENGTH) {
            throw new UnusableException("it ends after " + n + " bytes");
        }
        return memory.asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }

    @Override
    public int[] descriptors() {
        return notified ? new int[] {descriptor} : new int[0];
    }

    @Override
    public long periodNanos() {
        if (broken != null) {
            return RETRY_NANOS;
        }
        // A look in the middle of a change has used up the notification.
        return notified && unsteady == 0 ? RARE_LOOK_NANOS : LOOK_NANOS;
    }

    @Override
    public void look(Listener listener) {
        State now;
        try {
            if (broken != null) {
                reopen();
            }
            now = read();
        } catch (UnusableException e) {
            breakDown(String.valueOf(e.getMessage()), listener);
            return;
        }
        if (now == null) {
            if (++unsteady >= PATIENCE) {
                breakDown("its sequence is odd, and stays so", listener);
            }
            return;
        }
        unsteady = 0;
        if (broken != null) {
            broken = null;
            listener.found();
        }
        if (notified && !now.notifies) {
            closeDescriptor();
            descriptor = openQuietly(path); // if that fails, the next look tells
        }
        State before = noted;
        noted = now;
        if (now.counted && (!before.counted || now.counter != before.counter)) {
            String from = before.counted ? Long.toUnsignedString(before.counter) : "nothing";
            listener.restored(Restore.unknownToTheKernel(
                    "vmclock",
                    "generation counter " + from + " -> " + Long.toUnsignedString(now.counter),
                    bytes(),
                    false));
        } else if (before.counted && !now.counted) {
            listener.disrupted("the page has no generation counter any more");
        } else if (now.marker != before.marker) {
            listener.disrupted("disruption marker " + Long.toUnsignedString(before.marker) + " -> "
                    + Long.toUnsignedString(now.marker));
        }
    }

    private byte[] bytes() {
        return first.toArray(ValueLayout.JAVA_BYTE);
    }

    private void breakDown(String why, Listener listener) {
        boolean first = broken == null;
        broken = why;
        closeDescriptor();
        if (first) {
            listener.lost(why);
        }
    }

    /** Takes the descriptor away from whoever waits for it: one that always says something would be waited for in vain. */
    private void closeDescriptor() {
        if (descriptor >= 0) {
            Unistd.close(descriptor);
        }
        descriptor = -1;
        notified = false;
    }

    private void reopen() throws UnusableException {
        closeDescriptor();
        descriptor = openQuietly(path);
        if (descriptor < 0) {
            throw new UnusableException("it cannot be opened: " + Errno.describe(-descriptor));
        }
    }

    @Override
    public String mark() {
        return (noted.counted ? "counted:" : "uncounted:") + Long.toUnsignedString(noted.counter) + ":"
                + Long.toUnsignedString(noted.marker);
    }

    @Override
    public String describe() {
        if (broken != null) {
            return path + ": " + broken;
        }
        return path
                + (noted.counted ? "" : ", without a generation counter: it tells of disruptions only")
                + (notified ? ", notified" : ", looked at every 100 ms");
    }

    @Override
    public void close() {
        closeDescriptor();
        arena.close();
    }
}
