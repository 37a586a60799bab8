// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is looked at: pages good and bad, the stamp, and the VMClock page. */
class StampTest {
    @TempDir
    Path directory;

    @Test
    void withinOneGenerationTheStampStandsStill() throws Exception {
        Path page = Pages.create(directory.resolve("page"));
        Pages.store(page, 7);
        try (SysGenId id = SysGenId.open(page)) {
            assertThat(id.generation()).isEqualTo(7);
            long stamp = id.stamp();
            for (int i = 0; i < 1000; i++) {
                assertThat(id.stamp()).isEqualTo(stamp);
            }
            Pages.store(page, 8);
            assertThat(id.generation()).isEqualTo(8);
            assertThat(id.stamp()).isNotEqualTo(stamp);
            assertThat(id.isKnown()).isTrue();
            assertThat(id.isGuarded()).isTrue();
            assertThat(id.isImmediate()).isTrue();
            assertThat(id).hasToString("SysGenId[" + page + ", generation 8]");
        }
    }

    /** Numbers of the upper half, and back: no sign, no order. */
    @Test
    void everyGenerationIsAnotherStamp() throws Exception {
        Path page = Pages.create(directory.resolve("page"));
        int[] generations = {0, 1, Integer.MAX_VALUE, Integer.MIN_VALUE, -2, -1, 5};
        try (SysGenId id = SysGenId.open(page)) {
            java.util.Set<Long> stamps = new java.util.HashSet<>();
            for (int generation : generations) {
                Pages.store(page, generation);
                assertThat(id.generation()).isEqualTo(generation);
                assertThat(stamps.add(id.stamp())).isTrue();
                assertThat(SysGenId.isKnown(id.stamp())).isTrue();
                id.trigger();
                assertThat(stamps.add(id.stamp())).isTrue();
            }
        }
    }

    /** The code that looks at a device's page, on a page that is a file. */
    @Test
    void aMappedPageIsSeenThroughTheProcessWideConstant() throws Exception {
        Path file = Pages.create(directory.resolve("page"));
        Path other = Pages.create(directory.resolve("other"));
        Pages.store(other, 100);
        Page mapped = map(file);
        Page before = new Page.Held(-5);
        ProcessPage.show(before);
        assertThat(ProcessPage.load()).isEqualTo(-5);
        ProcessPage.show(mapped);
        for (int generation = 1; generation <= 20_000; generation++) {
            if (generation % 1000 == 0) {
                Pages.store(file, generation);
            }
            assertThat(ProcessPage.load()).isEqualTo(generation / 1000 * 1000);
            assertThat(mapped.load()).isEqualTo(ProcessPage.load());
        }
        ProcessPage.show(map(other));
        assertThat(ProcessPage.load()).isEqualTo(100);
        ProcessPage.show(new Page.Held(0));
        assertThat(ProcessPage.load()).isZero();
    }

    private static Page map(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            return MappedPage.map(channel);
        }
    }

    @Test
    void whatIsNoDeviceIsRefusedByName() throws Exception {
        assertThatThrownBy(() -> SysGenId.open(directory.resolve("absent"))).isInstanceOf(NoSuchFileException.class);
        assertRefused(directory, "is neither a regular file nor a character device");
        assertRefused(Pages.write(directory.resolve("empty"), new byte[0]), "has 0 bytes, and a page has 4096");
        assertRefused(Pages.write(directory.resolve("short"), new byte[4095]), "has 4095 bytes, and a page has 4096");
        assertRefused(Path.of("/dev/null"), "is a character device of another kind");
        assertRefused(Path.of("/dev/zero"), "is a character device of another kind");
    }

    /** To open a pipe for reading blocks until somebody writes. */
    @Test
    void aPipeInItsPlaceHangsNobody() throws Exception {
        Path pipe = directory.resolve("pipe");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor())
                .isZero();
        assertRefused(pipe, "is neither a regular file nor a character device");
    }

    @Test
    void aPlainFileStandsInOnlyWhereAUserNamedIt() {
        Path page = Pages.create(directory.resolve("page"));
        assertThatThrownBy(() -> DeviceDomain.attach(page, false))
                .isInstanceOf(UnusableDeviceException.class)
                .hasMessageContaining("is a plain file, which nobody would ever change");
    }

    private static void assertRefused(Path path, String why) {
        assertThatThrownBy(() -> SysGenId.open(path))
                .isInstanceOf(FileSystemException.class)
                .hasMessageContaining(path.toString())
                .hasMessageContaining(why);
    }

    @Test
    void aTruncatedPageIsUnknownUntilItIsBack() throws Exception {
        Path page = Pages.create(directory.resolve("page"));
        Pages.store(page, 9);
        try (SysGenId id = SysGenId.open(page)) {
            long stamp = id.stamp();
            assertThat(id.generation()).isEqualTo(9);
            Pages.write(page, new byte[0]);
            long first = id.stamp();
            long second = id.stamp();
            assertThat(first).isNotEqualTo(stamp);
            assertThat(second).isNotEqualTo(first);
            assertThat(id.isKnown()).isFalse();
            assertThat(id.generation()).as("the last one seen").isEqualTo(9);
            assertThat(id).hasToString("SysGenId[" + page + ", generation unknown]");
            assertThat(id.isGuarded()).isTrue();

            // The same number, but who knows what was in between.
            byte[] content = new byte[4096];
            ByteBuffer.wrap(content).order(ByteOrder.nativeOrder()).putInt(0, 9);
            Pages.write(page, content);
            Pages.until("known again", id::isKnown);
            assertThat(id.generation()).isEqualTo(9);
            assertThat(id.stamp()).isNotIn(stamp, first, second).isEqualTo(id.stamp());
        }
    }

    /** As a device whose daemon came back: counts from 0 again, and may reach the old number. */
    @Test
    void aReplacedPageIsAnotherDomain() throws Exception {
        Path page = Pages.create(directory.resolve("page"));
        Pages.store(page, 9);
        try (SysGenId id = SysGenId.open(page)) {
            long nine = id.stamp();
            Path next = Pages.create(directory.resolve("next"));
            Pages.store(next, 3);
            Files.move(next, page, StandardCopyOption.REPLACE_EXISTING);
            Pages.until("the new file is looked at", () -> id.isKnown() && id.generation() == 3);
            long three = id.stamp();
            assertThat(three).isNotEqualTo(nine);
            Pages.store(page, 9);
            assertThat(id.stamp()).isNotIn(nine, three);
        }
    }

    @Test
    void anInterruptedThreadMayLook() throws Exception {
        Path page = Pages.create(directory.resolve("page"));
        try (SysGenId id = SysGenId.open(page);
                Watcher watcher = id.watcher(() -> {})) {
            long stamp = id.stamp();
            Thread.currentThread().interrupt();
            assertThat(id.stamp()).isEqualTo(stamp);
            assertThat(watcher.acknowledge(watcher.next())).isTrue();
            assertThat(Thread.interrupted()).isTrue();
            assertThat(id.isKnown()).isTrue();
        }
    }

    @Test
    void onceClosedTheGenerationIsUnknown() throws Exception {
        SysGenId id = SysGenId.open(Pages.create(directory.resolve("page")));
        id.close();
        id.close();
        assertThat(id.isKnown()).isFalse();
        assertThat(id.stamp()).isNotEqualTo(id.stamp());
        assertThatThrownBy(() -> id.watch(generation -> {})).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> id.watcher(() -> {})).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void onceClosedNobodyCanBeAskedAboutOthers() {
        SysGenId id = SysGenId.inProcess();
        id.close();
        assertThatThrownBy(id::outdatedWatchers).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> id.awaitAcknowledged(java.time.Duration.ZERO))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void theProcessWideOneIsOneAndCannotBeClosed() {
        SysGenId id = SysGenId.open();
        long stamp = id.stamp();
        id.close();
        assertThat(SysGenId.open()).isSameAs(id);
        assertThat(id.stamp()).isEqualTo(stamp);
    }

    @Test
    void aCloneIsSeenOnTheClockAlone() {
        ByteBuffer memory = clock(0x100, 41);
        VmClock clock = VmClock.of(memory);
        assertThat(clock).isNotNull();
        try (SysGenId id = SysGenId.inProcess(clock)) {
            assertThat(id.isGuarded()).isTrue();
            long stamp = id.stamp();
            assertThat(id.stamp()).isEqualTo(stamp);
            memory.putLong(0x10, 5); // a live migration: the marker changes, the counter does not
            assertThat(id.stamp()).isEqualTo(stamp);
            memory.putLong(0x68, 42);
            long cloned = id.stamp();
            assertThat(cloned).isNotEqualTo(stamp);
            assertThat(id.stamp()).isEqualTo(cloned);
        }
    }

    @Test
    void listenersLearnOfACloneThatOnlyTheClockShows() {
        ByteBuffer memory = clock(0x100, 1);
        try (SysGenId id = SysGenId.inProcess(VmClock.of(memory))) {
            java.util.concurrent.atomic.AtomicInteger calls = new java.util.concurrent.atomic.AtomicInteger();
            id.watch(generation -> calls.incrementAndGet());
            memory.putLong(0x68, 2);
            Pages.until("the listener is called", () -> calls.get() == 1);
        }
    }

    /** What Java 17 does, and anybody without native access. */
    @Test
    void aClockThatCannotBeMappedIsReadNowAndThen() throws Exception {
        ByteBuffer page = clock(0x100, 41);
        Path device = storeClock("vmclock", page);
        VmClock clock = VmClock.reading(device);
        assertThat(clock).isNotNull();
        assertThat(clock.isMapped()).isFalse();
        try (SysGenId id = SysGenId.inProcess(clock)) {
            assertThat(id.isGuarded())
                    .as("it tells, but not before the clone runs")
                    .isEqualTo(Crac.isAvailable());
            java.util.concurrent.atomic.AtomicInteger calls = new java.util.concurrent.atomic.AtomicInteger();
            id.watch(generation -> calls.incrementAndGet());
            long stamp = id.stamp();
            page.putLong(0x68, 42);
            storeClock("vmclock", page);
            Pages.until("the stamp is another one", () -> id.stamp() != stamp);
            Pages.until("the listener is called", () -> calls.get() == 1);
            long cloned = id.stamp();
            assertThat(id.stamp()).isEqualTo(cloned);

            // What cannot be read, or is another thing, says nothing.
            Files.write(device, new byte[16]);
            clock.read();
            Files.write(device, new byte[4096]);
            clock.read();
            Files.delete(device);
            clock.read();
            assertThat(id.stamp()).isEqualTo(cloned);
        }
        assertThat(VmClock.reading(device)).isNull();
        assertThat(VmClock.reading(storeClock("none", clock(0, 41)))).isNull();
    }

    private Path storeClock(String name, ByteBuffer page) throws IOException {
        byte[] bytes = new byte[page.capacity()];
        page.duplicate().get(0, bytes);
        Path next = Files.write(directory.resolve("next"), bytes);
        return Files.move(next, directory.resolve(name), StandardCopyOption.REPLACE_EXISTING);
    }

    @Test
    void aClockWithoutACounterIsNone() {
        assertThat(VmClock.of(clock(0, 41)))
                .as("flag 8 is not set, as on stock QEMU")
                .isNull();
        assertThat(VmClock.of(ByteBuffer.allocateDirect(4096))).as("no magic").isNull();
        assertThat(VmClock.of(ByteBuffer.allocateDirect(16))).as("too short").isNull();
        assertThat(VmClock.find(directory.resolve("absent"))).isNull();
    }

    private static ByteBuffer clock(long flags, long counter) {
        ByteBuffer memory = ByteBuffer.allocateDirect(4096).order(ByteOrder.LITTLE_ENDIAN);
        memory.putInt(0, 0x4b4c4356).putLong(0x18, flags).putLong(0x68, counter);
        return memory;
    }

    @Test
    void withoutADeviceNothingGuardsUnlessTheJvmItselfDoes() {
        try (SysGenId id = SysGenId.inProcess()) {
            assertThat(id.isGuarded()).isEqualTo(Crac.isAvailable());
            assertThat(id.generation()).isZero();
            long stamp = id.stamp();
            id.trigger();
            assertThat(id.generation()).isEqualTo(1);
            assertThat(id.stamp()).isNotEqualTo(stamp);
            assertThat(id).hasToString("SysGenId[in process, generation 1]");
        }
    }
}
