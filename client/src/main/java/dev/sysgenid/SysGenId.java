// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import dev.sysgenid.abi.Generation;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.AccessDeniedException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The generation of this system, and all that can be done with it.
 *
 * <pre>{@code
 * static final SysGenId ID = SysGenId.open();
 * static final PerGeneration<byte[]> SECRET = ID.perGeneration(() -> drawSecret());
 *
 * byte[] secret = SECRET.get();                                        // made in this generation
 * ID.watch(Phase.CONNECTIONS, "pool", generation -> pool.reconnect()); // acknowledged when it returns
 * }</pre>
 *
 * <p>Two ways to look: {@link #generation} is the device's own number, for people and for protocols; {@link #stamp} is
 * what to compare, for it also changes when only this process knows of a change, and never stands still while the daemon
 * is gone.
 *
 * <p>When the daemon goes away the generation is <em>unknown</em>: {@link #isKnown} is false, and whatever is renewed on
 * change is renewed at every use, until the daemon is back; then listeners are called, for nobody knows what happened
 * meanwhile. That it is gone is found out within moments, not at once.
 *
 * <p>Where the application has {@code org.crac}, a checkpoint of the JVM closes the device of each object, and a restore is a
 * change of each. In between the generation is unknown, without a device too: so it is for resources that were registered
 * before the first use of this library, as they are told of the checkpoint after it, and of the restore before it.
 */
public abstract sealed class SysGenId extends Attached implements AutoCloseable
        permits ProcessSysGenId, SeparateSysGenId {
    /** How long the listeners of one phase hold back those of the next. */
    public static final Duration PATIENCE = Duration.ofSeconds(5);

    /** How often {@link #guarded(GuardedAction)} runs its action at most. */
    public static final int DEFAULT_ATTEMPTS = 3;

    private final Dispatcher dispatcher;
    private final CopyOnWriteArrayList<Watcher> watchers = new CopyOnWriteArrayList<>();

    // Guarded by the lock.

    /** The listeners' watcher; null while there are none. */
    private @Nullable TrackedLink listenersLink;

    private int listeners;

    SysGenId(@Nullable Path path, boolean chosen, @Nullable VmClock clock) {
        super(path, chosen, clock);
        this.dispatcher = new Dispatcher(
                this::generation,
                this::acknowledge,
                clock == null
                        ? null
                        : () -> {
                            look(clock);
                            return 0;
                        },
                PATIENCE.toNanos());
    }

    /**
     * The generation of this system, as the whole process shares it. Never fails.
     *
     * <p>The device is what the system property {@code sysgenid.path} names, else the environment variable
     * {@code SYSGENID_PATH}, else {@code /dev/sysgenid}. Without a usable device, generations are those of this process
     * alone, changed by {@link #trigger}, and one line is logged that says so; a device that appears later is then not
     * looked for. Closing what this returns does nothing.
     *
     * @return always the same object
     */
    public static SysGenId open() {
        return ProcessSysGenId.INSTANCE;
    }

    /**
     * A device at a given path, apart from what the process shares; to be closed. A plain file of at least 4096 bytes
     * can stand in for one, whose first four bytes somebody else changes.
     *
     * @param path the device
     * @return one of its own, attached
     * @throws java.nio.file.NoSuchFileException when there is nothing at the path
     * @throws AccessDeniedException when this process may not read it
     * @throws IOException when it is not a device, is too short, or its daemon is gone; the message says which
     */
    public static SysGenId open(Path path) throws IOException {
        Path absolute = path.toAbsolutePath();
        Domain domain = DeviceDomain.attach(absolute, true);
        SeparateSysGenId id = new SeparateSysGenId(absolute, VmClock.find(VmClock.DEVICE));
        id.start(domain);
        Crac.register(id);
        return id;
    }

    /**
     * Generations of this process alone, changed by {@link #trigger} and by a restore of the JVM (CRaC) only; for tests of
     * programs.
     *
     * @return one of its own, at generation 0; to be closed
     */
    public static SysGenId inProcess() {
        return inProcess(null);
    }

    static SysGenId inProcess(@Nullable VmClock clock) {
        SeparateSysGenId id = new SeparateSysGenId(null, clock);
        id.start(new LocalDomain());
        Crac.register(id);
        return id;
    }

    /**
     * Has an action run before each checkpoint of this JVM (CRaC, SnapStart), to erase what must not be in its image. It is
     * kept for the life of the process. Does nothing more where the application has no {@code org.crac}.
     *
     * <p>Resources that registered with {@code org.crac} after the first use of this library have been told of the checkpoint
     * already when it runs. When it throws, the checkpoint fails.
     *
     * @param action run by the thread that makes the checkpoint
     */
    public static void beforeCheckpoint(Runnable action) {
        open();
        Crac.before(Objects.requireNonNull(action, "action"));
    }

    // ---- looking

    /**
     * The device's generation, an unsigned number: one load. Compare it with {@code ==} and {@code !=} only.
     *
     * <p>While the generation is {@linkplain #isKnown unknown} it is the last one that was seen. On the kernel driver's
     * device without native access, and where the page cannot be mapped, it is 0 until the first change.
     *
     * @return the number, or the last one that was seen
     */
    public final int generation() {
        return currentGeneration();
    }

    /**
     * The effective generation: differs from every earlier one when the device's generation changed, when the VMClock
     * page tells of a clone (at once where this process can map it, on Java 22 and newer with native access; else within
     * about a tenth of a second), when the JVM was restored from a checkpoint (CRaC), when
     * {@link #trigger} was called, and when the daemon came back after it was gone. While the generation is unknown each
     * call returns another value. Costs a few nanoseconds.
     *
     * <p>The number means nothing: compare with {@code ==} and {@code !=} only, and only within this object.
     *
     * @return a number that no earlier generation had
     */
    public final long stamp() {
        return currentStamp();
    }

    /** {@return whether the generation is known at this moment: false while the daemon is gone} */
    public final boolean isKnown() {
        return isAttached();
    }

    /**
     * By what this system differs from other clones of the same snapshot that have the same generation. Without a device it
     * is this process's own, and changes with {@link #trigger}.
     *
     * <p>Between a restore and the bump that follows all clones show the identity of the snapshot. So it is like anything
     * else that must be unique: take it, use it, and see that the {@link #stamp} is still the same.
     *
     * @return empty while the generation is unknown, and where nobody says: on the kernel driver's device, on a plain file,
     *     and where the page cannot be mapped
     */
    public final Optional<CloneIdentity> cloneIdentity() {
        Domain present = domain;
        return present == null || present.isGone() ? Optional.empty() : Optional.ofNullable(present.cloneIdentity());
    }

    /** Whether a stamp was given while the generation was known. */
    static boolean isKnown(long stamp) {
        return stamp >= 0;
    }

    /**
     * Whether anything tells when this system is restored from a snapshot: a device, a VMClock page, or a JVM with
     * checkpoints of its own (CRaC). Where nothing does, a stamp changes by {@link #trigger} alone. A VMClock page that this
     * process cannot map does not count: it is looked at ten times a second, so it tells, but not before the clone runs.
     *
     * @return the same in the whole life of this object
     */
    public final boolean isGuarded() {
        return path != null || (clock != null && clock.isMapped()) || Crac.isAvailable();
    }

    /**
     * Whether a change of the device shows at the next look. Where this process cannot map the page, as on Linux before 6.6 and on
     * the kernel driver's device without native access, a thread of this library reads of a change, and until it has, a restored
     * program sees the generation of the snapshot. False, too, where the daemon was gone at the start, for then nobody knew.
     *
     * @return the same in the whole life of this object
     */
    public final boolean isImmediate() {
        return immediate;
    }

    // ---- values and actions

    /**
     * A value that is made once in each generation.
     *
     * @param <T> the type of the value
     * @param maker makes it; may be run several times for one value, by any thread that asks for the value
     * @return the value, not made yet
     */
    public final <T> PerGeneration<T> perGeneration(Supplier<? extends T> maker) {
        return new PerGeneration<>(this, maker);
    }

    /**
     * As {@link #guarded(int, GuardedAction)}, with {@value #DEFAULT_ATTEMPTS} attempts.
     *
     * @param <T> what the action makes
     * @param <E> what it throws
     * @param action what to do
     * @return what it made, and how it went
     * @throws E what the action throws: it is not run again then
     */
    public final <T, E extends Exception> Guarded<T> guarded(GuardedAction<T, E> action) throws E {
        return guarded(DEFAULT_ATTEMPTS, action);
    }

    /**
     * Runs an action, and tells whether it lay wholly inside one generation; runs it again when it did not. While the
     * generation is unknown it is run once, for no number of attempts would help.
     *
     * @param <T> what the action makes
     * @param <E> what it throws
     * @param attempts how often at most, at least 1
     * @param action what to do
     * @return what the last run made, and how it went
     * @throws E what the action throws: it is not run again then
     */
    public final <T, E extends Exception> Guarded<T> guarded(int attempts, GuardedAction<T, E> action) throws E {
        if (attempts < 1) {
            throw new IllegalArgumentException("attempts: " + attempts + ", must be at least 1");
        }
        for (int attempt = 1; ; attempt++) {
            long before = stamp();
            T value = action.run();
            long after = stamp();
            if (before == after) {
                return new Guarded<>(value, Guarded.Outcome.HELD, attempt);
            }
            if (!isKnown(after)) {
                return new Guarded<>(value, Guarded.Outcome.UNKNOWN, attempt);
            }
            if (attempt == attempts) {
                return new Guarded<>(value, Guarded.Outcome.CHANGED, attempt);
            }
        }
    }

    // ---- being told

    /**
     * As {@link #watch(Phase, String, GenerationListener)}, in the phase {@link Phase#CACHES}.
     *
     * @param listener called at each change
     * @return to be closed when the listener is not to be called any more
     */
    public final Watch watch(GenerationListener listener) {
        return watch(Phase.CACHES, listener.getClass().getSimpleName(), listener);
    }

    /**
     * Has a listener called at each change. When all listeners have returned normally the generation is acknowledged:
     * from the first listener on, whoever waits for all watchers waits for this process too.
     *
     * <p>Register first and make the state afterwards: then a change in between renews it.
     *
     * @param phase when, relative to other listeners
     * @param name for people: in log lines and as the name of its thread
     * @param listener called at each change
     * @return to be closed when the listener is not to be called any more
     */
    public final Watch watch(Phase phase, String name, GenerationListener listener) {
        Dispatcher.Registration registration = new Dispatcher.Registration(
                Objects.requireNonNull(phase, "phase"),
                Objects.requireNonNull(name, "name"),
                Objects.requireNonNull(listener, "listener"));
        lock.lock();
        try {
            requireNotStopped();
            dispatcher.start();
            // The link before the listener. A change that comes in between finds the link outdated and nobody to call,
            // and is acknowledged as that.
            if (listeners == 0) {
                TrackedLink link = new TrackedLink();
                attach(link);
                listenersLink = link;
            }
            listeners++;
            dispatcher.add(registration);
        } finally {
            lock.unlock();
        }
        return new Watch(this, dispatcher, registration);
    }

    void remove(Dispatcher.Registration registration) {
        if (!dispatcher.remove(registration)) {
            return;
        }
        TrackedLink last = null;
        lock.lock();
        try {
            listeners--;
            if (listeners == 0) {
                last = listenersLink;
                listenersLink = null;
                links.remove(last);
            }
        } finally {
            lock.unlock();
        }
        if (last != null) {
            last.close();
        }
    }

    /**
     * A watcher for an event loop.
     *
     * @param wake makes the loop take a turn, {@code selector::wakeup} for example; called by some thread at each change
     * @return the watcher, up to date
     */
    public final Watcher watcher(Runnable wake) {
        TrackedLink link = new TrackedLink();
        Watcher watcher;
        lock.lock();
        try {
            requireNotStopped();
            attach(link);
            // After the link is open: so what changed before this stamp is none of its business.
            watcher = new Watcher(this, link, Objects.requireNonNull(wake, "wake"));
            watchers.add(watcher);
        } finally {
            lock.unlock();
        }
        return watcher;
    }

    void remove(Watcher watcher) {
        watchers.remove(watcher);
        lock.lock();
        try {
            links.remove(watcher.link());
        } finally {
            lock.unlock();
        }
    }

    private boolean acknowledge(int generation) {
        TrackedLink link;
        lock.lock();
        try {
            link = listenersLink;
        } finally {
            lock.unlock();
        }
        return link != null && link.acknowledge(generation, this);
    }

    @Override
    final void changed() {
        dispatcher.changed();
        for (Watcher watcher : watchers) {
            try {
                watcher.wake();
            } catch (RuntimeException | Error e) { // or the others, and the device, would be given up for it
                Log.tell(Level.ERROR, "SysGenID: an event loop cannot be woken", e);
            }
        }
    }

    @Override
    final void ended() {
        dispatcher.close();
    }

    // ---- changing it, and waiting for others

    /**
     * Tells this process, and nobody else, that the system changed: every stamp from now on is another one, and the
     * listeners are called. Without a device this is the bump of the process's own domain.
     */
    public final void trigger() {
        changeHere();
    }

    /**
     * Changes the generation of the whole system, as an orchestrator does after a restore: every watcher is outdated
     * then, those of this process too. Without a device it is {@link #trigger}.
     *
     * @return the new generation, unsigned, or a newer one
     * @throws AccessDeniedException without the right to: CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN
     * @throws UnsupportedOperationException before Java 22, and without native access
     * @throws IOException when the daemon is gone
     */
    public final int bump() throws IOException {
        if (path == null) {
            trigger();
        } else {
            Orchestration.bump(path);
        }
        return generation();
    }

    /**
     * How many tracked watchers have not acknowledged the current generation.
     *
     * @return at least 0
     * @throws UnsupportedOperationException before Java 22, without native access, and on a driver that does not count
     * @throws IOException when the daemon is gone
     */
    public final int outdatedWatchers() throws IOException {
        LocalDomain local = local();
        return local != null ? local.outdated() : Orchestration.outdatedWatchers(device());
    }

    /**
     * Waits until every tracked watcher has acknowledged. Blocks its thread, also a virtual one's carrier.
     *
     * @param timeout how long at most
     * @return whether they have
     * @throws UnsupportedOperationException before Java 22, and without native access
     * @throws IOException when the daemon is gone
     * @throws InterruptedException when this thread is interrupted
     */
    public final boolean awaitAcknowledged(Duration timeout) throws IOException, InterruptedException {
        long nanos = toNanos(timeout);
        LocalDomain local = local();
        return local != null ? local.awaitAcknowledged(nanos) : Orchestration.awaitAcknowledged(device(), nanos);
    }

    /** The device; without one there was a domain of this process, and it has been closed. */
    private Path device() {
        if (path == null) {
            throw new IllegalStateException("closed");
        }
        return path;
    }

    private static long toNanos(Duration timeout) {
        try {
            return timeout.toNanos();
        } catch (ArithmeticException e) {
            return timeout.isNegative() ? 0 : Long.MAX_VALUE;
        }
    }

    /** Ends it: the listeners and event loops are told nothing more, and from here on the generation is unknown. */
    @Override
    public abstract void close();

    @Override
    public String toString() {
        return "SysGenId[" + (path == null ? "in process" : path) + ", "
                + (isKnown() ? "generation " + Generation.toString(generation()) : "generation unknown") + "]";
    }
}
