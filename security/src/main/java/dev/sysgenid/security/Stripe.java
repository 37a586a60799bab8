// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;

/**
 * Keeps what stands before a stripe in the heap off its cache lines. The int fills the gap behind an object's header, where
 * the virtual machine would put one of the words.
 */
@SuppressWarnings("unused") // that is its use
class StripePadding {
    int p;
    long p00, p01, p02, p03, p04, p05, p06, p07, p08, p09, p10, p11, p12, p13, p14, p15;
}

/** What a stripe consists of, between two paddings: those of a class stand behind those of the class that it extends. */
class StripeWords extends StripePadding {
    final Entropy entropy;
    final Drbgs drbgs;
    Drbg drbg;

    /** Of no length before the first seed: most stripes of most programs are never used. */
    byte[] buffer = Stripe.NONE;

    final byte[] seed = new byte[Drbg.SEED];

    /** 1 while a thread holds the stripe. The only word that threads share without holding it. */
    volatile int taken;

    /** The generation that the state was seeded in, or was about to be. */
    long stamp;

    /** False before the first seed, after an erasure, and after anything failed half way. */
    boolean seeded;

    /** The first byte of the buffer that was not handed out; what stands before it is 0. */
    int position;

    /** The end of the bytes in the buffer. */
    int limit;

    /** How often a buffer of this size has been filled. */
    int fills;

    /** Requests made since the last seed. */
    int requests;

    StripeWords(Entropy entropy, Drbgs drbgs) {
        this.entropy = entropy;
        this.drbgs = drbgs;
        this.drbg = drbgs.first();
    }
}

/**
 * One of the states of a {@link Generator}, with a buffer of output that was not handed out yet.
 *
 * <p>A draw takes a stripe with one compare-and-set, has it for itself, and gives it back. The buffer is 512 bytes at
 * first and grows with use; a byte is overwritten when it is handed out, and all of them when a generation has passed.
 *
 * <p><b>Threads:</b> every method but {@link #tryTake} is for the one that holds the stripe.
 */
final class Stripe extends StripeWords {
    /** The longest request that is served from the buffer; a longer one goes straight to the caller's array. */
    static final int SMALL = 256;

    /** What is made for the first request after a seed, unless that wants more. */
    private static final int FIRST = 64;

    /** Sizes that a buffer grows through. */
    static final int[] SIZES = {512, 4096, 16_384};

    static final byte[] NONE = {};

    /** Fills of one size before the next. */
    private static final int FILLS_BEFORE_GROWTH = 8;

    /** SP 800-90A allows 2^48 requests between seeds; new kernel bytes cost nothing at this interval. */
    private static final int REQUESTS_BEFORE_SEED = 1 << 20;

    private static final AtomicIntegerFieldUpdater<StripeWords> TAKEN =
            AtomicIntegerFieldUpdater.newUpdater(StripeWords.class, "taken");

    /** Multiplied with, every bit moves those above it. */
    private static final long ODD = 0x9e3779b97f4a7c15L;

    /** Words of the buffer. In a class of its own: a JVM that never asks for them need not set them up. */
    private static final class Words {
        static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());
    }

    long q00, q01, q02, q03, q04, q05, q06, q07, q08, q09, q10, q11, q12, q13, q14, q15;

    Stripe(Entropy entropy, Drbgs drbgs) {
        super(entropy, drbgs);
    }

    /** Takes the stripe, unless another thread has it. */
    boolean tryTake() {
        return taken == 0 && TAKEN.compareAndSet(this, 0, 1);
    }

    /** Gives the stripe back. */
    void release() {
        TAKEN.lazySet(this, 0);
    }

    /** Draws {@code length} bytes, made from a seed of generation {@code current}. */
    void draw(long current, byte[] out, int offset, int length) {
        if (stamp != current || !seeded) {
            seed(current);
        }
        if (length > SMALL) {
            drawDirectly(out, offset, length);
            return;
        }
        if (limit - position < length) {
            fill(length);
        }
        int from = position;
        position = from + length;
        System.arraycopy(buffer, from, out, offset, length);
        Arrays.fill(buffer, from, from + length, (byte) 0);
    }

    /** Draws eight bytes as a number. */
    long drawLong(long current) {
        if (stamp != current || !seeded) {
            seed(current);
        }
        if (limit - position < Long.BYTES) {
            fill(Long.BYTES);
        }
        int from = position;
        position = from + Long.BYTES;
        long drawn = (long) Words.LONG.get(buffer, from);
        Words.LONG.set(buffer, from, 0L);
        return drawn;
    }

    private void drawDirectly(byte[] out, int offset, int length) {
        improve();
        // By what is left: to count up would go beyond the largest int.
        for (int left = length; left > 0; left -= Drbg.MAX_REQUEST) {
            generate(out, offset + (length - left), Math.min(Drbg.MAX_REQUEST, left));
        }
    }

    /** Fills the buffer anew, for a request of {@code wanted} bytes; a rest that is too short for it is thrown away. */
    private void fill(int wanted) {
        int size = buffer.length;
        if (++fills > FILLS_BEFORE_GROWTH) {
            improve();
            if (size < SIZES[SIZES.length - 1]) {
                Arrays.fill(buffer, (byte) 0);
                size = size == SIZES[0] ? SIZES[1] : SIZES[2];
                buffer = new byte[size];
                fills = 0;
            }
        }
        // Little after a seed: where generations pass quickly, and in a program that draws once, more would be made in
        // vain.
        int length = requests == 0 ? Math.max(FIRST, wanted) : size;
        position = 0;
        limit = 0;
        generate(buffer, 0, length);
        limit = length;
    }

    private void generate(byte[] out, int offset, int length) {
        if (++requests >= REQUESTS_BEFORE_SEED) {
            mixKernelBytes();
        }
        drbg.generate(out, offset, length);
    }

    /**
     * Begins anew in generation {@code current}. The generation is noted before the seed is read: were it the other way
     * round, a restore in between would leave a seed of the old generation under the name of the new one.
     */
    private void seed(long current) {
        seeded = false;
        stamp = current;
        discard();
        if (buffer.length == 0) {
            buffer = new byte[SIZES[0]];
        }
        mixMoments();
        mixKernelBytes();
        seeded = true;
    }

    /**
     * Mixes in when this runs, by 24 readings of the clock, which take less than a microsecond. The hypervisor's page tells of a
     * clone before the kernel has heard of it: until then, some tens of milliseconds, the kernel gives all clones the same
     * bytes. No two of them run at the same pace, so these differ; that nobody can guess them is not claimed, and the
     * daemon's bump makes an end of it.
     */
    private void mixMoments() {
        long moments = 0;
        for (int at = 0; at < Drbg.SEED; at += 2) {
            moments = Long.rotateLeft((moments ^ System.nanoTime()) * ODD, Integer.SIZE - 1);
            seed[at] = (byte) moments;
            seed[at + 1] = (byte) (moments >>> Byte.SIZE);
        }
        drbg.reseed(seed);
        Arrays.fill(seed, (byte) 0);
    }

    private void mixKernelBytes() {
        entropy.read(seed, 0, Drbg.SEED);
        drbg.reseed(seed);
        Arrays.fill(seed, (byte) 0);
        requests = 0;
    }

    private void improve() {
        Drbg better = drbgs.better(drbg);
        if (better != null) {
            // The old one seeds the new one, beside the kernel: nothing that was gathered is lost.
            drbg.generate(seed, 0, Drbg.SEED);
            better.reseed(seed);
            drbg.erase();
            drbg = better;
            mixKernelBytes();
        }
    }

    private void discard() {
        Arrays.fill(buffer, position, limit, (byte) 0);
        position = 0;
        limit = 0;
    }

    /** Mixes bytes of the caller's into the state, beside what is in it, and throws away what was made before. */
    void mix(long current, byte[] bytes) {
        if (stamp != current || !seeded) {
            seed(current);
        }
        discard();
        for (int left = bytes.length; left > 0; left -= Drbg.SEED) {
            Arrays.fill(seed, (byte) 0);
            System.arraycopy(bytes, bytes.length - left, seed, 0, Math.min(Drbg.SEED, left));
            drbg.reseed(seed);
        }
        Arrays.fill(seed, (byte) 0);
    }

    /** Makes the next draw begin from new kernel bytes. */
    void expire() {
        seeded = false;
    }

    /** Overwrites everything that earlier or later output could be told from. */
    void erase() {
        seeded = false;
        Arrays.fill(buffer, (byte) 0);
        Arrays.fill(seed, (byte) 0);
        position = 0;
        limit = 0;
        drbg.erase();
    }

    /** After an exception: the state may be half way between two, so it is given up. */
    void giveUp() {
        seeded = false;
        discard();
        drbg = drbgs.first();
    }

    /** Whether it has been used since it was made or erased. For tests. */
    boolean isSeeded() {
        return seeded;
    }

    /** Whether every secret byte is 0. For tests. */
    boolean isErased() {
        return !seeded && position == limit && Arrays.equals(buffer, new byte[buffer.length]);
    }

    /** The size that the buffer has grown to. For tests. */
    int bufferSize() {
        return buffer.length;
    }

    /** The buffer itself. For tests. */
    byte[] buffer() {
        return buffer;
    }

    /** The generator. For tests. */
    Drbg drbg() {
        return drbg;
    }

    /** What this stripe would hand out next if nothing seeded it: the buffer's rest, then the generator's output. */
    byte[] foretell(int length) {
        byte[] future = new byte[Math.max(length, limit - position)];
        int rest = limit - position;
        System.arraycopy(buffer, position, future, 0, rest);
        Drbg copy = drbg.copy();
        if (rest < length) {
            copy.generate(future, rest, length - rest);
        }
        return future;
    }
}
