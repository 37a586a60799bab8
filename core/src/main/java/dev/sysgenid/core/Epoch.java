// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.core;

/**
 * The time between two bumps of a domain. A watcher refers to the epoch in which it last acked; so it is outdated
 * exactly when that epoch is over, and a bump outdates every watcher by ending one epoch, without visiting any.
 *
 * <p>Epochs do not refer to each other: one that no watcher refers to any more is garbage.
 */
final class Epoch {
    /** The generation during this epoch, unsigned. */
    final int generation;

    /** Whether the bump that ends this epoch has happened. */
    boolean over;

    /** When that was, in the owner's nanoseconds; meaningless before. */
    long overSince;

    Epoch(int generation) {
        this.generation = generation;
    }

    void end(long nowNanos) {
        over = true;
        overSince = nowNanos;
    }
}
