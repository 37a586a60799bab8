// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import dev.sysgenid.abi.Generation;
import dev.sysgenid.abi.Ioctl;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.AccessDeniedException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
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
 */
public abstract sealed class SysGenId implements AutoCloseable permits ProcessSysGenId, SeparateSysGenId {
    /** How long the listeners of one phase hold back those of the next. */
    public static final Duration PATIENCE = Duration.ofSeconds(5);

    /** How often {@link #guarded(GuardedAction)} runs its action at most. */
    public static final int DEFAULT_ATTEMPTS = 3;

    /** How often somebody looks for changes that nobody tells, while there are listeners. */
    static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private static final long UNKNOWN = Long.MIN_VALUE;
    private static final long MIN_PAUSE = TimeUnit.MILLISECONDS.toNanos(10);
    private static final long MAX_PAUSE = TimeUnit.SECONDS.toNanos(1);
    /** In a row. One or two come of bumps that follow each other closely. */
    private static final int MANY_WAKES = 10;

    private static final long MIN_BETWEEN_LOG_LINES = TimeUnit.SECONDS.toNanos(10);
    /** The longest single wait in the kernel, which cannot be interrupted. */
    private static final long MAX_WAIT_MILLIS = 100;

    /** Null: this process alone. */
    private final @Nullable Path path;

    private final boolean chosen;
    private final @Nullable VmClock clock;
    private final Dispatcher dispatcher;

    /**
     * What {@link #stamp} adds to the generation: how many changes this process knows of that the device does not count,
     * in the upper half; or {@link #UNKNOWN}. Written under the lock. It is UNKNOWN whenever the page is exchanged.
     */
    private volatile long epoch = UNKNOWN;

    /** Stamps given while unknown: none of them twice. */
    private final AtomicLong unknownStamps = new AtomicLong();

    private final CopyOnWriteArrayList<Watcher> watchers = new CopyOnWriteArrayList<>();

    /** Held for the exchange of domains, never while listeners are told. */
    private final ReentrantLock lock = new ReentrantLock();

    private final Condition wake = lock.newCondition();

    // All below are guarded by the lock.

    private long epochs;
    /** Null while it is gone. Read without the lock by those who only ask. */
    private volatile @Nullable Domain domain;

    /** The {@link Domain#wraps} that is in the epoch. */
    private int wraps;

    /** When the loss of a domain was logged last; and whether that of this one was. */
    private long lossToldAt;

    private boolean lossTold;
    private final List<TrackedLink> links = new ArrayList<>();
    /** The listeners' watcher; null while there are none. */
    private @Nullable TrackedLink listenersLink;

    private int listeners;
    /** The process is being checkpointed: nothing may be open. */
    private boolean suspended;

    private boolean stopped;

    SysGenId(@Nullable Path path, boolean chosen, @Nullable VmClock clock) {
        this.path = path;
        this.chosen = chosen;
        this.clock = clock;
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
        return id;
    }

    /**
     * Generations of this process alone, changed by {@link #trigger} and by nothing else; for tests of programs.
     *
     * @return one of its own, at generation 0; to be closed
     */
    public static SysGenId inProcess() {
        return inProcess(null);
    }

    static SysGenId inProcess(@Nullable VmClock clock) {
        SeparateSysGenId id = new SeparateSysGenId(null, clock);
        id.start(new LocalDomain());
        return id;
    }

    // ---- looking

    abstract int load();

    abstract void show(Page page);

    /**
     * The device's generation, an unsigned number: one load. Compare it with {@code ==} and {@code !=} only.
     *
     * <p>While the generation is {@linkplain #isKnown unknown} it is the last one that was seen. On the kernel driver's
     * device without native access, and where the page cannot be mapped, it is 0 until the first change.
     *
     * @return the number, or the last one that was seen
     */
    public final int generation() {
        try {
            return load();
        } catch (PageFile.LostException e) {
            lost(e.domain, e);
            return e.last;
        }
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
        VmClock present = clock;
        if (present != null && present.hasChanged()) {
            look(present);
        }
        while (true) {
            long before = epoch;
            if (before < 0) {
                return UNKNOWN | unknownStamps.incrementAndGet();
            }
            int generation = generation();
            // Else the domain was exchanged: this may be the number of one and the epoch of the other.
            if (epoch == before) {
                return before | Integer.toUnsignedLong(generation);
            }
        }
    }

    /** {@return whether the generation is known at this moment: false while the daemon is gone} */
    public final boolean isKnown() {
        Domain present = domain;
        return epoch >= 0 && present != null && !present.isGone();
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

    /** Adds a link and opens it, if there is a domain; under the lock. */
    private void attach(TrackedLink link) {
        links.add(link);
        Domain present = domain;
        if (present != null) {
            try {
                link.attach(present);
            } catch (IOException e) {
                // The domain is being lost: the thread that sleeps on it finds out, and attaches the next one.
                Log.LOGGER.log(Level.DEBUG, "SysGenID: cannot open a watcher", e);
            }
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

    private void changed() {
        dispatcher.changed();
        for (Watcher watcher : watchers) {
            try {
                watcher.wake();
            } catch (RuntimeException e) {
                Log.LOGGER.log(Level.ERROR, "SysGenID: an event loop cannot be woken", e);
            }
        }
    }

    // ---- changing it, and waiting for others

    /**
     * Tells this process, and nobody else, that the system changed: every stamp from now on is another one, and the
     * listeners are called. Without a device this is the bump of the process's own domain.
     */
    public final void trigger() {
        lock.lock();
        try {
            if (domain instanceof LocalDomain local) {
                int unused = local.bump();
            } else {
                advance();
            }
        } finally {
            lock.unlock();
        }
        changed();
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
            return generation();
        }
        int result = DeviceDomain.ask(calls("bump"), path, Ioctl.TRIGGER_GEN_UPDATE, 0);
        if (result == -SystemCalls.EACCES) {
            throw new AccessDeniedException(
                    path.toString(),
                    null,
                    "cannot change the generation: it takes CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN");
        }
        check(result, "cannot change the generation");
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
        if (local != null) {
            return local.outdated();
        }
        Path device = device();
        int result = DeviceDomain.ask(calls("status"), device, Ioctl.V4_GET_OUTDATED_WATCHERS, 0);
        return check(result, "cannot count outdated watchers");
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
        if (local != null) {
            return local.awaitAcknowledged(nanos);
        }
        Path device = device();
        SystemCalls calls = calls("wait");
        long start = System.nanoTime();
        int command = Ioctl.WAIT_WATCHERS;
        while (true) {
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            long left = nanos - (System.nanoTime() - start);
            // 0 would be for ever.
            long millis = Math.max(1, Math.min(MAX_WAIT_MILLIS, TimeUnit.NANOSECONDS.toMillis(left)));
            int result = DeviceDomain.ask(calls, device, command, millis);
            if (command == Ioctl.WAIT_WATCHERS && result == -SystemCalls.EINVAL) {
                command = Ioctl.V4_WAIT_WATCHERS; // a driver of the first family
                continue;
            }
            if (result == 0) {
                return true;
            }
            // EINTR: it changed again, or in the first family that time is over.
            if (result != -SystemCalls.ETIME && result != -SystemCalls.EINTR) {
                check(result, "cannot wait");
            }
            if (left <= 0) {
                return false;
            }
        }
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

    private @Nullable LocalDomain local() {
        lock.lock();
        try {
            return domain instanceof LocalDomain local ? local : null;
        } finally {
            lock.unlock();
        }
    }

    private SystemCalls calls(String alternative) {
        SystemCalls calls = NativeAccess.calls();
        if (calls == null) {
            throw new UnsupportedOperationException("This needs a system call that Java cannot make here: "
                    + NativeAccess.remedy() + ". Alternative: run the command \"sysgenid " + alternative
                    + "\" of the daemon's package");
        }
        return calls;
    }

    private int check(int result, String what) throws IOException {
        if (result == -SystemCalls.ENOTTY || result == -SystemCalls.EINVAL) {
            throw new UnsupportedOperationException(path + ": " + what + ": what is there does not know how to");
        }
        if (result < 0) {
            throw new IOException(path + ": " + what + ": error " + -result);
        }
        return result;
    }

    // ---- the domain: attached, lost, attached again

    /** Attaches the first domain, or begins without one; once, before anybody else sees this object. */
    final void start(@Nullable Domain first) {
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
        int told = generation();
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
                        Log.LOGGER.log(wasLossTold() ? Level.INFO : Level.DEBUG, "SysGenID: {0} is back", device);
                        changed();
                    }
                    continue;
                }
                present.awaitChange();
                noteWraps(present);
                int generation = generation();
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

    /** Makes this the domain, unless there is one. The order is what {@link #stamp} relies on. */
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
                    Log.LOGGER.log(Level.DEBUG, "SysGenID: cannot open a watcher", e); // it is being lost already
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
            Log.LOGGER.log(
                    Level.WARNING,
                    "SysGenID: lost {0} ({1}); until it is back the generation is unknown, and everything is renewed"
                            + " at every use",
                    path,
                    cause.getMessage());
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
    private void advance() {
        epochs++;
        if (domain != null) {
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
    private void look(VmClock present) {
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

    /** Closes whatever is open, for a checkpoint of the process; the generation is unknown until {@link #resume}. */
    final void suspend() {
        if (path == null) {
            return;
        }
        List<Domain.Link> open = new ArrayList<>();
        Domain old;
        lock.lock();
        try {
            suspended = true;
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
                Log.LOGGER.log(Level.DEBUG, "SysGenID: not yet back after the restore", e);
            }
        }
        trigger();
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
        dispatcher.close();
        if (old != null) {
            old.close();
        }
        open.forEach(Domain.Link::close);
    }

    private void requireNotStopped() {
        if (stopped) {
            throw new IllegalStateException("closed");
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
