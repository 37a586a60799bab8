// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import dev.sysgenid.abi.Generation;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What is attached to a {@link Domain}, loses it, and is attached again; and the epoch, which makes one order of what the
 * domain counts and of what only this process knows of. {@link SysGenId} is built on it.
 *
 * <p>A superclass and not a field, so that a look at the generation goes through no reference more.
 *
 * <p><b>Threads:</b> any number; what changes is guarded by the lock.
 */
abstract sealed class Attached permits SysGenId {
    /** How often somebody looks for changes that nobody tells, while there are listeners. */
    static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private static final long UNKNOWN = Long.MIN_VALUE;
    private static final long MIN_PAUSE = TimeUnit.MILLISECONDS.toNanos(10);
    private static final long MAX_PAUSE = TimeUnit.SECONDS.toNanos(1);
    /** In a row. One or two come of bumps that follow each other closely. */
    private static final int MANY_WAKES = 10;

    private static final long MIN_BETWEEN_LOG_LINES = TimeUnit.SECONDS.toNanos(10);

    /** Null: this process alone. */
    final @Nullable Path path;

    private final boolean chosen;
    final @Nullable VmClock clock;

    /**
     * What {@link #currentStamp} adds to the generation: how many changes this process knows of that the device does not count,
     * in the upper half; or {@link #UNKNOWN}. Written under the lock. It is UNKNOWN whenever the page is exchanged.
     */
    private volatile long epoch = UNKNOWN;

    /** Stamps given while unknown: none of them twice. */
    private final AtomicLong unknownStamps = new AtomicLong();

    /** Held for the exchange of domains, never while listeners are told. */
    final ReentrantLock lock = new ReentrantLock();

    private final Condition wake = lock.newCondition();

    // All below are guarded by the lock.

    private long epochs;
    /** Null while it is gone. Read without the lock by those who only ask. */
    volatile @Nullable Domain domain;

    /** The {@link Domain#wraps} that is in the epoch. */
    private int wraps;

    /** When the loss of a domain was logged last; and whether that of this one was. */
    private long lossToldAt;

    private boolean lossTold;
    final List<TrackedLink> links = new ArrayList<>();
    /** Whether a change shows at the next look, and not when a thread has read of it. Set before anybody else sees this object. */
    boolean immediate;

    /** The process is being checkpointed: nothing may be open. */
    private boolean suspended;

    private boolean stopped;

    Attached(@Nullable Path path, boolean chosen, @Nullable VmClock clock) {
        this.path = path;
        this.chosen = chosen;
        this.clock = clock;
    }

    // ---- what a subclass adds

    /** The number in the page that was shown last. */
    abstract int load();

    /** From here on this page is what {@link #load} loads from. */
    abstract void show(Page page);

    /** Told after each change, without the lock. */
    abstract void changed();

    /** Told at the end, without the lock: nobody is to be told of changes any more. */
    abstract void ended();

    // ---- looking

    final int currentGeneration() {
        try {
            return load();
        } catch (PageFile.LostException e) {
            lost(e.domain, e);
            return e.last;
        } catch (InternalError e) {
            // A page that the kernel has let go of, and cannot fetch again without the daemon.
            Domain present = domain;
            if (present != null) {
                lost(present, e);
            }
            return Generation.INITIAL;
        }
    }

    final long currentStamp() {
        VmClock present = clock;
        if (present != null && present.hasChanged()) {
            look(present);
        }
        while (true) {
            long before = epoch;
            if (before < 0) {
                return UNKNOWN | unknownStamps.incrementAndGet();
            }
            int generation = currentGeneration();
            // Else the domain was exchanged: this may be the number of one and the epoch of the other.
            if (epoch == before) {
                return before | Integer.toUnsignedLong(generation);
            }
        }
    }

    /** Whether the generation is known at this moment. */
    final boolean isAttached() {
        Domain present = domain;
        return epoch >= 0 && present != null && !present.isGone();
    }

    /** The domain, when it is this process alone. */
    final @Nullable LocalDomain local() {
        lock.lock();
        try {
            return domain instanceof LocalDomain local ? local : null;
        } finally {
            lock.unlock();
        }
    }

    // ---- attached, lost, attached again

    /** Attaches the first domain, or begins without one; once, before anybody else sees this object. */
    final void start(@Nullable Domain first) {
        immediate = path == null || (first != null && !(first.page() instanceof Page.Held));
        if (first != null) {
            attach(first);
        } else {
            lossTold = true; // by the caller
        }
        if (path != null) {
            Thread sleeper = new Thread(this::sleepOnDomain, "sysgenid-sleeper");
            sleeper.setDaemon(true);
            sleeper.start();
        }
        VmClock present = clock;
        if (present != null && !present.isMapped()) {
            Thread reader = new Thread(() -> readClock(present), "sysgenid-vmclock");
            reader.setDaemon(true);
            reader.start();
        }
    }

    /** What a thread of its own does where the clock cannot be mapped. */
    private void readClock(VmClock present) {
        while (pause(LOOK_NANOS)) {
            present.read();
            if (present.hasChanged()) {
                look(present);
            }
        }
    }

    /** What a thread of its own does, all the time: it is what finds changes for listeners, and the loss of the daemon. */
    private void sleepOnDomain() {
        Path device = Objects.requireNonNull(path);
        long pause = MIN_PAUSE;
        int told = currentGeneration();
        int wakesForNothing = 0;
        while (true) {
            Domain present;
            lock.lock();
            try {
                while (suspended && !stopped) {
                    wake.awaitUninterruptibly();
                }
                if (stopped) {
                    return;
                }
                present = domain;
            } finally {
                lock.unlock();
            }
            try {
                if (present == null) {
                    if (attach(DeviceDomain.attach(device, chosen))) {
                        Log.tell(wasLossTold() ? Level.INFO : Level.DEBUG, "SysGenID: {0} is back", device);
                        changed();
                    }
                    continue;
                }
                present.awaitChange();
                noteWraps(present);
                int generation = currentGeneration();
                changed();
                wakesForNothing = generation == told ? wakesForNothing + 1 : 0;
                told = generation;
                if (wakesForNothing < MANY_WAKES) {
                    pause = MIN_PAUSE;
                    continue;
                }
            } catch (IOException | RuntimeException | Error e) {
                if (present != null) {
                    lost(present, e);
                }
            }
            // What is lost as soon as it is attached, or wakes for nothing, must not keep a processor busy.
            if (!pause(pause)) {
                return;
            }
            pause = Math.min(2 * pause, MAX_PAUSE);
        }
    }

    private boolean wasLossTold() {
        lock.lock();
        try {
            return lossTold;
        } finally {
            lock.unlock();
        }
    }

    /** Returns whether to go on. */
    private boolean pause(long nanos) {
        lock.lock();
        try {
            long left = nanos;
            while (!stopped && left > 0) {
                left = wake.awaitNanos(left);
            }
            return !stopped;
        } catch (InterruptedException e) {
            return true; // nobody has a reason to interrupt this thread
        } finally {
            lock.unlock();
        }
    }

    /** Makes this the domain, unless there is one. The order is what {@link #currentStamp} relies on. */
    private boolean attach(Domain next) {
        lock.lock();
        try {
            if (stopped || suspended || domain != null) {
                next.close();
                return false;
            }
            for (TrackedLink link : links) {
                try {
                    link.attach(next);
                } catch (IOException e) {
                    Log.tell(Level.DEBUG, "SysGenID: cannot open a watcher", e); // it is being lost already
                }
            }
            domain = next;
            wraps = next.wraps();
            show(next.page());
            epochs++;
            publishEpoch();
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** From here on the generation is unknown. Does nothing when another domain is attached already. */
    @SuppressWarnings("ReferenceEquality") // this very one
    private void lost(Domain old, Throwable cause) {
        List<Domain.Link> open = new ArrayList<>();
        boolean tell;
        lock.lock();
        try {
            if (domain != old) {
                return;
            }
            detach(open);
            // What is attached and lost again and again fills no log.
            long now = System.nanoTime();
            tell = !stopped && !suspended && (lossToldAt == 0 || now - lossToldAt > MIN_BETWEEN_LOG_LINES);
            lossTold = tell;
            if (tell) {
                lossToldAt = now;
            }
        } finally {
            lock.unlock();
        }
        old.close();
        open.forEach(Domain.Link::close);
        if (tell) {
            Log.tell(
                    Level.WARNING,
                    "SysGenID: lost {0} ({1}); until it is back the generation is unknown, and everything is renewed"
                            + " at every use",
                    String.valueOf(path),
                    String.valueOf(cause.getMessage()));
        }
    }

    /** Under the lock. */
    private void detach(List<Domain.Link> open) {
        Domain old = domain;
        if (old == null) {
            return;
        }
        epoch = UNKNOWN;
        domain = null;
        int last;
        try {
            last = old.page().load();
        } catch (PageFile.LostException e) {
            last = e.last;
        } catch (InternalError e) {
            last = Generation.INITIAL; // a page that the kernel has let go of, and cannot fetch again
        }
        show(new Page.Held(last)); // the old page may be unmapped
        for (TrackedLink link : links) {
            Domain.Link detached = link.detach();
            if (detached != null) {
                open.add(detached);
            }
        }
    }

    /** Under the lock: one more change that the device does not count. */
    final void advance() {
        epochs++;
        if (domain != null && !suspended) {
            publishEpoch();
        }
    }

    /** So that two wishes for a far generation, which bring its number back, bring no stamp back. */
    @SuppressWarnings("ReferenceEquality") // this very one
    private void noteWraps(Domain present) {
        lock.lock();
        try {
            int now = present.wraps();
            if (domain == present && now != wraps) {
                wraps = now;
                advance();
            }
        } finally {
            lock.unlock();
        }
    }

    private void publishEpoch() {
        epoch = epochs << Integer.SIZE & Long.MAX_VALUE;
    }

    /** Looks at the clock, and tells when it has changed. */
    final void look(VmClock present) {
        boolean told;
        lock.lock();
        try {
            told = present.note(this::advance);
        } finally {
            lock.unlock();
        }
        if (told) {
            changed();
        }
    }

    /** The JVM is about to end. */
    final void stayAwake() {
        Domain present = domain;
        if (present != null) {
            present.stayAwake();
        }
    }

    /**
     * Closes whatever is open, for a checkpoint of the process; the generation is unknown until {@link #resume}. So it is without
     * a device too: others are told of the restore before this one, and must not find what was.
     */
    final void suspend() {
        List<Domain.Link> open = new ArrayList<>();
        Domain old;
        lock.lock();
        try {
            suspended = true;
            if (domain instanceof LocalDomain) {
                epoch = UNKNOWN;
                return;
            }
            old = domain;
            detach(open);
        } finally {
            lock.unlock();
        }
        if (old != null) {
            old.close();
        }
        open.forEach(Domain.Link::close);
    }

    /** The process was restored, or the checkpoint failed: another epoch, and the device is attached again. */
    final void resume() {
        lock.lock();
        try {
            suspended = false;
            wake.signalAll();
        } finally {
            lock.unlock();
        }
        if (path != null) {
            try {
                // Here, so that the generation is known to those who are told after this one.
                attach(DeviceDomain.attach(path, chosen));
            } catch (IOException e) {
                Log.tell(Level.DEBUG, "SysGenID: not yet back after the restore", e);
            }
        }
        changeHere();
    }

    /** The end of one that can be closed. */
    final void stop() {
        List<Domain.Link> open = new ArrayList<>();
        Domain old;
        lock.lock();
        try {
            if (stopped) {
                return;
            }
            stopped = true;
            old = domain;
            detach(open);
            wake.signalAll();
        } finally {
            lock.unlock();
        }
        ended();
        if (old != null) {
            old.close();
        }
        open.forEach(Domain.Link::close);
    }

    /** Advances the epoch, or the domain when it is this process alone, and tells. */
    final void changeHere() {
        lock.lock();
        try {
            if (domain instanceof LocalDomain local) {
                int unused = local.bump();
                if (!suspended) {
                    publishEpoch(); // the same one, unless it was unknown
                }
            } else {
                advance();
            }
        } finally {
            lock.unlock();
        }
        changed();
    }

    // ---- watchers

    /** Adds a link and opens it, if there is a domain; under the lock. */
    final void attach(TrackedLink link) {
        links.add(link);
        Domain present = domain;
        if (present != null) {
            try {
                link.attach(present);
            } catch (IOException e) {
                // The domain is being lost: the thread that sleeps on it finds out, and attaches the next one.
                Log.tell(Level.DEBUG, "SysGenID: cannot open a watcher", e);
            }
        }
    }

    /** Under the lock. */
    final void requireNotStopped() {
        if (stopped) {
            throw new IllegalStateException("closed");
        }
    }
}
