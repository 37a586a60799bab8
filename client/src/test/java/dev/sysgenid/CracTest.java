// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import org.crac.Context;
import org.crac.Resource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a checkpoint of the JVM does. This JVM has none: the library's calls are made by hand. */
class CracTest {
    @TempDir
    Path directory;

    /** Passed on, never called. */
    private static final Context<Resource> CONTEXT = new Context<>() {
        @Override
        public void beforeCheckpoint(Context<? extends Resource> context) {}

        @Override
        public void afterRestore(Context<? extends Resource> context) {}

        @Override
        public void register(Resource resource) {}
    };

    @Test
    void aRestoreIsAChangeThoughTheDeviceCountsNone() throws Exception {
        Path page = Pages.create(directory.resolve("page"));
        Pages.store(page, 4);
        LinkedBlockingQueue<Integer> calls = new LinkedBlockingQueue<>();
        try (SysGenId id = SysGenId.open(page);
                Watcher watcher = id.watcher(() -> {})) {
            id.watch(calls::add);
            CracResource resource = new CracResource(id);
            long before = id.stamp();
            resource.beforeCheckpoint(CONTEXT);
            assertThat(id.isKnown()).as("nothing is open").isFalse();
            long during = id.stamp();
            resource.afterRestore(CONTEXT);
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
            CracResource resource = new CracResource(id);
            resource.beforeCheckpoint(CONTEXT);
            Pages.write(page, new byte[0]);
            resource.afterRestore(CONTEXT);
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
            CracResource resource = new CracResource(id);
            resource.beforeCheckpoint(CONTEXT);
            assertThat(id.isKnown()).isTrue();
            resource.afterRestore(CONTEXT);
            assertThat(id.stamp()).isNotEqualTo(before);
            assertThat(calls.take()).isEqualTo(1);
        }
    }

    @Test
    void whatIsToBeErasedIsErasedWhileTheGenerationIsKnown() throws Exception {
        Path page = Pages.create(directory.resolve("page"));
        try (SysGenId id = SysGenId.open(page)) {
            List<Boolean> known = new ArrayList<>();
            SysGenId.beforeCheckpoint(() -> known.add(id.isKnown()));
            CracResource resource = new CracResource(id);
            resource.beforeCheckpoint(CONTEXT);
            resource.afterRestore(CONTEXT);
            assertThat(known).containsExactly(true);
        }
    }

    @Test
    void registeringWhereNothingIsEverRestoredDoesNoHarm() {
        try (SysGenId id = SysGenId.inProcess()) {
            assertThatCode(() -> Crac.register(id)).doesNotThrowAnyException();
            assertThat(Crac.isAvailable()).isFalse();
        }
    }
}
