// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sysgenid.abi.Ioctl;
import dev.sysgenid.abi.Page;
import dev.sysgenid.core.Domain;
import dev.sysgenid.core.Effects;
import dev.sysgenid.core.Privilege;
import dev.sysgenid.core.Tracking;
import dev.sysgenid.core.Watcher;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Mman;
import dev.sysgenid.linux.Poll;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import org.jetbrains.lincheck.LincheckAssertionError;
import org.jetbrains.lincheck.datastructures.BooleanGen;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.StressOptions;
import org.jetbrains.lincheck.datastructures.Validate;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Whatever several threads ask of the mounted device at once, its answers are those of the state machine asked by one
 * thread in some order that fits: Lincheck makes up the calls, has them made in parallel, and looks for such an order. That
 * is the state machine, the daemon's loop, what it keeps of an answer, and the kernel's part, as one thing.
 *
 * <p>Each time there is a new domain below the machine's, with a generation of its own, which is counted from its first one on
 * here, and bumped with the machine's.
 */
class LinearizableIT {
    private static final int ITERATIONS = Integer.getInteger("sysgenid.it.lincheck.iterations", 4);
    private static final int WATCHERS = 2;

    /** Where the device is: it is Lincheck that makes the objects below. */
    private static Path mount = Path.of("/nowhere");

    @ParameterizedTest
    @ValueSource(strings = {"passthrough", "store"})
    void answersAreAsOfOneThread(String mapping) {
        try (ServedDevice device = ServedDevice.start("--mapping", mapping)) {
            mount = device.mount();
            new StressOptions()
                    .iterations(ITERATIONS)
                    .invocationsPerIteration(200)
                    .threads(3)
                    .actorsPerThread(4)
                    .sequentialSpecification(OneThread.class)
                    .check(Calls.class);
        }
    }

    /** That the test above can fail: an ack of whatever is newest, in two calls, between which there may be a bump. */
    @ParameterizedTest
    @ValueSource(strings = {"passthrough", "store"})
    void anAckInTwoCallsIsFoundOut(String mapping) {
        try (ServedDevice device = ServedDevice.start("--mapping", mapping)) {
            mount = device.mount();
            assertThatThrownBy(() -> new StressOptions()
                            .iterations(100)
                            .invocationsPerIteration(200)
                            .threads(2)
                            .actorsPerThread(4)
                            .minimizeFailedScenario(false)
                            .sequentialSpecification(AtOnce.class)
                            .check(InTwoCalls.class))
                    .isInstanceOf(LincheckAssertionError.class)
                    .hasMessageContaining("Invalid execution results");
        }
    }

    /** Of a domain of the mounted device, two of whose watchers are tracked. */
    @Param(name = "watcher", gen = IntGen.class, conf = "0:1")
    @Param(name = "generation", gen = IntGen.class, conf = "0:3")
    @Param(name = "on", gen = BooleanGen.class)
    public static class Calls {
        private final Path directory = mount.resolve("calls");
        private final int machine;
        private final int[] watchers = new int[WATCHERS];
        private final MemorySegment page;
        private final int first;

        public Calls() {
            check(Unistd.mkdir(directory.toString(), 0755), "mkdir");
            machine = open(mount, Unistd.O_RDONLY);
            for (int i = 0; i < WATCHERS; i++) {
                watchers[i] = open(directory, Unistd.O_RDWR | Unistd.O_NONBLOCK);
            }
            try {
                page = Mman.mmap(4096, Mman.PROT_READ, Mman.MAP_SHARED, watchers[0], 0);
            } catch (SystemCallException e) {
                throw new UncheckedIOException(e);
            }
            first = page.get(ValueLayout.JAVA_INT, Page.GENERATION_OFFSET);
        }

        private static int open(Path domain, int flags) {
            return check(Unistd.open(domain.resolve("sysgenid").toString(), flags | Unistd.O_CLOEXEC, 0), "open");
        }

        private static int check(int result, String what) {
            assertThat(result).as(what).isNotNegative();
            return result;
        }

        @Operation
        public int bump() {
            return Unistd.ioctl(watchers[0], Ioctl.TRIGGER_GEN_UPDATE, 0L);
        }

        @Operation
        public int bumpTheMachine() {
            return Unistd.ioctl(machine, Ioctl.TRIGGER_GEN_UPDATE, 0L);
        }

        @Operation
        public int acknowledge(@Param(name = "watcher") int watcher, @Param(name = "generation") int generation) {
            try (Arena arena = Arena.ofConfined()) {
                return (int) Unistd.pwrite(
                        watchers[watcher],
                        arena.allocateFrom(ValueLayout.JAVA_INT, first + generation),
                        Integer.BYTES,
                        0);
            }
        }

        @Operation
        public int read(@Param(name = "watcher") int watcher) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment generation = arena.allocate(ValueLayout.JAVA_INT);
                int length = (int) Unistd.pread(watchers[watcher], generation, Integer.BYTES, 0);
                return length < 0 ? length : generation.get(ValueLayout.JAVA_INT, 0) - first;
            }
        }

        @Operation
        public int poll(@Param(name = "watcher") int watcher) {
            return Poll.poll(watchers[watcher], Poll.POLLIN, 0);
        }

        @Operation
        public int track(@Param(name = "watcher") int watcher, @Param(name = "on") boolean on) {
            return Unistd.ioctl(watchers[watcher], Ioctl.SET_WATCHER_TRACKING, on ? 1L : 0L);
        }

        @Operation
        public int outdated() {
            return Unistd.ioctl(watchers[1], Ioctl.V4_GET_OUTDATED_WATCHERS, 0L);
        }

        @Operation
        public int shown() {
            return page.get(ValueLayout.JAVA_INT, Page.GENERATION_OFFSET) - first;
        }

        /** At the end of each attempt: all is given back, and then the domain can be removed. */
        @Validate
        public void end() {
            Mman.munmap(page);
            Unistd.close(machine);
            for (int watcher : watchers) {
                Unistd.close(watcher);
            }
            int removed = Unistd.rmdir(directory.toString());
            for (long end = System.nanoTime() + Child.LIMIT.toNanos();
                    removed == -Errno.EBUSY && System.nanoTime() < end;
                    removed = Unistd.rmdir(directory.toString())) {
                Thread.onSpinWait(); // the kernel tells of the end of a mapping a little later
            }
            check(removed, "rmdir");
        }
    }

    /** What the answers are held against. */
    public static class OneThread {
        private static final Privilege ROOT = () -> true;
        private final Domain machine = new Domain(Tracking.WRITERS, new Unseen());
        private final Domain domain = new Domain(machine, new Unseen(), 0, 0);
        private final Watcher[] watchers = {domain.open(true), domain.open(true)};

        public int bump() {
            return domain.ioctl(watchers[0], 0, Ioctl.TRIGGER_GEN_UPDATE, 0, ROOT, 0);
        }

        public int bumpTheMachine() {
            machine.bump(0, 0);
            return 0;
        }

        public int acknowledge(int watcher, int generation) {
            return domain.write(watchers[watcher], Integer.BYTES, generation);
        }

        public int read(int watcher) {
            int result = domain.read(watchers[watcher], 0, Integer.BYTES, true);
            return result < 0 ? result : domain.generation();
        }

        public int poll(int watcher) {
            return domain.poll(watchers[watcher], false) & Domain.POLLIN;
        }

        public int track(int watcher, boolean on) {
            return domain.ioctl(watchers[watcher], 0, Ioctl.SET_WATCHER_TRACKING, on ? 1 : 0, ROOT, 0);
        }

        public int outdated() {
            return domain.outdated();
        }

        public int shown() {
            return domain.generation();
        }
    }

    /** An ack of the newest generation, which looks for it first. */
    public static class InTwoCalls extends Calls {
        @Operation
        public int acknowledgeTheNewest() {
            return acknowledge(1, shown());
        }
    }

    /** The same, if it were one. */
    public static class AtOnce extends OneThread {
        public int acknowledgeTheNewest() {
            return acknowledge(1, shown());
        }
    }

    /** Nobody here waits for what happens to him. */
    private static final class Unseen implements Effects {
        @Override
        public void bumped(int generation) {}

        @Override
        public void readCompleted(long request, int generation) {}

        @Override
        public void readFailed(long request, int errno) {}

        @Override
        public void waitCompleted(long request, int errnoOrZero) {}

        @Override
        public void wake(Watcher watcher) {}
    }
}
