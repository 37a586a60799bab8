// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.core;

import org.jspecify.annotations.Nullable;

/**
 * One open file description of the device: it remembers the generation that it last acknowledged. Made by
 * {@link Domain#open}, gone with {@link Domain#close}; everything else that happens to it goes through its domain too.
 *
 * <p>Not synchronized: to be used under the same rule as its domain. An idle watcher is this object and nothing else.
 */
public final class Watcher {
    /**
     * What a watcher knows of its domain's generation. Being tracked is independent of it.
     *
     * <table>
     * <caption>Transitions</caption>
     * <tr><th>from</th><th>ack (a write of the current generation)</th><th>bump</th><th>read, poll, other writes,
     *     tracking on or off</th><th>close</th></tr>
     * <tr><td>(open)</td><td colspan="4">{@code CURRENT}</td></tr>
     * <tr><td>{@code CURRENT}</td><td>{@code CURRENT}</td><td>{@code OUTDATED}</td><td>{@code CURRENT}</td>
     *     <td>{@code CLOSED}</td></tr>
     * <tr><td>{@code OUTDATED}</td><td>{@code CURRENT}</td><td>{@code OUTDATED}</td><td>{@code OUTDATED}</td>
     *     <td>{@code CLOSED}</td></tr>
     * <tr><td>{@code CLOSED}</td><td>refused</td><td>{@code CLOSED}</td><td>refused</td><td>{@code CLOSED}</td></tr>
     * </table>
     */
    public enum State {
        /** No bump since the last ack, or since the open. */
        CURRENT,
        /** Lived through a bump that it has not acked: readable. Numbers are not compared, so no wrap can hide it. */
        OUTDATED,
        /** Gone: counts for nothing, and its domain accepts no call for it but another close. */
        CLOSED
    }

    private final long id;
    private final boolean writable;

    // The rest belongs to the domain.

    /** The domain; null once closed. */
    @Nullable
    Domain domain;

    /** The epoch of the last ack, or of the open. */
    Epoch acked;

    boolean tracked;

    /** How many of the domain's parked requests are this watcher's. */
    int parked;

    /** The neighbours in the list of all watchers, in order of opening. */
    @Nullable
    Watcher previous;

    @Nullable
    Watcher next;

    private @Nullable Object attachment;

    Watcher(Domain domain, long id, boolean writable, boolean tracked, Epoch current) {
        this.domain = domain;
        this.id = id;
        this.writable = writable;
        this.tracked = tracked;
        this.acked = current;
    }

    /**
     * The number of this watcher in its domain and those above and below: 1 for the first one opened, never used again.
     */
    public long id() {
        return id;
    }

    /** Whether it was opened for writing, that is, whether it can ack. */
    public boolean writable() {
        return writable;
    }

    /** Whether it is counted while outdated, and waited for. False once closed. */
    public boolean tracked() {
        return tracked;
    }

    /** Whether it lived through a bump that it has not acked. False once closed. */
    public boolean outdated() {
        return state() == State.OUTDATED;
    }

    /** Where it stands now. */
    public State state() {
        if (domain == null) {
            return State.CLOSED;
        }
        return acked.over ? State.OUTDATED : State.CURRENT;
    }

    /** The generation that it last acked, unsigned; before the first ack, that of its open. */
    public int acknowledged() {
        return acked.generation;
    }

    /**
     * What the domain's owner keeps with this watcher.
     *
     * @return the object last given to {@link #attach}, or null when there is none
     * @throws ClassCastException when it is not a {@code type}
     */
    public <T> @Nullable T attachment(Class<T> type) {
        return type.cast(attachment);
    }

    /** Keeps an object of the domain's owner with this watcher, instead of the one before. It means nothing here. */
    public void attach(@Nullable Object attachment) {
        this.attachment = attachment;
    }

    /** For people: number, state, tracking, and what it acked. */
    @Override
    public String toString() {
        return "watcher " + id + " (" + state() + (tracked ? ", tracked" : "") + ", acked "
                + Integer.toUnsignedString(acknowledged()) + ")";
    }
}
