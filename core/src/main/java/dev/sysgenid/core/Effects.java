// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.core;

/**
 * What a {@link Domain} tells its owner beyond the results of its methods. The methods here are called synchronously,
 * by the thread that called the domain, before that call returns.
 *
 * <p>When one of them is called, the domain has taken in the whole of what caused it: counts and states are those
 * afterwards, and the request being told of is no longer parked. An implementation may call the domain back. It must
 * not throw: those that were still to be told would not be.
 */
public interface Effects {
    /**
     * There was a bump. This is the first of a bump's effects: what can be seen without asking the domain (a mapped page)
     * must show the new generation when this returns, for then others are told.
     *
     * @param generation the new generation, unsigned
     */
    void bumped(int generation);

    /**
     * There was a bump of the domain above, and so of this one; {@link #bumped} of that one has returned. Otherwise as
     * {@link #bumped}.
     *
     * @param generation the new generation of this domain, unsigned
     */
    default void bumpedFromAbove(int generation) {
        bumped(generation);
    }

    /**
     * A watcher acked, or is tracked from now on, or is no longer: what an owner must note who wants to {@linkplain
     * Domain#resume resume} the watcher one day. It is told before anybody can see it, that is, before WAITs end because
     * of it. A bump, which changes all watchers, and a close are not told in this way.
     */
    default void changed(Watcher watcher) {}

    /**
     * A parked read is over: its watcher became outdated.
     *
     * @param request the number given to {@link Domain#read}
     * @param generation what the reader is to receive, the newest generation, unsigned
     */
    void readCompleted(long request, int generation);

    /**
     * A parked read is over without a generation.
     *
     * @param request the number given to {@link Domain#read}
     * @param errno a positive error number: {@link Errors#EINTR}
     */
    void readFailed(long request, int errno);

    /**
     * A parked WAIT is over.
     *
     * @param request the number given to {@link Domain#ioctl}
     * @param errnoOrZero 0 when no tracked watcher is outdated any more, else a positive error number:
     *     {@link Errors#EINTR}, or {@link Errors#ETIME} for a timeout in the younger family of ioctls
     */
    void waitCompleted(long request, int errnoOrZero);

    /**
     * The pollers of a watcher must look again: they had asked for it ({@link Domain#poll} with {@code notify}), and
     * there was a bump. Told once for each asking, however often it was asked; who wants the next one asks again.
     */
    void wake(Watcher watcher);
}
