// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A page that the kernel has dropped, a program whose callbacks and log throw: what tells of changes goes on. */
class AdversityTest {
    private static final long LIMIT_SECONDS = 240;

    @TempDir
    Path directory;

    /**
     * Memory that the kernel took away, as it does with a dead daemon's page. A real one throws the same, but where the JVM
     * likes: after compilation some instructions later, on 17 always.
     */
    private static final class Faulty extends Page {
        volatile boolean gone;

        @Override
        int load() {
            if (gone) {
                throw new InternalError("a fault occurred in an unsafe memory access operation");
            }
            return 7;
        }
    }

    /** A device with such a page. */
    private static final class FaultyDomain implements Domain {
        final Faulty page = new Faulty();

        @Override
        public Page page() {
            return page;
        }

        @Override
        public void awaitChange() {
            throw new UnsupportedOperationException();
        }

        @Override
        public @Nullable CloneIdentity cloneIdentity() {
            return null;
        }

        @Override
        public Link openLink() {
            throw new UnsupportedOperationException();
        }

        @Override
        public void close() {}
    }

    @Test
    void aPageThatIsGoneIsALossAndNoError() {
        FaultyDomain domain = new FaultyDomain();
        try (SeparateSysGenId id = new SeparateSysGenId(null, null)) {
            id.start(domain);
            assertThat(id.generation()).isEqualTo(7);
            assertThat(SysGenId.isKnown(id.stamp())).isTrue();

            domain.page.gone = true;

            long stamp = id.stamp();
            assertThat(SysGenId.isKnown(stamp)).isFalse();
            assertThat(id.stamp()).isNotEqualTo(stamp);
            assertThat(id.isKnown()).isFalse();
            int unused = id.generation();
        }
    }

    @Test
    void anEventLoopThatThrowsHoldsUpNobodyElse() throws Exception {
        Path page = Pages.create(directory.resolve("page"));
        Semaphore woken = new Semaphore(0);
        try (SysGenId id = SysGenId.open(page);
                Watcher broken = id.watcher(() -> {
                    throw new AssertionError("meant");
                });
                Watcher other = id.watcher(woken::release)) {
            Pages.store(page, 1);
            assertThat(woken.tryAcquire(LIMIT_SECONDS, TimeUnit.SECONDS)).isTrue();
            assertThat(broken.isOutdated()).isTrue();
            assertThat(other.isOutdated()).isTrue();
            assertThat(id.isKnown()).isTrue();
        }
    }

    @Test
    void aLogThatThrowsSilencesNothing() throws Exception {
        Path page = Pages.create(directory.resolve("page"));
        Semaphore logged = new Semaphore(0);
        breakLog((proxy, method, arguments) -> {
            logged.release();
            throw new IllegalStateException("meant");
        });
        try (SysGenId id = SysGenId.open(page)) {
            LinkedBlockingQueue<Integer> calls = new LinkedBlockingQueue<>();
            Watch watch = id.watch(calls::add);
            Files.delete(page);
            assertThat(logged.tryAcquire(LIMIT_SECONDS, TimeUnit.SECONDS))
                    .as("lost")
                    .isTrue();
            Pages.create(page);
            Pages.store(page, 9);
            Integer told;
            do {
                told = calls.poll(LIMIT_SECONDS, TimeUnit.SECONDS);
                assertThat(told).as("the device is back").isNotNull();
            } while (told != 9);
            watch.close();
        } finally {
            breakLog(null);
        }
    }

    /** By reflection: the module of the tests does not read java.logging. */
    private static void breakLog(@Nullable InvocationHandler filtered) throws ReflectiveOperationException {
        Class<?> filter = Class.forName("java.util.logging.Filter");
        Class<?> type = Class.forName("java.util.logging.Logger");
        Object logger = type.getMethod("getLogger", String.class).invoke(null, "dev.sysgenid");
        Object broken = filtered == null
                ? null
                : Proxy.newProxyInstance(AdversityTest.class.getClassLoader(), new Class<?>[] {filter}, filtered);
        type.getMethod("setFilter", filter).invoke(logger, broken);
    }
}
