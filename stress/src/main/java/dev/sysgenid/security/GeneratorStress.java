// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.L_Result;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/**
 * A generator whose seeds tell in which generation the kernel was asked, and whose bytes tell their seed, so that each
 * draw shows what it was made of.
 */
public final class GeneratorStress {
    private GeneratorStress() {}

    /** Generations that a test passes; remembers what the drawing thread saw last. */
    static final class Told implements Generations {
        private final AtomicLong current = new AtomicLong();
        /** Read and written by the one thread that draws. */
        private long lastSeen;

        @Override
        public long stamp() {
            lastSeen = current.get();
            return lastSeen;
        }

        @Override
        public boolean isGuarded() {
            return true;
        }
    }

    /** A seed: the generation in its first byte. A stream: the seed's first byte, again and again. */
    private static final class ToldDrbg implements Drbg {
        private byte generation = -1;

        @Override
        public void reseed(byte[] entropy) {
            generation = entropy[0];
        }

        @Override
        public void generate(byte[] out, int offset, int length) {
            java.util.Arrays.fill(out, offset, offset + length, generation);
        }

        @Override
        public void erase() {
            generation = -1;
        }

        @Override
        public Drbg copy() {
            ToldDrbg copy = new ToldDrbg();
            copy.generation = generation;
            return copy;
        }
    }

    private static Generator generator(Generations generations, AtomicLong current, int stripes) {
        Entropy entropy = new Entropy() {
            @Override
            public void read(byte[] out, int offset, int length) {
                java.util.Arrays.fill(out, offset, offset + length, (byte) current.get());
            }

            @Override
            public void close() {}
        };
        Drbgs drbgs = new Drbgs() {
            @Override
            public Drbg first() {
                return new ToldDrbg();
            }

            @Override
            public @Nullable Drbg better(Drbg present) {
                return null;
            }
        };
        return new Generator(generations, entropy, drbgs, stripes);
    }

    /** Probe, work, probe again: what is returned is wholly of the generation of the last probe. */
    @JCStressTest
    @Outcome(
            id = {"0000000000000000 at 0", "0101010101010101 at 1"},
            expect = Expect.ACCEPTABLE,
            desc = "of one generation")
    @Outcome(expect = Expect.FORBIDDEN, desc = "of another generation than that of the last probe, or of two")
    @State
    public static class ADrawIsOfOneGeneration {
        private final Told generations = new Told();
        private final Generator generator = generator(generations, generations.current, 2);

        /** Warm: it has a seed, and bytes in its buffer. */
        public ADrawIsOfOneGeneration() {
            long unused = generator.nextLong();
        }

        /** A restore. */
        @Actor
        public void bump() {
            generations.current.incrementAndGet();
        }

        /** Somebody who draws. */
        @Actor
        public void draw(L_Result result) {
            long drawn = generator.nextLong();
            result.r1 = String.format("%016x at %d", drawn, generations.lastSeen);
        }
    }

    /** A stripe is held by one thread at a time. */
    @JCStressTest
    @Outcome(
            id = {"true, false", "false, true"},
            expect = Expect.ACCEPTABLE,
            desc = "one has it")
    @Outcome(expect = Expect.FORBIDDEN, desc = "both have it, or nobody")
    @State
    public static class AStripeHasOneHolder {
        private final Stripe stripe = new Stripe(
                new Entropy() {
                    @Override
                    public void read(byte[] out, int offset, int length) {}

                    @Override
                    public void close() {}
                },
                new Drbgs() {
                    @Override
                    public Drbg first() {
                        return new ToldDrbg();
                    }

                    @Override
                    public @Nullable Drbg better(Drbg present) {
                        return null;
                    }
                });

        /** One. */
        @Actor
        public void one(ZZ_Result result) {
            result.r1 = stripe.tryTake();
        }

        /** Another. */
        @Actor
        public void another(ZZ_Result result) {
            result.r2 = stripe.tryTake();
        }
    }

    /** What one holder does the next one sees: no byte of a stripe is given to both. */
    @JCStressTest
    @Outcome(id = "2", expect = Expect.ACCEPTABLE, desc = "each counted, one after the other")
    @Outcome(expect = Expect.FORBIDDEN, desc = "one worked on what the other had before")
    @State
    public static class AStripeIsHandedOverWhole {
        private final AStripeHasOneHolder of = new AStripeHasOneHolder();
        private final AtomicInteger done = new AtomicInteger();
        private int plain;

        private void count() {
            while (!of.stripe.tryTake()) {
                Thread.onSpinWait();
            }
            plain++;
            of.stripe.release();
            done.incrementAndGet();
        }

        /** One. */
        @Actor
        public void one() {
            count();
        }

        /** Another. */
        @Actor
        public void another() {
            count();
        }

        /** Afterwards. */
        @org.openjdk.jcstress.annotations.Arbiter
        public void afterwards(org.openjdk.jcstress.infra.results.I_Result result) {
            result.r1 = plain;
        }
    }
}
