// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A value that is made once in each generation, at its first use: a secret, a key, an identity.
 *
 * <p>What {@link #get} returns was made wholly inside the generation of its last look. While the generation does not
 * change all callers get the same object; at a change exactly one of them makes the new one, and the others wait. While
 * the generation is {@linkplain SysGenId#isKnown unknown} every call makes a new one and nothing is kept.
 *
 * <p>A call when nothing has changed is one {@link SysGenId#stamp} and a field read. Where {@link SysGenId#isGuarded}
 * is false nothing tells of a restore, and the value is as good as a constant.
 *
 * @param <T> the type of the value
 */
public final class PerGeneration<T> {
    /** More rounds than any storm of bumps that ends takes; a maker that is slower than the bumps never succeeds. */
    private static final int MAX_ROUNDS = 100;

    private final SysGenId id;
    private final Supplier<? extends T> maker;
    private final ReentrantLock lock = new ReentrantLock();

    /** The newest value; null before the first, and from the discovery of a change until there is a new one. */
    private volatile @Nullable Entry<T> entry;

    /** Immutable: whoever sees it sees a value together with the generation that it was made in. */
    private static final class Entry<T> {
        final T value;
        final long stamp;

        Entry(T value, long stamp) {
            this.value = value;
            this.stamp = stamp;
        }
    }

    PerGeneration(SysGenId id, Supplier<? extends T> maker) {
        this.id = id;
        this.maker = Objects.requireNonNull(maker, "maker");
    }

    /**
     * The value of this generation.
     *
     * <p>What the maker throws comes out of here, and no older value instead; the next call tries again. A maker must
     * not ask for the value that it makes.
     *
     * @return never null
     * @throws GenerationException when the generation changed during each of 100 runs of the maker
     */
    public T get() {
        // The entry first, then the look: so the look is later than the making, and an equal stamp proves that the
        // generation did not change in between.
        Entry<T> present = entry;
        if (present != null && present.stamp == id.stamp()) {
            return present.value;
        }
        return renew();
    }

    private T renew() {
        if (lock.isHeldByCurrentThread()) {
            throw new IllegalStateException("The maker of a value asks for that value");
        }
        lock.lock();
        try {
            for (int round = 0; round < MAX_ROUNDS; round++) {
                long before = id.stamp();
                Entry<T> present = entry;
                if (present != null && present.stamp == before) {
                    return present.value; // another thread has made it while this one waited
                }
                entry = null;
                T value = Objects.requireNonNull(maker.get(), "The maker of a value returned null");
                long after = id.stamp();
                if (after == before) {
                    entry = new Entry<>(value, before);
                    return value;
                }
                if (!SysGenId.isKnown(before) && !SysGenId.isKnown(after)) {
                    return value; // used once: there is no generation that it could be kept for
                }
                // Made in part before the change. Nobody gets it.
            }
        } finally {
            lock.unlock();
        }
        throw new GenerationException("The generation changed during each of " + MAX_ROUNDS + " runs of the maker");
    }

    /** Says whether there is a value; never shows it, for it may be secret. */
    @Override
    public String toString() {
        Entry<T> present = entry;
        return "PerGeneration[" + (present != null && present.stamp == id.stamp() ? "made" : "to be made") + "]";
    }
}
