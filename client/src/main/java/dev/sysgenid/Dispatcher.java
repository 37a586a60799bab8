// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntPredicate;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Calls the listeners at each change, phase by phase, and acknowledges when all have returned.
 *
 * <p>Each change is a round. A round ends when a newer one begins; its listeners that still run go on, and are called
 * for the newer round when they return. So of many changes only the newest is certain to be told, and a listener that
 * never returns holds back nobody else for longer than {@link SysGenId#PATIENCE}, once.
 */
final class Dispatcher {

    private final IntSupplier generation;
    private final IntPredicate acknowledge;
    /** Looks for changes that nobody tells; null when there are none of that kind. */
    private final @Nullable IntSupplier look;

    private final long patienceNanos;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();

    // All below are guarded by the lock.

    private final List<Registration> registrations = new ArrayList<>();
    /** The newest round. */
    private long round;
    /** Whether its generation has been acknowledged, or a newer one is on its way. */
    private boolean settled = true;

    private @Nullable Thread thread;
    private boolean closed;

    /** A listener and how far it is; its fields are guarded by the dispatcher's lock. */
    static final class Registration {
        final Phase phase;
        final String name;
        final GenerationListener listener;
        /** The round of its last call that is over. */
        private long done;
        /** Whether that call threw. */
        private boolean failed;

        private boolean running;
        /** It still runs after its phase's patience; nobody waits for it. */
        private boolean late;

        Registration(Phase phase, String name, GenerationListener listener) {
            this.phase = phase;
            this.name = name;
            this.listener = listener;
        }
    }

    /**
     * @param acknowledge says to the domain that this generation has been dealt with; false when there is a newer one
     */
    Dispatcher(IntSupplier generation, IntPredicate acknowledge, @Nullable IntSupplier look, long patienceNanos) {
        this.generation = generation;
        this.acknowledge = acknowledge;
        this.look = look;
        this.patienceNanos = patienceNanos;
    }

    /** Before the first listener. Throws where there are no more threads; the next one tries again. */
    void start() {
        lock.lock();
        try {
            if (thread == null && !closed) {
                Thread started = new Thread(this::run, "sysgenid-listeners");
                started.setDaemon(true);
                started.start();
                thread = started;
            }
        } finally {
            lock.unlock();
        }
    }

    void add(Registration registration) {
        lock.lock();
        try {
            registration.done = round;
            registrations.add(registration);
        } finally {
            lock.unlock();
        }
    }

    /** Returns whether it was there. */
    boolean remove(Registration registration) {
        lock.lock();
        try {
            changed.signalAll();
            return registrations.remove(registration);
        } finally {
            lock.unlock();
        }
    }

    boolean isUpToDate(Registration registration) {
        lock.lock();
        try {
            return registration.done == round && !registration.failed;
        } finally {
            lock.unlock();
        }
    }

    /** There was a change. Returns at once. */
    void changed() {
        lock.lock();
        try {
            round++;
            settled = false;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    void close() {
        lock.lock();
        try {
            closed = true;
            registrations.clear();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void run() {
        lock.lock();
        try {
            long begun = 0;
            int current = 0;
            while (!closed) {
                try {
                    if (begun != round) {
                        begun = round;
                        // After the round: so it is this change's generation, or a newer one, which will be another
                        // round.
                        current = unlocked(generation);
                        for (Phase phase : Phase.values()) {
                            runPhase(phase, begun, current);
                        }
                    } else if (!settled && allSucceeded(begun)) {
                        settled = true;
                        // False: there is a newer one, and it comes as another round.
                        int acknowledged = current;
                        unlocked(() -> acknowledge.test(acknowledged) ? 1 : 0);
                    } else {
                        startIdle(Phase.CONNECTIONS, begun, current);
                        await(Long.MAX_VALUE);
                    }
                } catch (RuntimeException | Error e) {
                    // Out of memory, say. Nobody else calls the listeners: those that were not called are called now.
                    settled = false;
                    Log.tell(Level.ERROR, "SysGenID: a defect while listeners were called", e);
                    await(SysGenId.LOOK_NANOS);
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /** Returns when the phase is over, or the round is. */
    private void runPhase(Phase phase, long begun, int current) {
        long start = System.nanoTime();
        while (!closed && begun == round) {
            startIdle(phase, begun, current);
            boolean over = true;
            for (Registration each : registrations) {
                over &= each.phase != phase || each.done >= begun || each.late;
            }
            if (over) {
                return;
            }
            long left = patienceNanos - (System.nanoTime() - start);
            if (left <= 0) {
                for (Registration each : registrations) {
                    if (each.phase == phase && each.running && !each.late) {
                        each.late = true;
                        Log.tell(
                                Level.WARNING,
                                "SysGenID: the listener {0} has not returned for {1} ms; the others go on, and the"
                                        + " generation is not acknowledged until it does",
                                each.name,
                                TimeUnit.NANOSECONDS.toMillis(patienceNanos));
                    }
                }
                return;
            }
            await(left);
        }
    }

    /** Starts those, up to a phase, that have not been called for this round and do not run. */
    private void startIdle(Phase upTo, long begun, int current) {
        for (Registration each : registrations) {
            if (!each.running && each.done < begun && each.phase.compareTo(upTo) <= 0) {
                each.running = true;
                try {
                    Thread runner = new Thread(() -> call(each, begun, current), "sysgenid-" + each.name);
                    runner.setDaemon(true);
                    runner.start();
                } catch (OutOfMemoryError e) { // no more threads
                    over(each, begun, e);
                }
            }
        }
    }

    private void call(Registration registration, long begun, int current) {
        Throwable failure = null;
        try {
            registration.listener.renew(current);
        } catch (Throwable t) {
            failure = t;
        }
        lock.lock();
        try {
            over(registration, begun, failure);
        } finally {
            lock.unlock();
        }
    }

    private void over(Registration registration, long begun, @Nullable Throwable failure) {
        registration.running = false;
        registration.late = false;
        registration.done = begun;
        registration.failed = failure != null;
        if (failure != null) {
            Log.tell(
                    Level.ERROR,
                    "SysGenID: the listener " + registration.name
                            + " failed; the generation is not acknowledged, and it is called again at the next change",
                    failure);
        }
        changed.signalAll();
    }

    private boolean allSucceeded(long begun) {
        for (Registration each : registrations) {
            if (each.done < begun || each.failed) {
                return false;
            }
        }
        return true;
    }

    /** Asks outside: that takes locks of others, or as long as the daemon likes. */
    private int unlocked(IntSupplier question) {
        lock.unlock();
        try {
            return question.getAsInt();
        } finally {
            lock.lock();
        }
    }

    @SuppressWarnings("WaitNotInLoop") // those who call it loop
    private void await(long nanos) {
        try {
            if (look == null) {
                long unused = changed.awaitNanos(nanos);
            } else if (changed.awaitNanos(Math.min(nanos, SysGenId.LOOK_NANOS)) <= 0) {
                unlocked(look); // which comes back as a call of changed()
            }
        } catch (InterruptedException e) {
            // Nobody has a reason to interrupt this thread; there is nothing that it could give up.
        }
    }
}
