// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.core;

import dev.sysgenid.abi.Generation;
import dev.sysgenid.abi.Ioctl;
import dev.sysgenid.core.Family.Wait;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A generation and those who watch it: the semantics of the device file, as a state machine without I/O, clock or
 * thread.
 *
 * <p><b>Results</b> are in the kernel's convention: not negative for success, a negated error number of {@link Errors}
 * for failure. A call that would block returns {@link #PARKED}: it is then known by the request number that its caller
 * gave, and its end is told to {@link Effects} exactly once.
 *
 * <table>
 * <caption>The life of a parked request</caption>
 * <tr><th>event</th><th>parked read</th><th>parked WAIT</th></tr>
 * <tr><td>it parks while</td><td>its watcher is up to date</td>
 *     <td>its watcher is up to date and a tracked watcher is outdated</td></tr>
 * <tr><td>bump</td><td>ends with the new generation</td><td>ends with EINTR: now its watcher is outdated</td></tr>
 * <tr><td>the last outdated tracked watcher acks, closes, or is tracked no more</td><td>stays</td>
 *     <td>ends with 0</td></tr>
 * <tr><td>its deadline ({@link #expire})</td><td>has none</td><td>ends with EINTR (v4) or ETIME (v6 on)</td></tr>
 * <tr><td>{@link #interrupt}, or close of its watcher</td><td>ends with EINTR</td><td>ends with EINTR</td></tr>
 * </table>
 *
 * <p>Hence, whenever no method is running: nobody who is outdated has a parked request, and no WAIT is parked while
 * nobody tracked is outdated. {@link Watcher.State} is the other half of the transitions.
 *
 * <p><b>A bump</b> makes its effects in this order: every watcher is outdated; {@link Effects#bumped} is told; then
 * parked reads end, in order of arrival; then pollers are woken, in the order of their asking; then parked WAITs end, in
 * order of arrival.
 *
 * <p><b>Domains below another</b> (one for each container of a machine) are bumped with that one, and by themselves;
 * what happens in them is told to effects of their own, and changes nothing above or beside them.
 *
 * <p><b>Costs</b> do not depend on how many watchers there are: a bump visits the domains below, the requests it ends and
 * the watchers it wakes; open, ack and close visit nobody, save that the ack or close of the last outdated watcher ends the parked
 * WAITs, and that the close of a watcher with requests of its own looks for them among all that are parked. A WAIT with
 * a deadline costs the logarithm of the number of such.
 *
 * <p><b>Time</b> is nanoseconds of a clock of the owner's choice that never goes back, such as CLOCK_MONOTONIC.
 *
 * <p><b>Threads:</b> one at a time; nothing is synchronized.
 */
public final class Domain {
    /** The result of a call that is not over yet: {@link Effects} will tell its end. */
    public static final int PARKED = Integer.MIN_VALUE;

    /** Poll event: there is something to read. */
    public static final int POLLIN = 0x0001;

    /** Poll event: as {@link #POLLIN}; Linux sets both. */
    public static final int POLLRDNORM = 0x0040;

    private static final long NEVER = Long.MAX_VALUE;
    private static final long NANOS_PER_MILLI = 1_000_000;
    private static final long MAX_GENERATION = 0xffff_ffffL;

    private final Tracking tracking;
    private final Effects effects;
    private final Family family;

    /** The present: its generation is the domain's. */
    private Epoch epoch;

    private long serial;

    private final Roll watchers = new Roll();
    private int tracked;

    /** How many watchers are both tracked and outdated. */
    private int outdated;

    /** The parked reads by request number, in order of arrival. */
    private final LinkedHashMap<Long, Watcher> reads = new LinkedHashMap<>();

    /** The parked WAITs by request number, in order of arrival. */
    private final LinkedHashMap<Long, Wait> waits = new LinkedHashMap<>();

    /** Those whose pollers asked to be woken, in the order of asking. */
    private final LinkedHashSet<Watcher> wakes = new LinkedHashSet<>();

    /** A new domain: generation {@link Generation#INITIAL}, nobody watches. */
    public Domain(Tracking tracking, Effects effects) {
        this(tracking, effects, Generation.INITIAL);
    }

    /**
     * A domain that starts at a generation other than the first: one that continues another, or a test of what happens
     * at the ends of the range.
     *
     * @param generation unsigned
     */
    public Domain(Tracking tracking, Effects effects, int generation) {
        this(tracking, effects, generation, 0, 0);
    }

    /**
     * A domain that continues another; its watchers are to be {@linkplain #resume resumed} before anybody calls.
     *
     * @param generation unsigned
     * @param serial the other one's {@link #serial}
     * @param opened the greatest {@link Watcher#id} that the other one gave away
     */
    public Domain(Tracking tracking, Effects effects, int generation, long serial, long opened) {
        this.tracking = tracking;
        this.effects = effects;
        this.epoch = new Epoch(generation);
        this.serial = serial;
        this.family = new Family(this);
        family.opened = opened;
    }

    /**
     * A domain below another one: each bump of that one is a bump of this one too. Watchers of both are numbered in one
     * row.
     *
     * @param above the domain of the machine, which is below none
     * @param generation unsigned
     * @param serial how many bumps it has had, see {@link #serial}
     */
    public Domain(Domain above, Effects effects, int generation, long serial) {
        if (above.family.machine != above) {
            throw new IllegalArgumentException("a domain below one that is below another");
        }
        this.tracking = above.tracking;
        this.effects = effects;
        this.epoch = new Epoch(generation);
        this.serial = serial;
        this.family = above.family;
        family.below.add(this);
    }

    /**
     * Ends a domain that is below another one. It is bumped no more.
     *
     * @throws IllegalStateException when it has watchers
     */
    public void remove() {
        if (watchers.size() > 0 || family.machine == this) {
            throw new IllegalStateException("the domain of " + watchers.size() + " watchers cannot be removed");
        }
        family.below.remove(this);
    }

    /** The current generation, unsigned. */
    public int generation() {
        return epoch.generation;
    }

    /** How many bumps there were since this domain was made: unlike the generation it neither skips nor wraps. */
    public long serial() {
        return serial;
    }

    /** The greatest {@link Watcher#id} that was given away, here, above or below. */
    public long opened() {
        return family.opened;
    }

    /**
     * A new watcher, up to date with the present.
     *
     * @param writable whether the file was opened for writing, and so can ack
     */
    public Watcher open(boolean writable) {
        return add(new Watcher(this, ++family.opened, writable, writable && tracking == Tracking.WRITERS, epoch));
    }

    /**
     * A watcher of the domain that this one continues, without the requests that it had parked there.
     *
     * @param id its {@link Watcher#id}; greater than those of the watchers that are here already
     * @param acknowledged its {@link Watcher#acknowledged}
     * @param outdatedSince its {@link #outdatedSince}: {@link Long#MAX_VALUE} when it is up to date
     */
    public Watcher resume(long id, boolean writable, boolean isTracked, int acknowledged, long outdatedSince) {
        Watcher last = watchers.last();
        if (last != null && last.id() >= id) {
            throw new IllegalArgumentException("watcher " + id + " after " + last);
        }
        Epoch acked = epoch;
        if (outdatedSince != NEVER) {
            acked = new Epoch(acknowledged);
            acked.end(outdatedSince);
        }
        Watcher watcher = add(new Watcher(this, id, writable, isTracked, acked));
        family.opened = Math.max(family.opened, id);
        if (isTracked && watcher.outdated()) {
            outdated++;
        }
        return watcher;
    }

    private Watcher add(Watcher watcher) {
        watchers.add(watcher);
        if (watcher.tracked) {
            tracked++;
        }
        return watcher;
    }

    /**
     * Ends a watcher, when its last descriptor is gone. Requests of its own that are still parked end with EINTR; then,
     * if it was the last one outdated, the WAITs of others end. Closing it again does nothing.
     */
    public void close(Watcher watcher) {
        if (watcher.domain == null) {
            return;
        }
        check(watcher);
        setTracked(watcher, false);
        watcher.domain = null;
        watchers.remove(watcher);
        wakes.remove(watcher);
        if (watcher.parked > 0) {
            interruptAllOf(watcher);
        }
        endWaitsUnlessOutdated();
    }

    /**
     * A read of {@code size} bytes, at whatever offset.
     *
     * @param request a number by which this call is known if it parks; no other parked request may have it
     * @param nonblocking whether O_NONBLOCK is set on the file at this call
     * @return 0 for a size of 0; {@link Generation#BYTES} when outdated, and the caller then delivers
     *     {@link #generation()}; -EINVAL for a size too small for that; when up to date, -EAGAIN or {@link #PARKED}
     */
    public int read(Watcher watcher, long request, long size, boolean nonblocking) {
        check(watcher);
        if (size == 0) {
            return 0;
        }
        if (size < Generation.BYTES) {
            return -Errors.EINVAL;
        }
        if (watcher.outdated()) {
            return Generation.BYTES;
        }
        if (nonblocking) {
            return -Errors.EAGAIN;
        }
        checkUnused(request);
        reads.put(request, watcher);
        family.parked.put(request, this);
        watcher.parked++;
        return PARKED;
    }

    /**
     * A write of {@code size} bytes, at whatever offset: the ack, when it is the current generation. No read is needed
     * before it, and acking again does nothing.
     *
     * @param value the bytes in host byte order; ignored unless {@code size} is {@link Generation#BYTES}
     * @return {@link Generation#BYTES}, or -EINVAL for another size or another generation
     */
    public int write(Watcher watcher, long size, int value) {
        check(watcher);
        if (size != Generation.BYTES || value != epoch.generation) {
            return -Errors.EINVAL;
        }
        if (watcher.outdated()) {
            watcher.acked = epoch;
            if (watcher.tracked) {
                outdated--;
            }
            effects.changed(watcher);
            endWaitsUnlessOutdated();
        }
        return Generation.BYTES;
    }

    /**
     * What a poller sees.
     *
     * @param notify whether to call {@link Effects#wake} at the next bump, also when the watcher is outdated already
     *     (that is what edge-triggered pollers need). Once asked, it stays asked until then, or until the close.
     * @return {@link #POLLIN}{@code |}{@link #POLLRDNORM} when outdated, else 0
     */
    public int poll(Watcher watcher, boolean notify) {
        check(watcher);
        if (notify) {
            wakes.add(watcher);
        }
        return watcher.outdated() ? POLLIN | POLLRDNORM : 0;
    }

    /**
     * One of the commands of {@link Ioctl}, of either family.
     *
     * @param request a number by which this call is known if it parks; no other parked request may have it
     * @param argument as it was passed, an unsigned 64-bit value. Of a WAIT: milliseconds, 0 for no limit. A time that
     *     would end after the end of the clock has no limit either.
     * @param privilege asked by the commands that bump, before they look at their argument
     * @param nowNanos the time of this call
     * @return a count, 0, {@link #PARKED}, or a negated error number: EINVAL for an unknown command or for a wished
     *     generation beyond 2<sup>32</sup>-1; EACCES without the privilege; EINTR for a WAIT by one who is outdated
     *     itself, whether tracked or not
     */
    public int ioctl(Watcher watcher, long request, int command, long argument, Privilege privilege, long nowNanos) {
        check(watcher);
        return switch (command) {
            case Ioctl.V4_GET_OUTDATED_WATCHERS -> outdated;
            case Ioctl.SET_WATCHER_TRACKING -> {
                boolean on = argument != 0;
                if (watcher.tracked != on) {
                    setTracked(watcher, on);
                    effects.changed(watcher);
                }
                endWaitsUnlessOutdated();
                yield 0;
            }
            case Ioctl.V4_WAIT_WATCHERS -> await(watcher, request, argument, Errors.EINTR, nowNanos);
            case Ioctl.WAIT_WATCHERS -> await(watcher, request, argument, Errors.ETIME, nowNanos);
            case Ioctl.V4_FORCE_GEN_UPDATE, Ioctl.TRIGGER_GEN_UPDATE -> {
                if (!privilege.mayBump()) {
                    yield -Errors.EACCES;
                }
                if (Long.compareUnsigned(argument, MAX_GENERATION) > 0) {
                    yield -Errors.EINVAL;
                }
                bump((int) argument, nowNanos);
                yield 0;
            }
            default -> -Errors.EINVAL;
        };
    }

    /**
     * The system was restored: the generation changes, see {@link Generation#next}, and every watcher is outdated. So it
     * is in all domains below this one, without a wish. Each step is made in all of them before the next one is.
     *
     * @param minimum the least new generation wanted here, unsigned; 0 for no wish
     * @param nowNanos the time, for {@link #outdatedSince}
     */
    public void bump(int minimum, long nowNanos) {
        List<Domain> below = family.machine == this ? List.copyOf(family.below) : List.of();
        begin(minimum, nowNanos);
        for (Domain domain : below) {
            domain.begin(0, nowNanos);
        }
        effects.bumped(epoch.generation);
        for (Domain domain : below) {
            domain.effects.bumpedFromAbove(domain.epoch.generation);
        }
        endReads();
        below.forEach(Domain::endReads);
        wakeAll();
        below.forEach(Domain::wakeAll);
        endOutdatedWaits();
        below.forEach(Domain::endOutdatedWaits);
    }

    private void begin(int minimum, long nowNanos) {
        epoch.end(nowNanos);
        epoch = new Epoch(Generation.next(epoch.generation, minimum));
        serial++;
        outdated = tracked;
    }

    // Each loop ends at the first one that is up to date: parked, or asking, since this bump, from within an effect.

    private void endReads() {
        for (var read = reads.firstEntry(); read != null && read.getValue().outdated(); read = reads.firstEntry()) {
            removeRead(read.getKey(), read.getValue());
            effects.readCompleted(read.getKey(), epoch.generation);
        }
    }

    private void wakeAll() {
        // Here being outdated does not tell the two apart, so those who ask from within an effect wait for the next
        // bump.
        for (int remaining = wakes.size(); remaining > 0 && !wakes.isEmpty(); remaining--) {
            effects.wake(wakes.removeFirst());
        }
    }

    private void endOutdatedWaits() {
        for (var wait = waits.firstEntry();
                wait != null && wait.getValue().watcher().outdated();
                wait = waits.firstEntry()) {
            endWait(wait.getValue(), Errors.EINTR);
        }
    }

    /**
     * Ends a parked request with EINTR, because its caller got a signal. It may be one of a domain above or below.
     *
     * @return false when no such request is parked: it is over already, or never parked
     */
    public boolean interrupt(long request) {
        Domain owner = family.parked.get(request);
        if (owner == null) {
            return false;
        }
        owner.end(request);
        return true;
    }

    private void end(long request) {
        Watcher reader = reads.get(request);
        if (reader != null) {
            removeRead(request, reader);
            effects.readFailed(request, Errors.EINTR);
        }
        Wait wait = waits.get(request);
        if (wait != null) {
            endWait(wait, Errors.EINTR);
        }
    }

    /**
     * The time at which {@link #expire} will have something to do, here, above or below, or {@link Long#MAX_VALUE} for
     * never.
     */
    public long nextDeadline() {
        return family.deadlines.isEmpty() ? NEVER : family.deadlines.first().deadline();
    }

    /**
     * Ends the WAITs here, above and below whose deadline is not after {@code nowNanos}, the earliest deadline first.
     */
    public void expire(long nowNanos) {
        while (nextDeadline() <= nowNanos && !family.deadlines.isEmpty()) {
            Wait wait = family.deadlines.first();
            Objects.requireNonNull(wait.watcher().domain).endWait(wait, wait.timeoutErrno());
        }
    }

    /** How many watchers are tracked. */
    public int tracked() {
        return tracked;
    }

    /** How many tracked watchers are outdated: those that a WAIT waits for. */
    public int outdated() {
        return outdated;
    }

    /** How many watchers there are, tracked or not. */
    public int watchers() {
        return watchers.size();
    }

    /** How many requests are parked here, reads and WAITs. */
    public int parked() {
        return reads.size() + waits.size();
    }

    /** How many requests are parked here, above and below. */
    public int parkedInAll() {
        return family.parked.size();
    }

    /**
     * All watchers in order of opening, for listings. While one iterates, watchers may be opened, and the one returned
     * last may be closed, but no other.
     */
    public Iterable<Watcher> all() {
        return watchers;
    }

    /** The watcher that was opened next after this one, which must not be closed; null when there is none. */
    public @Nullable Watcher following(Watcher watcher) {
        check(watcher);
        return watcher.next;
    }

    /**
     * When a watcher became outdated: the time of the first bump that it has not acked, exactly, however many bumps
     * followed. {@link Long#MAX_VALUE} for a watcher that is up to date.
     */
    public long outdatedSince(Watcher watcher) {
        check(watcher);
        return watcher.outdated() ? watcher.acked.overSince : NEVER;
    }

    private int await(Watcher watcher, long request, long millis, int timeoutErrno, long nowNanos) {
        if (watcher.outdated()) {
            return -Errors.EINTR;
        }
        if (outdated == 0) {
            return 0;
        }
        checkUnused(request);
        Wait wait = new Wait(request, watcher, timeoutErrno, deadline(millis, nowNanos), ++family.waits);
        waits.put(request, wait);
        family.parked.put(request, this);
        if (wait.deadline() != NEVER) {
            family.deadlines.add(wait);
        }
        watcher.parked++;
        return PARKED;
    }

    /** The end of an unsigned number of milliseconds from now; never, for 0 and for what is beyond the clock's range. */
    private static long deadline(long millis, long nowNanos) {
        if (millis == 0 || Long.compareUnsigned(millis, NEVER / NANOS_PER_MILLI) > 0) {
            return NEVER;
        }
        long deadline = nowNanos + millis * NANOS_PER_MILLI;
        return deadline < nowNanos ? NEVER : deadline;
    }

    private void setTracked(Watcher watcher, boolean on) {
        if (watcher.tracked == on) {
            return;
        }
        watcher.tracked = on;
        int change = on ? 1 : -1;
        tracked += change;
        if (watcher.outdated()) {
            outdated += change;
        }
    }

    private void endWaitsUnlessOutdated() {
        while (outdated == 0 && !waits.isEmpty()) {
            endWait(waits.firstEntry().getValue(), 0);
        }
    }

    private void interruptAllOf(Watcher watcher) {
        for (long request : reads.entrySet().stream()
                .filter(read -> read.getValue() == watcher)
                .mapToLong(read -> read.getKey())
                .toArray()) {
            interrupt(request);
        }
        for (long request : waits.values().stream()
                .filter(wait -> wait.watcher() == watcher)
                .mapToLong(Wait::request)
                .toArray()) {
            interrupt(request);
        }
    }

    private void removeRead(long request, Watcher watcher) {
        reads.remove(request);
        family.parked.remove(request);
        watcher.parked--;
    }

    private void endWait(Wait wait, int errnoOrZero) {
        waits.remove(wait.request());
        family.parked.remove(wait.request());
        family.deadlines.remove(wait);
        wait.watcher().parked--;
        effects.waitCompleted(wait.request(), errnoOrZero);
    }

    /** A watcher of another domain, or a closed one, is the owner's mistake, never a caller's. */
    private void check(Watcher watcher) {
        if (watcher.domain != this) {
            throw new IllegalArgumentException(watcher + (watcher.domain == null ? "" : " of another domain"));
        }
    }

    private void checkUnused(long request) {
        if (family.parked.containsKey(request)) {
            throw new IllegalArgumentException("request " + request + " is parked already");
        }
    }
}
