// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.lang.ref.WeakReference;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a checkpoint of the JVM does. This JVM has none: the library's calls are made by hand. */
class CracTest {
    @TempDir
    Path directory;

    @Test
    void aRestoreIsAChangeThoughTheDeviceCountsNone() throws Exception {
        Path page = Pages.create(directory.resolve("page"));
        Pages.store(page, 4);
        LinkedBlockingQueue<Integer> calls = new LinkedBlockingQueue<>();
        try (SysGenId id = SysGenId.open(page);
                Watcher watcher = id.watcher(() -> {})) {
            id.watch(calls::add);
            long before = id.stamp();
            Crac.beforeCheckpoint();
            assertThat(id.isKnown()).as("nothing is open").isFalse();
            long during = id.stamp();
            Crac.afterRestore();
            assertThat(id.isKnown()).as("for those that are told later").isTrue();
            assertThat(id.generation()).isEqualTo(4);
            assertThat(id.stamp()).isNotIn(before, during).isEqualTo(id.stamp());
            assertThat(calls.take()).isEqualTo(4);
            assertThat(watcher.isOutdated()).isTrue();
            Pages.store(page, 5);
            Pages.until("changes are told again", () -> calls.contains(5));
        }
    }

    @Test
    void theDeviceMayBeGoneAtTheRestore() throws Exception {
        Path page = Pages.create(directory.resolve("page"));
        try (SysGenId id = SysGenId.open(page)) {
            Crac.beforeCheckpoint();
            Pages.write(page, new byte[0]);
            Crac.afterRestore();
            assertThat(id.isKnown()).isFalse();
            assertThat(id.stamp()).isNotEqualTo(id.stamp());
            Pages.create(page);
            Pages.until("it is back", id::isKnown);
        }
    }

    @Test
    void withoutADeviceARestoreIsAChangeToo() throws Exception {
        LinkedBlockingQueue<Integer> calls = new LinkedBlockingQueue<>();
        try (SysGenId id = SysGenId.inProcess()) {
            id.watch(calls::add);
            long before = id.stamp();
            PerGeneration<Object> value = id.perGeneration(Object::new);
            Object made = value.get();
            Crac.beforeCheckpoint();
            assertThat(id.isKnown())
                    .as("for those that are told of the restore first")
                    .isFalse();
            assertThat(id.stamp()).isNotEqualTo(id.stamp());
            assertThat(value.get()).isNotSameAs(made).isNotSameAs(value.get());
            id.trigger();
            assertThat(id.isKnown()).as("after a change that somebody tells").isFalse();
            assertThat(calls.take()).isEqualTo(1);
            Crac.afterRestore();
            assertThat(id.isKnown()).isTrue();
            assertThat(id.stamp()).isNotEqualTo(before).isEqualTo(id.stamp());
            assertThat(value.get()).isNotSameAs(made).isSameAs(value.get());
            assertThat(calls.take()).isEqualTo(2);
        }
    }

    @Test
    void whatIsToBeErasedIsErasedWhileTheGenerationIsKnown() throws Exception {
        Path page = Pages.create(directory.resolve("page"));
        try (SysGenId id = SysGenId.open(page)) {
            List<Boolean> known = new ArrayList<>();
            SysGenId.beforeCheckpoint(() -> known.add(id.isKnown()));
            Crac.beforeCheckpoint();
            Crac.afterRestore();
            assertThat(known).containsExactly(true);
        }
    }

    /** Neither is what was made while others are told, nor is what was closed ever opened again. */
    @Test
    void whatIsMadeDuringACheckpointIsSuspendedAndWhatIsClosedIsForgotten() throws Exception {
        Path page = Pages.create(directory.resolve("page"));
        SysGenId closed = SysGenId.open(page);
        Crac.beforeCheckpoint();
        closed.close();
        try (SysGenId made = SysGenId.open(page);
                SysGenId local = SysGenId.inProcess()) {
            assertThat(made.isKnown()).as("nothing is open").isFalse();
            assertThat(local.isKnown()).isFalse();
            Crac.afterRestore();
            assertThat(made.isKnown()).isTrue();
            assertThat(local.isKnown()).isTrue();
        }
        assertThat(closed.isKnown()).isFalse();
    }

    /** Whoever forgets to close one is not kept from being forgotten. */
    @Test
    void whatNobodyHoldsIsNotHeldHere() {
        WeakReference<SysGenId> forgotten = new WeakReference<>(SysGenId.inProcess());
        Pages.until("it is collected", () -> {
            System.gc();
            return forgotten.get() == null;
        });
    }

    @Test
    void registeringWhereNothingIsEverRestoredDoesNoHarm() {
        try (SysGenId id = SysGenId.inProcess()) {
            assertThatCode(() -> Crac.register(id)).doesNotThrowAnyException();
            assertThat(Crac.isAvailable()).isFalse();
        }
    }
}
