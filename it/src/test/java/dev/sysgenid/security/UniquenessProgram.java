// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import dev.sysgenid.PerGeneration;
import dev.sysgenid.SysGenId;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Draws in every way and on every kind of thread, and compares all of it with a copy of every stripe's state that was
 * taken before a bump: nothing may come from the old state. Without a bump everything must, which shows that the
 * comparison finds what is there.
 *
 * <p>What happens to the device it asks for, by a line on standard output (bump, kill, restart), and goes on at a line of
 * standard input. Ends with 0 if all was as it must be.
 */
final class UniquenessProgram {
    private static final int THREADS = 3;
    /** Of a stripe's future: far more than is drawn from one here. */
    private static final int FUTURE = 1 << 16;
    /** Of one in a control: as far as the next thing that is made, beyond the fullest buffer. */
    private static final int SHORT_FUTURE = 20_000;

    private static final long LIMIT_NANOS = 180_000_000_000L;

    private final BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    private final SysGenId id = SysGenId.open();
    private final List<Way> ways;
    private final List<Crew> old = new ArrayList<>();
    private final PerGeneration<byte[]> kept;

    private UniquenessProgram() throws Exception {
        SysGenIdProvider.install();
        ways = Way.all(id);
        kept = id.perGeneration(() -> {
            byte[] secret = new byte[32];
            SnapshotSafeRandom.instance().nextBytes(secret);
            return secret;
        });
        old.add(Crew.of("platform threads made before", false, THREADS));
        if (Crew.hasVirtualThreads()) {
            old.add(Crew.of("virtual threads made before", true, THREADS));
        }
    }

    /** Runs all of it. */
    public static void main(String[] arguments) throws Exception {
        UniquenessProgram program = new UniquenessProgram();
        check(program.id.isKnown() && program.id.isGuarded(), "the device is served: " + program.id);
        program.warm();
        program.withoutABumpAllOfItIsForetold();
        for (int round = 0; round < 3; round++) {
            program.afterABumpNothingIs(round);
        }
        MiddleOfADraw.run(program.id, () -> program.ask("bump"));
        program.whileTheDaemonIsGoneAndAfterItsReturnNothingIs();
        System.out.println("done");
    }

    private static void check(boolean condition, String what) {
        if (!condition) {
            throw new AssertionError("not so: " + what);
        }
    }

    private void ask(String what) throws IOException {
        System.out.println(what);
        check(input.readLine() != null, "answered");
    }

    /** Each stripe is used, until its buffer has grown to its full size. */
    private void warm() throws Exception {
        int stripes = Generator.stripesHere();
        for (int i = 0; i < 2 * stripes; i++) {
            Thread thread = new Thread(() -> {
                byte[] bytes = new byte[64];
                for (int n = 0; n < 2_000; n++) {
                    SnapshotSafeRandom.instance().nextBytes(bytes);
                }
            });
            thread.start();
            thread.join();
        }
    }

    private void withoutABumpAllOfItIsForetold() throws Exception {
        List<String> missed;
        int drawn;
        long start = System.nanoTime();
        // Until the generator is warm it changes ciphers and buffers, and so is not foretold.
        do {
            missed = new ArrayList<>();
            drawn = 0;
            byte[] secret = kept.get();
            List<Crew> fresh = freshCrews(THREADS);
            for (Crew crew : together(old, fresh)) {
                for (Way way : ways) {
                    Foretold foretold = new Foretold(Shared.GENERATOR, SHORT_FUTURE);
                    drawn++;
                    if (!foretold.tells(crew.get(way.draw()))) {
                        missed.add(way.name() + " on " + crew.name());
                    }
                }
            }
            fresh.forEach(Crew::close);
            check(Arrays.equals(secret, kept.get()), "a kept value is kept");
        } while (!missed.isEmpty() && System.nanoTime() - start < LIMIT_NANOS);
        check(missed.isEmpty(), "without a bump all is foretold; was not: " + missed);
        System.out.println("without a bump: " + drawn + " of " + drawn + " draws foretold");
    }

    private void afterABumpNothingIs(int round) throws Exception {
        byte[] secret = kept.get();
        Foretold foretold = new Foretold(Shared.GENERATOR, FUTURE);
        ask("bump");
        // Who draws first renews a stripe for the others: so each round begins with others.
        int drawn = drawEverything(foretold, round);
        byte[] renewed = kept.get();
        check(!Arrays.equals(secret, renewed), "the kept value is another one");
        check(!foretold.tells(Drawn.of(renewed)), "the kept value is not foretold");
        check(Arrays.equals(renewed, kept.get()), "the new value is kept");
        System.out.println(
                "after a bump: 0 of " + drawn + " draws foretold, by copies of " + foretold.stripes() + " stripes");
    }

    private void whileTheDaemonIsGoneAndAfterItsReturnNothingIs() throws Exception {
        byte[] secret = kept.get();
        int generation = id.generation();
        Foretold foretold = new Foretold(Shared.GENERATOR, FUTURE);
        ask("kill");
        await(false);
        check(!Arrays.equals(kept.get(), kept.get()), "nothing is kept while the daemon is gone");
        int drawn = drawEverything(foretold, 0);
        System.out.println("while the daemon is gone: 0 of " + drawn + " draws foretold");

        Foretold between = new Foretold(Shared.GENERATOR, FUTURE);
        ask("restart");
        await(true);
        check(id.generation() == 0, "the new daemon counts from 0: " + id);
        while (id.generation() != generation) {
            ask("bump");
        }
        // The number is that of the old daemon again; nothing else is.
        drawn = drawEverything(foretold, 1) + drawEverything(between, 2);
        check(!foretold.tells(Drawn.of(kept.get())), "the kept value is not foretold");
        check(!Arrays.equals(secret, kept.get()), "the kept value is another one");
        System.out.println("after its return, at the same number: 0 of " + drawn + " draws foretold");
    }

    private void await(boolean known) throws InterruptedException {
        long start = System.nanoTime();
        while (id.isKnown() != known) {
            check(System.nanoTime() - start < LIMIT_NANOS, known ? "it is back" : "it is gone");
            Thread.sleep(1);
        }
    }

    /** Returns how much was drawn. */
    private int drawEverything(Foretold foretold, int first) throws Exception {
        // So many new threads that all stripes are reached.
        List<Crew> fresh = freshCrews(2 * Generator.stripesHere());
        List<Crew> crews = together(old, fresh);
        int drawn = 0;
        for (int i = 0; i < crews.size(); i++) {
            Crew crew = crews.get((first + i) % crews.size());
            for (int k = 0; k < ways.size(); k++) {
                Way way = ways.get((first + k) % ways.size());
                for (int n = 0; n < THREADS; n++) {
                    drawn++;
                    check(!foretold.tells(crew.get(way.draw())), way.name() + " on " + crew.name() + " is new");
                }
            }
        }
        fresh.forEach(Crew::close);
        return drawn;
    }

    private static List<Crew> freshCrews(int count) throws Exception {
        List<Crew> fresh = new ArrayList<>(List.of(Crew.of("platform threads made now", false, count)));
        if (Crew.hasVirtualThreads()) {
            fresh.add(Crew.of("virtual threads made now", true, count));
        }
        return fresh;
    }

    private static List<Crew> together(List<Crew> some, List<Crew> others) {
        List<Crew> all = new ArrayList<>(some);
        all.addAll(others);
        return all;
    }
}
