// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import dev.sysgenid.SysGenId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/**
 * Threads that are stopped in the middle of a draw while the device is bumped: after the draw's first probe, and before
 * its last, when the bytes are drawn already. What they return when they go on must not come from the old state; without
 * the bump it must.
 */
final class MiddleOfADraw {
    private static final int FUTURE = 4096;

    /** What the draw is waited for with. */
    interface Asking {
        void bump() throws Exception;
    }

    /** Where a thread stops: at a probe, before it looks or after. */
    private static final class Stop {
        final CountDownLatch arrived = new CountDownLatch(1);
        final CountDownLatch go = new CountDownLatch(1);
        private final int probe;
        private final boolean looksFirst;
        private int passed;

        Stop(int probe, boolean looksFirst) {
            this.probe = probe;
            this.looksFirst = looksFirst;
        }

        long pass(SysGenId id) {
            if (++passed != probe) {
                return id.stamp();
            }
            long before = id.stamp();
            arrived.countDown();
            try {
                go.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            return looksFirst ? before : id.stamp();
        }
    }

    /** The generations of the device. */
    private static final class StoppingGenerations implements Generations {
        static final ThreadLocal<@Nullable Stop> STOPS = new ThreadLocal<>();
        private final SysGenId id;

        StoppingGenerations(SysGenId id) {
            this.id = id;
        }

        @Override
        public long stamp() {
            Stop stop = STOPS.get();
            return stop == null ? id.stamp() : stop.pass(id);
        }

        @Override
        public boolean isGuarded() {
            return id.isGuarded();
        }
    }

    /** ChaCha20 for good: a change of ciphers would not be foretold. */
    private static final class Steady implements Drbgs {
        @Override
        public Drbg first() {
            return new ChaChaDrbg();
        }

        @Override
        public @Nullable Drbg better(Drbg current) {
            return null;
        }
    }

    private MiddleOfADraw() {}

    static void run(SysGenId id, Asking asking) throws Exception {
        StoppingGenerations generations = new StoppingGenerations(id);
        Generator generator = new Generator(generations, new Kernel(), new Steady(), 1);
        Map<String, Callable<Drawn>> draws = Map.of(
                "bytes", () -> bytes(generator, 32),
                "many bytes", () -> bytes(generator, 700),
                "a number", () -> Drawn.of(generator.nextLong()),
                "a UUID", () -> Drawn.ofNumbers(generator.nextUuid()));
        List<Crew> crews = new ArrayList<>(List.of(Crew.of("a platform thread", false, 1)));
        if (Crew.hasVirtualThreads()) {
            crews.add(Crew.of("a virtual thread", true, 1));
        }
        int stopped = 0;
        for (boolean bumped : new boolean[] {false, true}) {
            for (Crew crew : crews) {
                for (Map.Entry<String, Callable<Drawn>> draw : draws.entrySet()) {
                    for (int probe = 1; probe <= 2; probe++) {
                        generator.nextLong(); // seeded in this generation
                        Foretold foretold = new Foretold(generator, FUTURE);
                        // Having looked at the first; not yet having looked at the last.
                        Stop stop = new Stop(probe, probe == 1);
                        CompletableFuture<Drawn> drawn = new CompletableFuture<>();
                        crew.threads().execute(() -> {
                            StoppingGenerations.STOPS.set(stop);
                            try {
                                drawn.complete(draw.getValue().call());
                            } catch (Throwable e) {
                                drawn.completeExceptionally(e);
                            } finally {
                                StoppingGenerations.STOPS.remove();
                            }
                        });
                        stop.arrived.await();
                        if (bumped) {
                            asking.bump();
                        }
                        stop.go.countDown();
                        if (foretold.tells(drawn.get()) == bumped) {
                            throw new AssertionError(draw.getKey() + " of " + crew.name() + " stopped at probe " + probe
                                    + (bumped ? " of an old state" : " not foretold without a bump"));
                        }
                        stopped++;
                    }
                }
            }
        }
        crews.forEach(Crew::close);
        System.out.println("in the middle of a draw: " + stopped / 2 + " stopped and bumped, 0 foretold; as many only"
                + " stopped, all foretold");
    }

    private static Drawn bytes(Generator generator, int count) {
        byte[] bytes = new byte[count];
        generator.nextBytes(bytes);
        return Drawn.of(bytes);
    }
}
