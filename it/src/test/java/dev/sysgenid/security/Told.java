// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Parts for a generator whose bytes tell where they come from: a "seed" is the generation in which the kernel was asked
 * and a number, and what is made of it repeats both with a running count, in units of {@value #UNIT} bytes.
 */
final class Told {
    /** The bytes of a unit: the generation, then the seed's number and the count. */
    static final int UNIT = 16;

    /** Stands for the generation in bytes that are the kernel's own. */
    static final long FROM_KERNEL = -1;

    /** Bits of the count. */
    static final int COUNT_BITS = 24;

    private Told() {}

    static long generation(byte[] bytes, int at) {
        return word(bytes, at);
    }

    /** The seed's number and the count: no two units that were ever made have the same. */
    static long number(byte[] bytes, int at) {
        return word(bytes, at + Long.BYTES);
    }

    private static void put(byte[] out, int at, long value) {
        for (int i = 0; i < Long.BYTES; i++) {
            out[at + i] = (byte) (value >>> (Byte.SIZE * i));
        }
    }

    private static long word(byte[] bytes, int at) {
        long value = 0;
        for (int i = 0; i < Long.BYTES; i++) {
            value |= (bytes[at + i] & 0xFFL) << (Byte.SIZE * i);
        }
        return value;
    }

    /** A kernel whose seeds say in which generation they were asked for. */
    static final class Kernel implements Entropy {
        private final AtomicLong number = new AtomicLong();
        private final LongSupplier generation;

        Kernel(LongSupplier generation) {
            this.generation = generation;
        }

        @Override
        public void read(byte[] out, int offset, int length) {
            if (length == Drbg.SEED) {
                put(out, offset, generation.getAsLong());
                put(out, offset + Long.BYTES, number.incrementAndGet());
                return;
            }
            for (int i = 0; i < length; i += UNIT) {
                put(out, offset + i, FROM_KERNEL);
                put(out, offset + i + Long.BYTES, number.incrementAndGet() << COUNT_BITS);
            }
        }

        @Override
        public void close() {}
    }

    /** A generator whose output says what it was seeded with. */
    private static final class Output implements Drbg {
        private long generation;
        private long number;
        private long count;

        @Override
        public void reseed(byte[] entropy) {
            generation = word(entropy, 0);
            number = word(entropy, Long.BYTES);
            count = 0;
        }

        @Override
        public void generate(byte[] out, int offset, int length) {
            for (int i = 0; i < length; i += UNIT) {
                put(out, offset + i, generation);
                put(out, offset + i + Long.BYTES, (number << COUNT_BITS) + count++);
            }
        }

        @Override
        public void erase() {
            generation = FROM_KERNEL;
        }

        @Override
        public Drbg copy() {
            throw new UnsupportedOperationException();
        }
    }

    /** Works with such generators only. */
    static final class Outputs implements Drbgs {
        @Override
        public Drbg first() {
            return new Output();
        }

        @Override
        public @Nullable Drbg better(Drbg current) {
            return null;
        }
    }
}
