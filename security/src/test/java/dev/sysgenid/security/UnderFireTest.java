// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Eight platform threads, and where there are virtual threads 10,000 of those, draw while generations pass every 100
 * microseconds.
 *
 * <p>In the first test the generator works with bytes that tell where they come from: a "seed" is the generation in which
 * the kernel was asked and a number, and the "stream" of a seed repeats both with a running count. So each block that is
 * returned shows whether it was made wholly in the generation that the call's last probe found, and no two may be alike.
 *
 * <p>How long: a number of generations, {@code -Dsysgenid.fire.generations=N} (default 5,000; a minute is about 400,000).
 */
class UnderFireTest {
    private static final int GENERATIONS = Integer.getInteger("sysgenid.fire.generations", 5_000);
    private static final int PLATFORM_THREADS = 8;
    private static final int VIRTUAL_THREADS = 10_000;

    /** The bytes of a unit of the told stream: the generation, then the seed's number and the count. */
    private static final int UNIT = 16;

    private static final long FROM_KERNEL = -1;

    private final TestGenerations generations = new TestGenerations();

    @Test
    void everyBlockIsOfTheGenerationOfTheLastProbeAndNoneIsReturnedTwice() throws Exception {
        Generator generator = new Generator(generations, new ToldEntropy(), new ToldDrbgs(), 8);
        AtomicLong draws = new AtomicLong();
        AtomicLong ofTheKernel = new AtomicLong();
        Set<Long> units = ConcurrentHashMap.newKeySet();
        // Numbers are kept for a sample only, every one of some seeds: pairs within a seed are what could be alike.
        run(random -> {
            int length = UNIT * (1 + (int) (random % 20)); // up to 336 bytes: from the buffer, and past it
            if (length == Drbg.SEED) {
                length = 21 * UNIT; // of a draw of this length, the kernel's own answer would look like a seed
            }
            byte[] out = new byte[length];
            generator.nextBytes(out);
            long last = generations.lastSeenHere();
            draws.incrementAndGet();
            for (int i = 0; i < length; i += UNIT) {
                long generation = word(out, i);
                long number = word(out, i + 8);
                if (generation == FROM_KERNEL) {
                    ofTheKernel.incrementAndGet();
                } else if (generation != last) {
                    throw new AssertionError("made in generation " + generation + ", last probe " + last);
                }
                if ((number >>> 24) % 64 == 0 && !units.add(number)) {
                    throw new AssertionError("returned twice: " + Long.toHexString(number));
                }
            }
        });
        assertThat(units).hasSizeGreaterThan(100);
        assertThat(draws.get()).isGreaterThan(VIRTUAL_THREADS);
        System.out.println("under fire: " + draws + " draws, " + generations.current + " generations, " + ofTheKernel
                + " units from the kernel");
    }

    @Test
    void theRealGeneratorNeitherFailsNorRepeats() throws Exception {
        AesWhenWarm drbgs = new AesWhenWarm();
        Generator generator = new Generator(generations, new Kernel(), drbgs, 8);
        TimeOrdered timeOrdered = new TimeOrdered(generator, System::currentTimeMillis);
        Set<Long> drawn = ConcurrentHashMap.newKeySet();
        run(random -> {
            byte[] out = new byte[1 + (int) (random % 600)];
            generator.nextBytes(out);
            long one = generator.nextLong();
            long two = generator.nextUuid().getMostSignificantBits();
            long three = timeOrdered.next().getLeastSignificantBits();
            if (random % 16 == 0 && !(drawn.add(one) && drawn.add(two) && drawn.add(three))) {
                throw new AssertionError("drawn twice");
            }
        });
        assertThat(drawn).hasSizeGreaterThan(1_000);
    }

    @Test
    void erasuresAndReseedsDisturbNobody() throws Exception {
        Generator generator = new Generator(generations, new Kernel(), new AesWhenWarm(), 4);
        Set<Long> drawn = ConcurrentHashMap.newKeySet();
        run(random -> {
            if (random % 1_000 == 0) {
                generator.erase();
            } else if (random % 1_000 == 1) {
                generator.reseed();
            } else if (random % 1_000 == 2) {
                generator.mix(new byte[64]);
            }
            long one = generator.nextLong();
            if (random % 16 == 0 && !drawn.add(one)) {
                throw new AssertionError("drawn twice");
            }
        });
        assertThat(drawn).hasSizeGreaterThan(1_000);
    }

    private interface Draw {
        void run(long random);
    }

    /** Lets everybody draw until enough generations have passed; the first failure of any of them is the test's. */
    private void run(Draw draw) throws Exception {
        AtomicBoolean over = new AtomicBoolean();
        ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();
        CountDownLatch virtualThreadsDone = new CountDownLatch(VIRTUAL_THREADS);
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < PLATFORM_THREADS; i++) {
            long first = i + 1L;
            Thread thread = new Thread(() -> {
                long random = first * 0x9E3779B97F4A7C15L;
                try {
                    while (!over.get() && failures.isEmpty()) {
                        random = next(random);
                        draw.run(random & Long.MAX_VALUE);
                    }
                } catch (Throwable e) {
                    failures.add(e);
                }
            });
            thread.start();
            threads.add(thread);
        }
        ExecutorService virtual = virtualThreads();
        for (int i = 0; i < VIRTUAL_THREADS && virtual != null; i++) {
            long first = 1_000L + i;
            var unused = virtual.submit(() -> {
                try {
                    long random = first * 0x9E3779B97F4A7C15L;
                    for (int n = 0; n < 5; n++) {
                        random = next(random);
                        draw.run(random & Long.MAX_VALUE);
                        LockSupport.parkNanos(100_000); // old ones and new ones at the same time
                    }
                } catch (Throwable e) {
                    failures.add(e);
                } finally {
                    virtualThreadsDone.countDown();
                }
            });
        }
        for (int i = 0; i < GENERATIONS && failures.isEmpty(); i++) {
            LockSupport.parkNanos(100_000);
            generations.bump();
        }
        if (virtual != null) {
            virtualThreadsDone.await();
            virtual.shutdown();
        }
        over.set(true);
        for (Thread thread : threads) {
            thread.join();
        }
        if (!failures.isEmpty()) {
            throw new AssertionError("under fire", failures.peek());
        }
    }

    /** An executor of virtual threads; null on a JDK that has none, and then the platform threads are all. */
    private static @Nullable ExecutorService virtualThreads() throws ReflectiveOperationException {
        if (Runtime.version().feature() < 21) {
            return null;
        }
        return (ExecutorService) java.util.concurrent.Executors.class
                .getMethod("newVirtualThreadPerTaskExecutor")
                .invoke(null);
    }

    private static long next(long x) {
        long y = x ^ (x << 13);
        y ^= y >>> 7;
        return y ^ (y << 17);
    }

    /** A kernel whose seeds say in which generation they were asked for. */
    private final class ToldEntropy implements Entropy {
        private final AtomicLong number = new AtomicLong();

        @Override
        public void read(byte[] out, int offset, int length) {
            if (length == Drbg.SEED) {
                put(out, offset, generations.current.get());
                put(out, offset + 8, number.incrementAndGet());
                return;
            }
            for (int i = 0; i < length; i += UNIT) {
                put(out, offset + i, FROM_KERNEL);
                put(out, offset + i + 8, number.incrementAndGet() << 24);
            }
        }

        @Override
        public void close() {}
    }

    /** A generator whose output says what it was seeded with. */
    private static final class ToldDrbg implements Drbg {
        private long generation;
        private long number;
        private long count;

        @Override
        public void reseed(byte[] entropy) {
            generation = word(entropy, 0);
            number = word(entropy, 8);
            count = 0;
        }

        @Override
        public void generate(byte[] out, int offset, int length) {
            for (int i = 0; i < length; i += UNIT) {
                put(out, offset + i, generation);
                put(out, offset + i + 8, (number << 24) + count++);
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

    private static final class ToldDrbgs implements Drbgs {
        @Override
        public Drbg first() {
            return new ToldDrbg();
        }

        @Override
        public @Nullable Drbg better(Drbg current) {
            return null;
        }
    }

    private static void put(byte[] out, int at, long value) {
        for (int i = 0; i < 8; i++) {
            out[at + i] = (byte) (value >>> (8 * i));
        }
    }

    private static long word(byte[] bytes, int at) {
        return (ChaCha20.word(bytes, at) & 0xFFFF_FFFFL) | ((long) ChaCha20.word(bytes, at + 4) << 32);
    }
}
