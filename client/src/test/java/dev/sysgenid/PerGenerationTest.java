// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Values and actions: only what was made wholly inside one generation comes out. */
class PerGenerationTest {
    @TempDir
    Path directory;

    @Test
    void itIsMadeOnceInAGeneration() {
        try (SysGenId id = SysGenId.inProcess()) {
            AtomicInteger made = new AtomicInteger();
            PerGeneration<Integer> value = id.perGeneration(made::incrementAndGet);
            assertThat(value).hasToString("PerGeneration[to be made]");
            assertThat(value.get()).isEqualTo(1);
            assertThat(value.get()).isEqualTo(1);
            assertThat(value).hasToString("PerGeneration[made]");
            id.trigger();
            assertThat(value).hasToString("PerGeneration[to be made]");
            assertThat(value.get()).isEqualTo(2);
            assertThat(value.get()).isEqualTo(2);
        }
    }

    /** The dangerous interleaving, step by step: the system is cloned while the secret is being drawn. */
    @Test
    void whatWasMadeAcrossAChangeIsNotHandedOut() {
        try (SysGenId id = SysGenId.inProcess()) {
            AtomicInteger made = new AtomicInteger();
            PerGeneration<Integer> value = id.perGeneration(() -> {
                int number = made.incrementAndGet();
                if (number <= 3) {
                    id.trigger();
                }
                return number;
            });
            assertThat(value.get()).isEqualTo(4);
            assertThat(value.get()).isEqualTo(4);
        }
    }

    @Test
    void aMakerThatIsSlowerThanTheChangesFailsRatherThanLie() {
        try (SysGenId id = SysGenId.inProcess()) {
            AtomicBoolean storm = new AtomicBoolean(true);
            PerGeneration<String> value = id.perGeneration(() -> {
                if (storm.get()) {
                    id.trigger();
                }
                return "made";
            });
            assertThatThrownBy(value::get)
                    .isInstanceOf(GenerationException.class)
                    .hasMessageContaining("100 runs");
            storm.set(false);
            assertThat(value.get()).isEqualTo("made");
        }
    }

    @Test
    void aMakerThatFailsLeavesNoOldValueBehind() {
        try (SysGenId id = SysGenId.inProcess()) {
            AtomicReference<RuntimeException> failure = new AtomicReference<>();
            AtomicInteger made = new AtomicInteger();
            PerGeneration<Integer> value = id.perGeneration(() -> {
                RuntimeException e = failure.get();
                if (e != null) {
                    throw e;
                }
                return made.incrementAndGet();
            });
            assertThat(value.get()).isEqualTo(1);
            id.trigger();
            failure.set(new IllegalArgumentException("no entropy"));
            assertThatThrownBy(value::get).isSameAs(failure.get());
            assertThatThrownBy(value::get).as("and again").isSameAs(failure.get());
            failure.set(null);
            assertThat(value.get()).isEqualTo(2);
        }
    }

    @Test
    void badMakersAreTold() {
        try (SysGenId id = SysGenId.inProcess()) {
            List<PerGeneration<String>> self = new ArrayList<>();
            self.add(id.perGeneration(() -> self.get(0).get()));
            assertThatThrownBy(() -> self.get(0).get())
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("asks for that value");
        }
    }

    @Test
    void whileTheGenerationIsUnknownEveryUseHasItsOwn() throws Exception {
        Path page = Pages.create(directory.resolve("page"));
        try (SysGenId id = SysGenId.open(page)) {
            AtomicInteger made = new AtomicInteger();
            PerGeneration<Integer> value = id.perGeneration(made::incrementAndGet);
            assertThat(value.get()).isEqualTo(1);
            assertThat(value.get()).isEqualTo(1);
            Pages.write(page, new byte[0]);
            assertThat(value.get()).isEqualTo(2);
            assertThat(value.get()).isEqualTo(3);
            Guarded<String> guarded = id.guarded(() -> "done");
            assertThat(guarded.outcome()).isEqualTo(Guarded.Outcome.UNKNOWN);
            assertThat(guarded.attempts()).isEqualTo(1);
            assertThatThrownBy(guarded::value)
                    .isInstanceOf(GenerationException.class)
                    .hasMessageContaining("unknown");
            Pages.create(page);
            Pages.until("known again", id::isKnown);
            int back = value.get();
            assertThat(value.get()).isEqualTo(back);
        }
    }

    /**
     * Eight threads take a value while others bump without a pause. The value is the generation that was seen while it
     * was made, so each taker can tell what it was given: never one older than the generation before its call.
     */
    @Test
    void underFireNobodyGetsAnOldValueAndEachIsMadeOnce() throws Exception {
        try (SysGenId id = SysGenId.inProcess()) {
            Set<Integer> makings = ConcurrentHashMap.newKeySet();
            AtomicInteger made = new AtomicInteger();
            PerGeneration<Integer> value = id.perGeneration(() -> {
                made.incrementAndGet();
                return id.generation();
            });
            AtomicBoolean over = new AtomicBoolean();
            CountDownLatch started = new CountDownLatch(8);
            ExecutorService executor = Executors.newCachedThreadPool();
            try {
                List<Future<Integer>> takers = new ArrayList<>();
                for (int i = 0; i < 8; i++) {
                    takers.add(executor.submit(() -> {
                        int calls = 0;
                        started.countDown();
                        while (!over.get()) {
                            int before = id.generation();
                            int taken = value.get();
                            int after = id.generation();
                            makings.add(taken);
                            if (Integer.compareUnsigned(taken, before) < 0
                                    || Integer.compareUnsigned(taken, after) > 0) {
                                throw new AssertionError(taken + " was given between " + before + " and " + after);
                            }
                            calls++;
                        }
                        return calls;
                    }));
                }
                started.await();
                for (int i = 0; i < 3000; i++) {
                    id.trigger();
                    for (int spin = 0; spin < 2000; spin++) {
                        Thread.onSpinWait();
                    }
                }
                over.set(true);
                int calls = 0;
                for (Future<Integer> taker : takers) {
                    calls += taker.get();
                }
                assertThat(calls).isPositive();
            } finally {
                over.set(true);
                executor.shutdown();
            }
            // Each value but the last belongs to a generation that is over; none was made twice in its generation,
            // save those that a change discarded.
            assertThat(value.get()).isEqualTo(3000);
            assertThat(made.get()).isGreaterThanOrEqualTo(makings.size());
            int before = made.get();
            assertThat(value.get()).isEqualTo(3000);
            assertThat(made.get()).isEqualTo(before);
        }
    }

    /** All want it at once: one makes it, the others wait for that one. */
    @Test
    void aChangeIsOneMaking() throws Exception {
        try (SysGenId id = SysGenId.inProcess()) {
            AtomicInteger made = new AtomicInteger();
            CountDownLatch making = new CountDownLatch(1);
            CountDownLatch go = new CountDownLatch(1);
            PerGeneration<Integer> value = id.perGeneration(() -> {
                making.countDown();
                await(go);
                return made.incrementAndGet();
            });
            ExecutorService executor = Executors.newCachedThreadPool();
            try {
                List<Future<Integer>> takers = new ArrayList<>();
                for (int i = 0; i < 16; i++) {
                    takers.add(executor.submit(value::get));
                }
                await(making);
                go.countDown();
                for (Future<Integer> taker : takers) {
                    assertThat(taker.get()).isEqualTo(1);
                }
            } finally {
                go.countDown();
                executor.shutdown();
            }
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void anActionThatHeldIsToldSo() {
        try (SysGenId id = SysGenId.inProcess()) {
            Guarded<String> guarded = id.guarded(() -> "sent");
            assertThat(guarded.held()).isTrue();
            assertThat(guarded.value()).isEqualTo("sent");
            assertThat(guarded.attempts()).isEqualTo(1);
            assertThat(guarded).hasToString("HELD after 1 run");
        }
    }

    @Test
    void anActionThatTheChangeHitIsRunAgain() {
        try (SysGenId id = SysGenId.inProcess()) {
            AtomicInteger runs = new AtomicInteger();
            Guarded<Integer> guarded = id.guarded(5, () -> {
                int run = runs.incrementAndGet();
                if (run < 3) {
                    id.trigger();
                }
                return run;
            });
            assertThat(guarded.outcome()).isEqualTo(Guarded.Outcome.HELD);
            assertThat(guarded.value()).isEqualTo(3);
            assertThat(guarded.attempts()).isEqualTo(3);
        }
    }

    @Test
    void anActionThatNeverHoldsIsToldToo() {
        try (SysGenId id = SysGenId.inProcess()) {
            AtomicInteger runs = new AtomicInteger();
            Guarded<Integer> guarded = id.guarded(() -> {
                id.trigger();
                return runs.incrementAndGet();
            });
            assertThat(guarded.outcome()).isEqualTo(Guarded.Outcome.CHANGED);
            assertThat(guarded.attempts()).isEqualTo(SysGenId.DEFAULT_ATTEMPTS);
            assertThat(runs.get()).isEqualTo(SysGenId.DEFAULT_ATTEMPTS);
            assertThat(guarded.uncheckedValue()).isEqualTo(3);
            assertThatThrownBy(guarded::value)
                    .isInstanceOf(GenerationException.class)
                    .hasMessageContaining("3 runs");
            assertThat(guarded).hasToString("CHANGED after 3 runs");
        }
    }

    @Test
    void anActionsExceptionComesOut() {
        try (SysGenId id = SysGenId.inProcess()) {
            assertThatThrownBy(() -> id.guarded(() -> {
                        throw new java.io.IOException("broken");
                    }))
                    .isInstanceOf(java.io.IOException.class)
                    .hasMessage("broken");
            assertThatThrownBy(() -> id.guarded(0, () -> "")).isInstanceOf(IllegalArgumentException.class);
        }
    }
}
