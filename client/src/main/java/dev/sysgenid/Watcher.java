// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

/**
 * The generation inside an event loop: the loop is woken at a change, looks at its next turn, renews what it holds in its
 * own thread, and acknowledges.
 *
 * <pre>{@code
 * try (Selector selector = Selector.open();
 *         Watcher watcher = id.watcher(selector::wakeup)) {
 *     while (running) {
 *         selector.select();
 *         while (watcher.isOutdated()) {
 *             int generation = watcher.next();
 *             renew();
 *             if (!watcher.acknowledge(generation)) {
 *                 break; // unknown, or changed again: serve under fresh state, look again at the next turn
 *             }
 *         }
 *         serve(selector.selectedKeys());
 *     }
 * }
 * }</pre>
 *
 * <p>Until it has acknowledged, whoever waits for all watchers waits for this one. For one thread at a time, save for
 * {@link #close}.
 */
public final class Watcher implements AutoCloseable {
    private final SysGenId id;
    private final TrackedLink link;
    private final Runnable wake;

    /** What {@link #next} has seen. */
    private long seen;

    /** What has been acknowledged, or was there at the beginning. */
    private long acknowledged;

    Watcher(SysGenId id, TrackedLink link, Runnable wake) {
        this.id = id;
        this.link = link;
        this.wake = wake;
        this.seen = id.stamp();
        this.acknowledged = seen;
    }

    /**
     * Whether something changed since the last acknowledgement. One {@link SysGenId#stamp}. While the generation is
     * {@linkplain SysGenId#isKnown unknown} it is always true.
     *
     * @return whether to renew, from {@link #next} on
     */
    public boolean isOutdated() {
        return id.stamp() != acknowledged;
    }

    /** {@return the generation that is to be dealt with now, unsigned} Look at it before renewing anything. */
    public int next() {
        // The stamp first: a change between the two is then found by acknowledge.
        seen = id.stamp();
        return id.generation();
    }

    /**
     * Says that everything has been renewed for a generation.
     *
     * @param generation what {@link #next} returned
     * @return whether that is still the current one; otherwise renew again, from {@code next} on
     */
    public boolean acknowledge(int generation) {
        long renewed = seen;
        // A change that next() has not looked at must not be acknowledged, and not every one has a number of its own.
        if (id.stamp() != renewed || !link.acknowledge(generation, id)) {
            return false;
        }
        acknowledged = renewed;
        return id.stamp() == renewed;
    }

    /** Nobody waits for it any more, and the loop is not woken by it any more. Closing again does nothing. */
    @Override
    public void close() {
        id.remove(this);
        link.close();
    }

    void wake() {
        wake.run();
    }

    TrackedLink link() {
        return link;
    }
}
