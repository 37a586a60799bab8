// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import dev.sysgenid.SysGenId;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Draws on eight platform threads and, where there are virtual threads, on 10,000 of those at any time, while somebody
 * else bumps the device, until standard input ends.
 *
 * <p>Every other draw is from a generator that tells where its bytes come from ({@link Told}), over the generations of
 * the device: each block must be wholly of the generation that the call's last probe found, and no unit may be returned
 * twice. The others are the library's own, in every way that it has; a sample of them is compared.
 */
final class FireProgram {
    private static final int PLATFORM_THREADS = 8;
    private static final int VIRTUAL_THREADS = 10_000;
    /** Draws of a virtual thread; then it starts its successor and ends. */
    private static final int DRAWS_OF_A_LIFE = 20;

    private static final long LONGEST_PAUSE_NANOS = 200_000_000;
    /** One of so many seeds, or numbers, is remembered. */
    private static final int SAMPLE = 64;

    private final DeviceGenerations generations = new DeviceGenerations();
    private final Generator told = new Generator(
            generations, new Told.Kernel(generations.id::stamp), new Told.Outputs(), Generator.stripesHere());
    private final SecureRandom secure = SysGenIdProvider.secureRandom();
    private final Set<Long> seen = ConcurrentHashMap.newKeySet();
    private final LongAdder draws = new LongAdder();
    private final LongAdder unitsOfTheKernel = new LongAdder();
    private final LongAdder renewals = new LongAdder();
    private final LongAdder virtualThreads = new LongAdder();
    private final AtomicLong seeds = new AtomicLong();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private final CountDownLatch running =
            new CountDownLatch(PLATFORM_THREADS + (Crew.hasVirtualThreads() ? VIRTUAL_THREADS : 0));
    private volatile boolean over;

    /** The device's, with what each thread last found. */
    private static final class DeviceGenerations implements Generations {
        private static final ThreadLocal<long[]> LAST = ThreadLocal.withInitial(() -> new long[1]);
        final SysGenId id = SysGenId.open();

        @Override
        public long stamp() {
            long stamp = id.stamp();
            LAST.get()[0] = stamp;
            return stamp;
        }

        @Override
        public boolean isGuarded() {
            return id.isGuarded();
        }

        long lastSeenHere() {
            return LAST.get()[0];
        }
    }

    /** Prints "drawing", and at the end what was done; fails with the first failure of any thread. */
    public static void main(String[] arguments) throws Exception {
        FireProgram program = new FireProgram();
        if (!program.generations.id.isKnown()) {
            throw new AssertionError("not served: " + program.generations.id);
        }
        program.start();
        System.out.println("drawing");
        while (System.in.read() >= 0) {
            // What is said does not matter; the end does.
        }
        program.over = true;
        program.running.await();
        Throwable failed = program.failure.get();
        if (failed != null) {
            throw new AssertionError("under fire", failed);
        }
        System.out.println("generations seen: "
                + Integer.toUnsignedString(program.generations.id.generation()) + ", draws: " + program.draws
                + ", in another generation than the thread's one before: " + program.renewals
                + ", units of the kernel: "
                + program.unitsOfTheKernel + ", virtual threads: " + program.virtualThreads + ", compared: "
                + program.seen.size());
    }

    private void start() throws ReflectiveOperationException {
        for (int i = 0; i < PLATFORM_THREADS; i++) {
            Thread thread = new Thread(this::live, "drawing-" + i);
            thread.setDaemon(true);
            thread.start();
        }
        if (Crew.hasVirtualThreads()) {
            ThreadFactory virtual = Crew.virtualThreads();
            List<Thread> first = new ArrayList<>();
            for (int i = 0; i < VIRTUAL_THREADS; i++) {
                first.add(virtual.newThread(() -> liveShortly(virtual)));
            }
            first.forEach(Thread::start);
        }
    }

    /** Draws without a pause. */
    private void live() {
        try {
            long random = seeds.incrementAndGet() * 0x9E3779B97F4A7C15L;
            while (!over && failure.get() == null) {
                random = next(random);
                draw(random & Long.MAX_VALUE);
            }
        } catch (Throwable e) {
            failure.compareAndSet(null, e);
        } finally {
            running.countDown();
        }
    }

    private void liveShortly(ThreadFactory virtual) {
        boolean succeeded = false;
        try {
            virtualThreads.increment();
            long random = seeds.incrementAndGet() * 0x9E3779B97F4A7C15L;
            for (int i = 0; i < DRAWS_OF_A_LIFE && !over && failure.get() == null; i++) {
                random = next(random);
                draw(random & Long.MAX_VALUE);
                LockSupport.parkNanos((random >>> 1) % LONGEST_PAUSE_NANOS);
            }
            if (!over && failure.get() == null) {
                virtual.newThread(() -> liveShortly(virtual)).start();
                succeeded = true;
            }
        } catch (Throwable e) {
            failure.compareAndSet(null, e);
        } finally {
            if (!succeeded) {
                running.countDown();
            }
        }
    }

    private static long next(long x) {
        long y = x ^ (x << 13);
        y ^= y >>> 7;
        return y ^ (y << 17);
    }

    private void draw(long random) {
        draws.increment();
        if (random % 2 == 0) {
            drawTold((random >>> 1) % 20);
        } else {
            drawOwn((random >>> 1) % 6, random);
        }
    }

    private void drawTold(long size) {
        int length = Told.UNIT * (1 + (int) size); // up to 336 bytes: from the buffer, and past it
        if (length == Drbg.SEED) {
            length = 21 * Told.UNIT; // of a draw of this length, the kernel's own answer would look like a seed
        }
        byte[] out = new byte[length];
        long before = generations.lastSeenHere();
        told.nextBytes(out);
        long last = generations.lastSeenHere();
        if (last != before) {
            renewals.increment();
        }
        for (int i = 0; i < length; i += Told.UNIT) {
            long generation = Told.generation(out, i);
            long number = Told.number(out, i);
            if (generation == Told.FROM_KERNEL) {
                unitsOfTheKernel.increment();
            } else if (generation != last) {
                throw new AssertionError("made in generation " + generation + ", last probe " + last);
            }
            if ((number >>> Told.COUNT_BITS) % SAMPLE == 0) {
                returnedOnce(-number);
            }
        }
    }

    private void drawOwn(long way, long random) {
        switch ((int) way) {
            case 0 -> compare(random, SnapshotSafeRandom.instance().nextLong());
            case 1 -> compare(random, Uuids.v4().getLeastSignificantBits());
            case 2 -> compare(random, Uuids.v7().getLeastSignificantBits());
            case 3 -> compare(random, secure.nextLong());
            case 4 -> secure.nextBytes(new byte[1 + (int) (random % 300)]);
            default -> secure.nextBytes(new byte[257 + (int) (random % 5_000)]);
        }
    }

    private void compare(long random, long drawn) {
        if ((random >>> 8) % SAMPLE == 0) {
            returnedOnce(drawn | 1L << 62); // of which no number of a unit comes near
        }
    }

    private void returnedOnce(long number) {
        if (!seen.add(number)) {
            throw new AssertionError("returned twice: " + Long.toHexString(number));
        }
    }
}
