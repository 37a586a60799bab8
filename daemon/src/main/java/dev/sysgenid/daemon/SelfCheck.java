// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.TimerFd;
import dev.sysgenid.linux.Unistd;
import java.util.function.Consumer;
import java.util.function.IntSupplier;

/**
 * Looks at all pages again and again, some at a time, so that each is looked at within a minute, and mends those that do
 * not show what they should. A client that may write to the device can write to its page, by which it deceives itself; by
 * accident that would be for ever in a machine that is never restored.
 *
 * <p>Belongs to the loop's thread.
 */
final class SelfCheck implements AutoCloseable {
    private static final long NANOS = 1_000_000_000;
    /** From one look to the next. */
    private static final long INTERVAL = 2 * NANOS;
    /** In how many looks all pages are looked at: fifty seconds, to which a look that comes late may be added. */
    private static final int LOOKS = 25;
    /** So many at a time where there are few. */
    private static final int FEW = 256;
    /** A client may scribble in a loop. */
    private static final long LOG_INTERVAL = 60 * NANOS;

    /** See {@link Pages#mend}. */
    @FunctionalInterface
    interface Mender {
        int mend(int from, int count);
    }

    private final Loop loop;
    private final int timer;
    private final IntSupplier size;
    private final Mender mender;
    private final Consumer<String> log;

    private int next;
    private long looked;
    private long mended;
    private long unsaid;
    private long saidAt;

    private SelfCheck(Loop loop, int timer, IntSupplier size, Mender mender, Consumer<String> log) {
        this.loop = loop;
        this.timer = timer;
        this.size = size;
        this.mender = mender;
        this.log = log;
        saidAt = loop.now() - LOG_INTERVAL;
    }

    /** Looks from now on, until closed. */
    static SelfCheck start(Loop loop, IntSupplier size, Mender mender, Consumer<String> log)
            throws SystemCallException {
        int timer = SystemCallException.check(
                TimerFd.timerfd_create(TimerFd.CLOCK_MONOTONIC, TimerFd.TFD_NONBLOCK | TimerFd.TFD_CLOEXEC),
                "timerfd_create",
                "the self-check");
        SelfCheck check = new SelfCheck(loop, timer, size, mender, log);
        loop.watch(timer, check::fired);
        check.arm();
        return check;
    }

    private void fired() {
        TimerFd.read(timer);
        look();
        arm();
    }

    /** Looks at the next pages. */
    void look() {
        int all = size.getAsInt();
        if (next >= all) {
            next = 0;
        }
        int count = Math.min(all - next, Math.max(FEW, (all + LOOKS - 1) / LOOKS));
        int found = mender.mend(next, count);
        next += count;
        looked += count;
        mended += found;
        unsaid += found;
        long now = loop.now();
        if (unsaid > 0 && now - saidAt >= LOG_INTERVAL) {
            log.accept(unsaid + (unsaid == 1 ? " page" : " pages")
                    + " did not show the generation, and were mended: a program has written to its mapping");
            saidAt = now;
            unsaid = 0;
        }
    }

    /** For the file {@code health}: a name and a number on each line. */
    String report() {
        return "pages " + size.getAsInt() + "\npages-checked " + looked + "\npages-mended " + mended + "\n";
    }

    private void arm() {
        TimerFd.settimeAbsolute(timer, loop.now() + INTERVAL);
    }

    @Override
    public void close() {
        Unistd.close(timer);
    }
}
