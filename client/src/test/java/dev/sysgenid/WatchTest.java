// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Listeners and event loops: who is told when, and when all have acknowledged. */
class WatchTest {
    private static final Duration LIMIT = Duration.ofMinutes(4);

    @TempDir
    Path directory;

    @Test
    void aListenerIsCalledAndItsReturnAcknowledges() throws Exception {
        try (SysGenId id = SysGenId.inProcess()) {
            LinkedBlockingQueue<Integer> calls = new LinkedBlockingQueue<>();
            try (Watch watch = id.watch(calls::add)) {
                assertThat(id.outdatedWatchers()).isZero();
                for (int generation = 1; generation <= 3; generation++) {
                    assertThat(id.bump()).isEqualTo(generation);
                    assertThat(calls.take()).isEqualTo(generation);
                    assertThat(id.awaitAcknowledged(LIMIT)).isTrue();
                    assertThat(id.outdatedWatchers()).isZero();
                    assertThat(watch.isUpToDate()).isTrue();
                }
            }
            id.trigger();
            assertThat(id.outdatedWatchers()).as("nobody watches any more").isZero();
            assertThat(calls).isEmpty();
        }
    }

    @Test
    void phasesAreInOrderAndWithinAPhaseNobodyWaits() throws Exception {
        try (SysGenId id = SysGenId.inProcess()) {
            List<String> order = Collections.synchronizedList(new ArrayList<>());
            CountDownLatch both = new CountDownLatch(2);
            id.watch(Phase.CONNECTIONS, "connections", generation -> order.add("connections"));
            for (String name : List.of("entropy one", "entropy two")) {
                id.watch(Phase.ENTROPY, name, generation -> {
                    both.countDown();
                    both.await(); // each returns only when the other has been called
                    order.add("entropy");
                });
            }
            id.watch(Phase.CACHES, "caches", generation -> order.add("caches"));
            id.trigger();
            assertThat(id.awaitAcknowledged(LIMIT)).isTrue();
            assertThat(order).containsExactly("entropy", "entropy", "caches", "connections");
        }
    }

    @Test
    void aListenerThatThrowsIsNotAcknowledgedAndIsCalledAtTheNextChange() throws Exception {
        try (SysGenId id = SysGenId.inProcess()) {
            AtomicBoolean fail = new AtomicBoolean(true);
            AtomicInteger later = new AtomicInteger();
            Watch failing = id.watch(Phase.ENTROPY, "failing", generation -> {
                if (fail.get()) {
                    throw new Exception("no entropy");
                }
            });
            id.watch(Phase.CACHES, "later", generation -> later.incrementAndGet());
            id.trigger();
            Pages.until("the later phase is called all the same", () -> later.get() == 1);
            assertThat(failing.isUpToDate()).isFalse();
            assertThat(id.outdatedWatchers()).isEqualTo(1);
            assertThat(id.awaitAcknowledged(Duration.ofMillis(1))).isFalse();
            fail.set(false);
            id.trigger();
            assertThat(id.awaitAcknowledged(LIMIT)).isTrue();
            assertThat(failing.isUpToDate()).isTrue();
            assertThat(later.get()).isEqualTo(2);
        }
    }

    @Test
    void onceTheFailedListenerIsClosedTheOthersSuffice() throws Exception {
        try (SysGenId id = SysGenId.inProcess()) {
            AtomicInteger other = new AtomicInteger();
            Watch failing = id.watch(generation -> {
                throw new Exception("never");
            });
            id.watch(generation -> other.incrementAndGet());
            id.trigger();
            Pages.until("both were called", () -> other.get() == 1);
            assertThat(id.outdatedWatchers()).isEqualTo(1);
            failing.close();
            failing.close();
            assertThat(id.awaitAcknowledged(LIMIT)).isTrue();
        }
    }

    /** It blocks for ever: the others are served at this change and at the next, and the process counts as late. */
    @Test
    void aListenerThatBlocksForEverHoldsBackNobodyElse() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        AtomicInteger acknowledged = new AtomicInteger(-1);
        Dispatcher dispatcher = new Dispatcher(
                () -> 42,
                generation -> {
                    acknowledged.set(generation);
                    return true;
                },
                null,
                20_000_000);
        AtomicInteger blocked = new AtomicInteger();
        AtomicInteger same = new AtomicInteger();
        AtomicInteger later = new AtomicInteger();
        dispatcher.start();
        dispatcher.add(new Dispatcher.Registration(Phase.ENTROPY, "blocks", generation -> {
            blocked.incrementAndGet();
            never.await();
        }));
        dispatcher.add(new Dispatcher.Registration(Phase.ENTROPY, "same phase", generation -> same.incrementAndGet()));
        dispatcher.add(new Dispatcher.Registration(Phase.CONNECTIONS, "later", generation -> later.incrementAndGet()));
        dispatcher.changed();
        Pages.until("the later phase is called", () -> later.get() == 1);
        Pages.until("the same phase too", () -> same.get() == 1);
        dispatcher.changed();
        Pages.until("and at the next change", () -> later.get() == 2);
        Pages.until("and the same phase", () -> same.get() == 2);
        assertThat(blocked.get()).as("never twice at once").isEqualTo(1);
        assertThat(acknowledged.get()).isEqualTo(-1);

        // It returns at last: it is called for what it missed, and then all are done.
        never.countDown();
        Pages.until("acknowledged", () -> acknowledged.get() == 42);
        assertThat(blocked.get()).isEqualTo(2);
        assertThat(later.get()).isEqualTo(2);
        dispatcher.close();
    }

    @Test
    void lookingIsNotHeldBackByABlockedListener() {
        try (SysGenId id = SysGenId.inProcess()) {
            CountDownLatch called = new CountDownLatch(1);
            CountDownLatch never = new CountDownLatch(1);
            Watch watch = id.watch(generation -> {
                called.countDown();
                never.await();
            });
            id.trigger();
            Pages.until("it blocks", () -> called.getCount() == 0);
            long stamp = id.stamp();
            id.trigger();
            assertThat(id.stamp()).isNotEqualTo(stamp);
            watch.close(); // does not wait for it
            never.countDown();
        }
    }

    @Test
    void changesDuringACallAreOneCallAfterwards() throws Exception {
        try (SysGenId id = SysGenId.inProcess()) {
            LinkedBlockingQueue<Integer> calls = new LinkedBlockingQueue<>();
            CountDownLatch go = new CountDownLatch(1);
            id.watch(generation -> {
                calls.add(generation);
                go.await();
            });
            id.trigger();
            assertThat(calls.take()).isEqualTo(1);
            id.trigger();
            id.trigger();
            id.trigger();
            go.countDown();
            assertThat(id.awaitAcknowledged(LIMIT)).isTrue();
            // The first of the three may have become a round before the others came.
            List<Integer> rest = new ArrayList<>(calls);
            assertThat(rest).isNotEmpty().isSubsetOf(2, 3, 4).endsWith(4);
        }
    }

    @Test
    void aFilesChangesReachListenersAndLoops() throws Exception {
        Path page = Pages.create(directory.resolve("page"));
        LinkedBlockingQueue<Integer> calls = new LinkedBlockingQueue<>();
        LinkedBlockingQueue<String> wakes = new LinkedBlockingQueue<>();
        try (SysGenId id = SysGenId.open(page);
                Watcher watcher = id.watcher(() -> wakes.add("wake"))) {
            id.watch(calls::add);
            Pages.store(page, 5);
            assertThat(calls.take()).isEqualTo(5);
            assertThat(wakes.take()).isEqualTo("wake");
            assertThat(watcher.isOutdated()).isTrue();
            assertThat(watcher.acknowledge(watcher.next())).isTrue();
            assertThat(watcher.isOutdated()).isFalse();
        }
    }

    @Test
    void aLoopAcknowledgesWhatItLookedAtBeforeItRenewed() throws Exception {
        try (SysGenId id = SysGenId.inProcess()) {
            AtomicInteger wakes = new AtomicInteger();
            Watcher watcher = id.watcher(wakes::incrementAndGet);
            assertThat(watcher.isOutdated()).isFalse();
            id.trigger();
            assertThat(wakes.get()).isEqualTo(1);
            int generation = watcher.next();
            id.trigger(); // while it renews
            assertThat(watcher.acknowledge(generation)).isFalse();
            assertThat(watcher.isOutdated()).isTrue();
            assertThat(id.outdatedWatchers()).isEqualTo(1);
            assertThat(watcher.acknowledge(watcher.next())).isTrue();
            assertThat(id.outdatedWatchers()).isZero();
            id.trigger();
            assertThat(id.outdatedWatchers()).isEqualTo(1);
            watcher.close();
            watcher.close();
            assertThat(id.outdatedWatchers()).isZero();
            id.trigger();
            assertThat(wakes.get()).isEqualTo(3);
        }
    }

    /** To acknowledge without having looked at the change is not possible by mistake. */
    @Test
    void aLoopThatDidNotLookCannotAcknowledge() {
        try (SysGenId id = SysGenId.inProcess();
                Watcher watcher = id.watcher(() -> {})) {
            id.trigger();
            assertThat(watcher.acknowledge(id.generation())).isFalse();
            assertThat(watcher.isOutdated()).isTrue();
        }
    }

    @Test
    void anEventLoopThatCannotBeWokenHoldsBackNobody() throws Exception {
        try (SysGenId id = SysGenId.inProcess()) {
            AtomicInteger wakes = new AtomicInteger();
            Watcher broken = id.watcher(() -> {
                throw new IllegalStateException("closed");
            });
            Watcher second = id.watcher(wakes::incrementAndGet);
            id.trigger();
            assertThat(wakes.get()).isEqualTo(1);
            broken.close();
            second.close();
        }
    }

    @Test
    void withoutSystemCallsTheOrchestratorIsToldWhatToDo() throws Exception {
        Path page = Pages.create(directory.resolve("page"));
        try (SysGenId id = SysGenId.open(page)) {
            if (NativeAccess.calls() == null) {
                assertThatThrownBy(id::bump)
                        .isInstanceOf(UnsupportedOperationException.class)
                        .hasMessageContaining("sysgenid bump")
                        .hasMessageContaining(NativeAccess.remedy());
                assertThatThrownBy(() -> id.awaitAcknowledged(LIMIT))
                        .isInstanceOf(UnsupportedOperationException.class)
                        .hasMessageContaining("sysgenid wait");
                assertThatThrownBy(id::outdatedWatchers)
                        .isInstanceOf(UnsupportedOperationException.class)
                        .hasMessageContaining("sysgenid status");
            } else {
                // A file that stands in for a device knows none of these.
                assertThatThrownBy(id::bump).isInstanceOf(UnsupportedOperationException.class);
                assertThatThrownBy(() -> id.awaitAcknowledged(LIMIT)).isInstanceOf(UnsupportedOperationException.class);
                assertThatThrownBy(id::outdatedWatchers).isInstanceOf(UnsupportedOperationException.class);
            }
        }
    }
}
