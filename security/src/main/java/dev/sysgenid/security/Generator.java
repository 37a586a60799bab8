// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Random bytes that cannot repeat in a clone: everything behind this package's public classes.
 *
 * <p><b>A draw</b>, in this order: probe the generation; take a stripe; if it was seeded in another generation, note the
 * new one and seed it from the kernel; take bytes, advance, overwrite them; give the stripe back; <b>probe again</b>. If
 * the generation has changed meanwhile, what was drawn may exist in another clone too: it is not returned but drawn
 * anew. After three rounds the kernel answers. Nothing here ends the process, and nothing waits: a stripe that is taken
 * means the next one, and if all are taken (threads stopped while they held them) the kernel answers.
 *
 * <p><b>Stripes</b> are many times the processors, and chosen by the thread's number. They belong to
 * no thread, so short-lived virtual threads find warm ones, and all of them can be found to be erased.
 *
 * <p><b>Threads:</b> any number.
 */
final class Generator {
    /** Draws before the kernel is asked. */
    static final int ROUNDS = 3;

    /** How long one waits for a stripe that is held: a draw of the longest array takes seconds. */
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(20);

    private final Generations generations;
    private final Entropy entropy;
    private final Stripe[] stripes;

    /**
     * A generator of its own.
     *
     * @param stripes a power of two
     */
    Generator(Generations generations, Entropy entropy, Drbgs drbgs, int stripes) {
        if (Integer.bitCount(stripes) != 1) {
            throw new IllegalArgumentException("not a power of two: " + stripes);
        }
        this.generations = generations;
        this.entropy = entropy;
        // All at once, and in a plain array: to make each at its first use, atomically, costs the first bytes of a JVM
        // more than to make them all. They hold little until they are used.
        this.stripes = new Stripe[stripes];
        for (int i = 0; i < stripes; i++) {
            this.stripes[i] = new Stripe(entropy, drbgs);
        }
    }

    /** The stripes that suit this machine: at least four for each processor, a power of two. */
    static int stripesHere() {
        int least = Math.max(16, 4 * Runtime.getRuntime().availableProcessors());
        return Integer.highestOneBit(least - 1) << 1;
    }

    /** Fills {@code out}. */
    void nextBytes(byte[] out) {
        nextBytes(out, 0, out.length);
    }

    /** Fills {@code length} bytes of {@code out} from {@code offset} on. */
    void nextBytes(byte[] out, int offset, int length) {
        if (length == 0) {
            return;
        }
        if (isTrusted()) {
            drawBytes(out, offset, length);
        } else if (generations.unguarded() == Unguarded.STRICT) {
            entropy.read(out, offset, length);
        } else {
            drawMixed(out, offset, length);
        }
    }

    /** 64 random bits. */
    long nextLong() {
        if (!isTrusted()) {
            return slowLong();
        }
        for (int round = 0; round < ROUNDS; round++) {
            long stamp = generations.stamp();
            Stripe stripe = take();
            if (stripe == null) {
                break;
            }
            long drawn;
            try {
                drawn = stripe.drawLong(stamp);
            } catch (Throwable e) {
                stripe.giveUp();
                throw e;
            } finally {
                stripe.release();
            }
            if (generations.stamp() == stamp) {
                return drawn;
            }
        }
        return kernelLong();
    }

    /** A random UUID (version 4): as two calls of {@link #nextLong}, in one. */
    UUID nextUuid() {
        if (!isTrusted()) {
            return uuid(slowLong(), slowLong());
        }
        for (int round = 0; round < ROUNDS; round++) {
            long stamp = generations.stamp();
            Stripe stripe = take();
            if (stripe == null) {
                break;
            }
            long high;
            long low;
            try {
                high = stripe.drawLong(stamp);
                low = stripe.drawLong(stamp);
            } catch (Throwable e) {
                stripe.giveUp();
                throw e;
            } finally {
                stripe.release();
            }
            if (generations.stamp() == stamp) {
                return uuid(high, low);
            }
        }
        return uuid(kernelLong(), kernelLong());
    }

    private static UUID uuid(long high, long low) {
        return new UUID((high & ~0xF000L) | 0x4000L, (low & 0x3FFF_FFFF_FFFF_FFFFL) | 0x8000_0000_0000_0000L);
    }

    /** Kernel bytes: the seed for a generator of the caller's. */
    byte[] generateSeed(int count) {
        byte[] seed = new byte[count];
        fromKernel(seed, 0, count);
        return seed;
    }

    /** As {@link #nextBytes}, but the bytes depend on kernel bytes read during this call ("prediction resistance"). */
    void nextFreshBytes(byte[] out) {
        if (out.length != 0) {
            drawMixed(out, 0, out.length);
        }
    }

    /** Mixes what the caller knows into a stripe; never instead of what is in it. */
    void mix(byte[] bytes) {
        long stamp = generations.stamp();
        Stripe stripe = take();
        if (stripe == null) {
            return; // the kernel is answering, and it has its own ways to be given entropy
        }
        try {
            stripe.mix(stamp, bytes);
        } catch (Throwable e) {
            stripe.giveUp();
            throw e;
        } finally {
            stripe.release();
        }
    }

    /** Makes every later draw begin from new kernel bytes. */
    void reseed() {
        forEachStripe(Stripe::expire, PATIENCE_NANOS);
    }

    /**
     * Overwrites every state and every buffered byte, and closes what is open: a checkpoint taken now holds no secret of
     * ours. Draws go on. One that comes between this and the checkpoint is seeded anew, and that seed is in the image; it is
     * as harmless as any other state in a snapshot, because the restore is noticed. So is what a draw still holds that does
     * not end.
     */
    void erase() {
        erase(PATIENCE_NANOS);
    }

    void erase(long patienceNanos) {
        forEachStripe(Stripe::erase, patienceNanos);
        entropy.close();
    }

    private interface Action {
        void on(Stripe stripe);
    }

    /**
     * Waits for draws that hold a stripe, but not for ever: a thread may have been stopped in the middle, or ended without
     * the stack to give it back. Then a new stripe takes the place of that one, which nobody finds any more.
     */
    private void forEachStripe(Action action, long patienceNanos) {
        long start = System.nanoTime();
        for (int i = 0; i < stripes.length; i++) {
            Stripe stripe = stripes[i];
            boolean taken = stripe.tryTake();
            while (!taken && System.nanoTime() - start < patienceNanos) {
                LockSupport.parkNanos(1_000); // most draws are short
                taken = stripe.tryTake();
            }
            if (!taken) {
                Stripe fresh = new Stripe(entropy, stripe.drbgs);
                VarHandle.releaseFence(); // whoever finds it finds it whole
                stripes[i] = fresh;
                continue;
            }
            try {
                action.on(stripe);
            } finally {
                stripe.release();
            }
        }
    }

    /** Whether stripes may be relied on as they are: a restore would be told, or the user said that there is none. */
    private boolean isTrusted() {
        return generations.isGuarded() || (generations.unguarded() == Unguarded.TRUST && TrustWarning.isGiven());
    }

    private void drawBytes(byte[] out, int offset, int length) {
        for (int round = 0; round < ROUNDS; round++) {
            long stamp = generations.stamp();
            Stripe stripe = take();
            if (stripe == null) {
                break;
            }
            try {
                stripe.draw(stamp, out, offset, length);
            } catch (Throwable e) {
                stripe.giveUp();
                throw e;
            } finally {
                stripe.release();
            }
            if (generations.stamp() == stamp) {
                return;
            }
        }
        fromKernel(out, offset, length);
    }

    /**
     * A draw that no copy of our state can foretell. Short ones: a ChaCha20 key that is kernel bytes XOR our own. Long
     * ones: a stripe that is seeded from the kernel in this call.
     */
    private void drawMixed(byte[] out, int offset, int length) {
        if (length > Stripe.SMALL) {
            drawFromNewSeed(out, offset, length);
            return;
        }
        byte[] ours = new byte[ChaCha20.KEY];
        byte[] kernels = new byte[ChaCha20.KEY];
        int[] input = ChaCha20.input();
        for (int round = 0; round < ROUNDS; round++) {
            long stamp = generations.stamp();
            drawBytes(ours, 0, ChaCha20.KEY);
            entropy.read(kernels, 0, ChaCha20.KEY);
            for (int i = 0; i < ChaCha20.KEY / Integer.BYTES; i++) {
                int at = i * Integer.BYTES;
                input[ChaCha20.KEY_WORD + i] = ChaCha20.word(ours, at) ^ ChaCha20.word(kernels, at);
            }
            input[ChaCha20.COUNTER_WORD] = 0;
            ChaCha20.stream(input, out, offset, length);
            Arrays.fill(input, ChaCha20.KEY_WORD, ChaCha20.COUNTER_WORD, 0);
            Arrays.fill(ours, (byte) 0);
            Arrays.fill(kernels, (byte) 0);
            if (generations.stamp() == stamp) {
                return;
            }
        }
        fromKernel(out, offset, length);
    }

    private void drawFromNewSeed(byte[] out, int offset, int length) {
        for (int round = 0; round < ROUNDS; round++) {
            long stamp = generations.stamp();
            Stripe stripe = take();
            if (stripe == null) {
                break;
            }
            try {
                stripe.expire();
                stripe.draw(stamp, out, offset, length);
            } catch (Throwable e) {
                stripe.giveUp();
                throw e;
            } finally {
                stripe.release();
            }
            if (generations.stamp() == stamp) {
                return;
            }
        }
        fromKernel(out, offset, length);
    }

    /**
     * Kernel bytes, probed like any others. If generations pass faster than even this can be done, the last bytes read are
     * returned: they are the kernel's, which knows of restores itself, and there is no better source to turn to.
     */
    private void fromKernel(byte[] out, int offset, int length) {
        for (int round = 0; round < ROUNDS; round++) {
            long stamp = generations.stamp();
            entropy.read(out, offset, length);
            if (generations.stamp() == stamp) {
                return;
            }
        }
    }

    private long slowLong() {
        byte[] bytes = new byte[Long.BYTES];
        nextBytes(bytes);
        return toLong(bytes);
    }

    private long kernelLong() {
        byte[] bytes = new byte[Long.BYTES];
        fromKernel(bytes, 0, Long.BYTES);
        return toLong(bytes);
    }

    private static long toLong(byte[] bytes) {
        return (ChaCha20.word(bytes, 0) & 0xFFFF_FFFFL) | ((long) ChaCha20.word(bytes, 4) << 32);
    }

    /** A stripe that is this thread's until it is released; null when others have them all. */
    private @Nullable Stripe take() {
        int mask = stripes.length - 1;
        int first = (int) Thread.currentThread().getId();
        for (int i = 0; i <= mask; i++) {
            Stripe stripe = stripes[(first + i) & mask];
            if (stripe.tryTake()) {
                return stripe;
            }
        }
        return null;
    }

    /** All of them. For tests. */
    Stripe[] stripes() {
        return stripes;
    }
}
