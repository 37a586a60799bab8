// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.CloneIdentity;
import dev.sysgenid.Guarded;
import dev.sysgenid.PerGeneration;
import dev.sysgenid.Phase;
import dev.sysgenid.SysGenId;
import dev.sysgenid.Watch;
import dev.sysgenid.Watcher;
import dev.sysgenid.it.Child;
import dev.sysgenid.it.Namespace;
import dev.sysgenid.it.ServedDevice;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The client on the mounted device, inside this JVM. */
class ClientIT {
    private static final long PID = ProcessHandle.current().pid();

    @ParameterizedTest
    @ValueSource(strings = {"passthrough", "store"})
    void aBumpShowsAtTheNextLook(String mapping) throws Exception {
        try (ServedDevice device = ServedDevice.start("--mapping", mapping);
                SysGenId id = SysGenId.open(device.device())) {
            assertThat(id.generation()).isZero();
            assertThat(id.isGuarded()).isTrue();
            assertThat(id.isImmediate()).isTrue();
            long stamp = id.stamp();
            assertThat(id.stamp()).isEqualTo(stamp);
            for (int generation = 1; generation <= 100; generation++) {
                device.bump();
                assertThat(id.generation()).isEqualTo(generation);
                assertThat(id.stamp()).isNotEqualTo(stamp);
                stamp = id.stamp();
            }
            assertThat(id.bump()).isEqualTo(101);
            assertThat(device.generation()).isEqualTo(101);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"passthrough", "store"})
    void theIdentityIsAnotherInEachGenerationAndTheSameForAll(String mapping) throws Exception {
        try (ServedDevice device = ServedDevice.start("--mapping", mapping);
                SysGenId id = SysGenId.open(device.device());
                SysGenId other = SysGenId.open(device.device())) {
            Set<CloneIdentity> identities = new HashSet<>();
            for (int i = 0; i < 50; i++) {
                CloneIdentity identity = id.cloneIdentity().orElseThrow();
                assertThat(id.cloneIdentity()).contains(identity);
                assertThat(other.cloneIdentity()).contains(identity);
                assertThat(identities.add(identity)).isTrue();
                device.bump();
            }
            id.trigger();
            assertThat(id.cloneIdentity()).as("the system's, not the process's").isEqualTo(other.cloneIdentity());
            device.stop();
            assertThat(id.isKnown()).isFalse();
            assertThat(id.cloneIdentity()).isEmpty();
        }
    }

    /** Two wishes for far generations bring a number back; a stamp never comes back. */
    @Test
    void noWrapBringsAStampBack() throws Exception {
        try (ServedDevice device = ServedDevice.start();
                SysGenId id = SysGenId.open(device.device())) {
            device.bump();
            long stamp = id.stamp();
            device.bump(0xffff_ffffL);
            device.bump();
            assertThat(id.generation()).isEqualTo(1);
            await("it counts the wrap", () -> id.stamp() != stamp);
        }
    }

    @Test
    void withoutListenersNobodyWaitsForThisProcess() throws Exception {
        try (ServedDevice device = ServedDevice.start();
                SysGenId id = SysGenId.open(device.device())) {
            device.bump();
            assertThat(id.outdatedWatchers()).isZero();
            assertThat(id.awaitAcknowledged(Child.LIMIT)).isTrue();
            try (Watch watch = id.watch(generation -> {})) {
                assertThat(watch.isUpToDate()).isTrue();
                assertThat(device.watchers()).anyMatch(line -> line.contains(" " + PID + " 0 rw yes "));
            }
            await("its watcher is closed", () -> device.watchers().stream().noneMatch(line -> line.contains(" yes ")));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"writers", "opt-in"})
    void listenersAcknowledgeByReturning(String tracking) throws Exception {
        try (ServedDevice device = ServedDevice.start("--tracking", tracking);
                SysGenId id = SysGenId.open(device.device())) {
            LinkedBlockingQueue<Integer> calls = new LinkedBlockingQueue<>();
            CountDownLatch go = new CountDownLatch(1);
            id.watch(Phase.ENTROPY, "first", calls::add);
            id.watch(Phase.CONNECTIONS, "second", generation -> go.await());
            device.bump();
            assertThat(calls.take()).isEqualTo(1);
            assertThat(id.outdatedWatchers()).isEqualTo(1);
            assertThat(id.awaitAcknowledged(Duration.ofMillis(50))).isFalse();
            assertThat(device.watchers())
                    .as("the list shows who is late")
                    .anyMatch(line -> line.matches("\\d+ " + PID + " 0 rw yes 0 \\d+ \\S+"));
            go.countDown();
            assertThat(id.awaitAcknowledged(Child.LIMIT)).isTrue();
            assertThat(id.outdatedWatchers()).isZero();
        }
    }

    @Test
    void aListenerThatThrowsIsLateUntilItSucceedsAtTheNextBump() throws Exception {
        try (ServedDevice device = ServedDevice.start();
                SysGenId id = SysGenId.open(device.device())) {
            AtomicInteger calls = new AtomicInteger();
            id.watch(generation -> {
                if (calls.incrementAndGet() == 1) {
                    throw new Exception("not yet");
                }
            });
            device.bump();
            await("it was called", () -> calls.get() == 1);
            assertThat(id.awaitAcknowledged(Duration.ofMillis(20))).isFalse();
            device.bump();
            assertThat(id.awaitAcknowledged(Child.LIMIT)).isTrue();
            assertThat(calls.get()).isEqualTo(2);
        }
    }

    @Test
    void manyBumpsWithoutAPauseEndAcknowledged() throws Exception {
        try (ServedDevice device = ServedDevice.start();
                SysGenId id = SysGenId.open(device.device())) {
            AtomicInteger last = new AtomicInteger();
            id.watch(last::set);
            AtomicInteger wakes = new AtomicInteger();
            try (Watcher watcher = id.watcher(wakes::incrementAndGet)) {
                for (int i = 0; i < 500; i++) {
                    id.bump();
                }
                await("the listener is told the last", () -> last.get() == 500);
                await("only the loop has not acknowledged", () -> outdated(id) == 1);
                await("the loop is woken", () -> wakes.get() >= 1);
                assertThat(wakes.get()).isLessThanOrEqualTo(500);
                assertThat(watcher.acknowledge(watcher.next())).isTrue();
                assertThat(watcher.isOutdated()).isFalse();
                assertThat(id.awaitAcknowledged(Child.LIMIT)).isTrue();
            }
        }
    }

    /** Each interrupt that reaches Java's own write closes its file; a watcher that is opened again was not waited for meanwhile. */
    @ParameterizedTest
    @EnumSource
    void anInterruptedLoopStaysTheSameWatcher(JavaProgram.Platform platform) throws Exception {
        try (ServedDevice device = ServedDevice.start();
                SysGenId id = SysGenId.open(device.device())) {
            Child program = device.startProgram(JavaProgram.security(
                    platform,
                    "dev.sysgenid.security.InterruptedProgram",
                    device.device().toString()));
            program.awaitLine("looping");
            String watcher = tracked(device);
            for (int bump = 0; bump < 300; bump++) {
                id.bump();
                assertThat(id.awaitAcknowledged(Child.LIMIT)).isTrue();
                assertThat(tracked(device)).isEqualTo(watcher);
            }
            program.closeInput();
            program.awaitLine("the end");
        }
    }

    /** Inode and process of the only one that is waited for. */
    private static String tracked(ServedDevice device) {
        List<String> tracked = device.watchers().stream()
                .filter(line -> line.contains(" yes "))
                .toList();
        assertThat(tracked).hasSize(1);
        return tracked.get(0).substring(0, tracked.get(0).indexOf(" rw "));
    }

    private static int outdated(SysGenId id) {
        try {
            return id.outdatedWatchers();
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    /** Eight threads and a thousand virtual ones; a value is the generation in which it was made. */
    @Test
    void underFireNobodyGetsAValueOfAnOlderGeneration() throws Exception {
        try (ServedDevice device = ServedDevice.start();
                SysGenId id = SysGenId.open(device.device());
                ExecutorService platform = Executors.newCachedThreadPool();
                ExecutorService virtual = Executors.newVirtualThreadPerTaskExecutor()) {
            PerGeneration<Integer> value = id.perGeneration(id::generation);
            AtomicBoolean over = new AtomicBoolean();
            List<Future<Integer>> takers = new ArrayList<>();
            try {
                for (int i = 0; i < 8; i++) {
                    takers.add(platform.submit(() -> take(id, value, over, Integer.MAX_VALUE)));
                }
                for (int i = 0; i < 1000; i++) {
                    takers.add(virtual.submit(() -> take(id, value, over, 200)));
                }
                for (int i = 0; i < 5000; i++) {
                    id.bump();
                }
            } finally {
                over.set(true);
            }
            for (Future<Integer> taker : takers) {
                taker.get();
            }
            assertThat(value.get()).isEqualTo(5000);
        }
    }

    private static int take(SysGenId id, PerGeneration<Integer> value, AtomicBoolean over, int limit) {
        int calls = 0;
        for (; calls < limit && !over.get(); calls++) {
            int before = id.generation();
            Guarded<Integer> guarded = id.guarded(1, value::get);
            int taken = guarded.uncheckedValue();
            int after = id.generation();
            if (taken < before || taken > after || (guarded.held() && before == after && taken != before)) {
                throw new AssertionError(taken + " was given between " + before + " and " + after);
            }
            if (calls % 10 == 0) {
                Thread.onSpinWait();
            }
        }
        return calls;
    }

    @Test
    void aLostDaemonIsAnUnknownGenerationUntilTheNext() throws Exception {
        Namespace.require();
        AtomicInteger made = new AtomicInteger();
        LinkedBlockingQueue<Integer> calls = new LinkedBlockingQueue<>();
        SysGenId id;
        PerGeneration<Integer> value;
        long stamp;
        try (ServedDevice device = ServedDevice.startAtDefaultPaths()) {
            id = SysGenId.open(Path.of("/dev/sysgenid"));
            value = id.perGeneration(made::incrementAndGet);
            id.watch(calls::add);
            device.bump();
            device.bump();
            await("told", () -> calls.contains(2));
            stamp = id.stamp();
            assertThat(value.get()).isEqualTo(value.get());
            device.kill();
            await("unknown", () -> !id.isKnown());
            assertThat(id.stamp()).isNotEqualTo(id.stamp());
            assertThat(value.get()).isNotEqualTo(value.get());
            assertThat(id.generation()).as("the last one seen").isEqualTo(2);
            assertThat(id.guarded(() -> "x").outcome()).isEqualTo(Guarded.Outcome.UNKNOWN);
            calls.clear();
        }
        try (id;
                ServedDevice device = ServedDevice.startAtDefaultPaths()) {
            await("known again", id::isKnown);
            assertThat(calls.take())
                    .as("the listeners are called: a smaller number")
                    .isZero();
            assertThat(id.generation()).isZero();
            assertThat(value.get()).isEqualTo(value.get());
            assertThat(id.stamp()).isEqualTo(id.stamp()).isNotEqualTo(stamp);
            assertThat(id.awaitAcknowledged(Child.LIMIT)).isTrue();
            device.bump();
            device.bump();
            assertThat(id.generation()).isEqualTo(2);
            assertThat(id.stamp()).as("the same number as of the old daemon").isNotEqualTo(stamp);
            await("told", () -> calls.contains(2));
            assertThat(id.awaitAcknowledged(Child.LIMIT)).isTrue();
        }
    }

    /** The thread that sleeps in the device is woken by close, and nothing stays open. */
    @ParameterizedTest
    @ValueSource(strings = {"passthrough", "store"})
    void closingEndsTheSleepInTheDevice(String mapping) throws Exception {
        try (ServedDevice device = ServedDevice.start("--mapping", mapping)) {
            SysGenId id = SysGenId.open(device.device());
            id.watch(generation -> {});
            Watcher watcher = id.watcher(() -> {});
            assertThat(device.watchers()).isNotEmpty();
            watcher.close();
            id.close();
            await("every watcher is gone", () -> device.watchers().isEmpty());
            assertThat(id.isKnown()).isFalse();
        }
    }

    /** A user who may look but not write: told of changes, waited for by nobody. */
    @Test
    void theDeviceMayBeReadOnly() {
        try (ServedDevice device = ServedDevice.start("--mode", "0444")) {
            List<String> command =
                    new ArrayList<>(List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"));
            command.addAll(ClientIT.readable(device));
            Child watchdog = device.startProgram(command);
            watchdog.awaitLine("watching");
            assertThat(watchdog.output()).contains("cannot be opened for writing");
            device.bump();
            watchdog.awaitLine("renewed for generation 1");
            assertThat(device.watchers()).noneMatch(line -> line.contains(" yes "));
        }
    }

    private static List<String> readable(ServedDevice device) {
        return JavaProgram.command(
                JavaProgram.Platform.JAVA_25,
                "Watchdog",
                List.of(),
                device.device().toString());
    }

    private static void await(String what, BooleanSupplier condition) throws InterruptedException {
        long start = System.nanoTime();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - start > Child.LIMIT.toNanos()) {
                throw new AssertionError("never: " + what);
            }
            Thread.sleep(1);
        }
    }
}
