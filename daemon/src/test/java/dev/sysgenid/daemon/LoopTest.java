// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sysgenid.linux.Clock;
import dev.sysgenid.linux.EventFd;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LoopTest {
    private Loop loop;
    private final List<Integer> descriptors = new ArrayList<>();

    @BeforeEach
    void open() throws SystemCallException {
        loop = new Loop();
    }

    @AfterEach
    void release() {
        loop.close();
        descriptors.forEach(Unistd::close);
    }

    private int readable() {
        int descriptor = EventFd.eventfd(1, EventFd.EFD_CLOEXEC | EventFd.EFD_NONBLOCK);
        assertThat(descriptor).isNotNegative();
        descriptors.add(descriptor);
        return descriptor;
    }

    /** Runs the loop until everything that is ready now, and what was submitted before this, is done. */
    private void runOnce() {
        loop.submit(loop::stop);
        loop.run();
    }

    // Work of other threads.

    @Test
    void whatWasSubmittedBeforeTheStartIsDone() {
        List<String> done = new ArrayList<>();
        loop.submit(() -> done.add("a"));
        loop.submit(() -> done.add("b"));
        runOnce();
        assertThat(done).containsExactly("a", "b");
    }

    @Test
    void anyThreadMaySubmitAndTheLoopsThreadDoesIt() throws Exception {
        int each = 10_000;
        ConcurrentLinkedQueue<Thread> by = new ConcurrentLinkedQueue<>();
        List<List<Integer>> orders = List.of(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
        CountDownLatch left = new CountDownLatch(orders.size());
        for (List<Integer> order : orders) {
            Thread.ofPlatform().daemon().start(() -> {
                for (int i = 0; i < each; i++) {
                    int number = i;
                    loop.submit(() -> {
                        order.add(number);
                        by.add(Thread.currentThread());
                    });
                }
                loop.submit(() -> {
                    left.countDown();
                    if (left.getCount() == 0) {
                        loop.stop();
                    }
                });
            });
        }
        loop.run();
        assertThat(left.getCount()).isZero();
        assertThat(new HashSet<>(by)).isEqualTo(Set.of(Thread.currentThread()));
        List<Integer> inOrder = IntStream.range(0, each).boxed().toList();
        assertThat(orders).allSatisfy(order -> assertThat(order).isEqualTo(inOrder));
    }

    @Test
    void workMaySubmitWork() {
        List<String> done = new ArrayList<>();
        loop.submit(() -> {
            done.add("a");
            loop.submit(() -> {
                done.add("b");
                loop.submit(loop::stop);
            });
        });
        loop.run();
        assertThat(done).containsExactly("a", "b");
    }

    // Descriptors.

    @Test
    void aDescriptorIsServedForAsLongAsItIsReadable() throws Exception {
        int descriptor = EventFd.eventfd(3, EventFd.EFD_SEMAPHORE | EventFd.EFD_CLOEXEC | EventFd.EFD_NONBLOCK);
        descriptors.add(descriptor);
        List<Long> read = new ArrayList<>();
        loop.watch(descriptor, () -> {
            read.add(EventFd.eventfd_read(descriptor));
            if (read.size() == 3) {
                loop.stop();
            }
        });
        loop.run();
        assertThat(read).containsExactly(1L, 1L, 1L);
    }

    /** More than one wait can tell of. */
    @Test
    void manyDescriptorsAreAllServed() throws Exception {
        Set<Integer> served = new HashSet<>();
        for (int i = 0; i < 500; i++) {
            int descriptor = readable();
            loop.watch(descriptor, () -> {
                EventFd.eventfd_read(descriptor);
                served.add(descriptor);
                if (served.size() == 500) {
                    loop.stop();
                }
            });
        }
        loop.run();
        assertThat(served).hasSize(500);
    }

    @Test
    void stopEndsItAfterWhatIsBeingDone() throws Exception {
        List<String> done = new ArrayList<>();
        for (String name : List.of("a", "b")) {
            int descriptor = readable();
            loop.watch(descriptor, () -> {
                loop.stop();
                EventFd.eventfd_read(descriptor);
                done.add(name);
            });
        }
        loop.run();
        assertThat(done).hasSize(1);
        // What was not served is not lost: the loop can run again.
        loop.run();
        assertThat(done).containsExactlyInAnyOrder("a", "b");
    }

    @Test
    void aDescriptorThatCannotBeWatched() {
        assertThatThrownBy(() -> loop.watch(-1, () -> {}))
                .isInstanceOf(SystemCallException.class)
                .hasMessageContaining("EBADF");
        int file = Unistd.open("/proc/self/status", Unistd.O_CLOEXEC, 0);
        descriptors.add(file);
        assertThatThrownBy(() -> loop.watch(file, () -> {}))
                .isInstanceOf(SystemCallException.class)
                .hasMessageContaining("EPERM");
    }

    /** One that wants to be called without end leaves descriptors, deadlines and submitted work their turn. */
    @Test
    void whoIsCalledAgainAndAgainHoldsUpNobody() throws Exception {
        List<String> done = new ArrayList<>();
        int descriptor = readable();
        loop.watch(descriptor, () -> {
            EventFd.eventfd_read(descriptor);
            done.add("descriptor");
            loop.submit(() -> done.add("submitted"));
            loop.wakeAt(1);
        });
        loop.onDeadline(() -> {
            done.add("deadline");
            loop.stop();
        });
        long[] called = {0};
        loop.again(new Loop.Handler() {
            @Override
            public void ready() {
                called[0]++;
                loop.again(this);
            }
        });
        loop.run();
        assertThat(done).startsWith("descriptor").contains("deadline");
        assertThat(called[0]).isPositive();
        loop.wakeAt(Long.MAX_VALUE);
        runOnce();
        assertThat(done).contains("submitted");
    }

    // Deadlines.

    @Test
    void theClockIsTheTimers() {
        for (int i = 0; i < 1000; i++) {
            long before = loop.now();
            long kernel = Clock.gettime(Clock.CLOCK_MONOTONIC);
            assertThat(kernel).isBetween(before, loop.now());
        }
    }

    @Test
    void aDeadlineIsToldOnceAndNotBeforeItsTime() {
        List<Long> told = new ArrayList<>();
        loop.onDeadline(() -> {
            told.add(loop.now());
            loop.submit(loop::stop);
        });
        long deadline = loop.now() + 20_000_000;
        loop.wakeAt(deadline);
        loop.run();
        assertThat(told).hasSize(1);
        assertThat(told.getFirst()).isGreaterThanOrEqualTo(deadline);
        runOnce();
        assertThat(told).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(longs = {Long.MIN_VALUE, -1, 0, 1, 1_000_000})
    void aDeadlineInThePastIsToldAtOnce(long deadline) {
        int[] told = {0};
        loop.onDeadline(() -> {
            told[0]++;
            loop.stop();
        });
        loop.wakeAt(deadline);
        loop.run();
        assertThat(told[0]).isEqualTo(1);
        // The same again is a deadline again.
        loop.wakeAt(deadline);
        loop.run();
        assertThat(told[0]).isEqualTo(2);
    }

    @Test
    void aDeadlineThatIsTakenBackIsNotTold() {
        int[] told = {0};
        loop.onDeadline(() -> told[0]++);
        loop.wakeAt(1);
        loop.wakeAt(Long.MAX_VALUE);
        runOnce();
        assertThat(told[0]).isZero();
    }

    @Test
    void aLaterDeadlineTakesThePlaceOfAnEarlierOne() {
        int[] told = {0};
        loop.onDeadline(() -> told[0]++);
        loop.wakeAt(1);
        loop.wakeAt(loop.now() + 3_600_000_000_000L);
        runOnce();
        assertThat(told[0]).isZero();
    }

    @Test
    void anEarlierDeadlineTakesThePlaceOfALaterOne() {
        loop.onDeadline(loop::stop);
        loop.wakeAt(loop.now() + 3_600_000_000_000L);
        loop.wakeAt(1);
        loop.run();
    }

    @Test
    void deadlinesThatLeadToDeadlines() {
        List<Long> told = new ArrayList<>();
        long start = loop.now();
        loop.onDeadline(() -> {
            told.add(loop.now() - start);
            if (told.size() == 5) {
                loop.stop();
            } else {
                loop.wakeAt(start + told.size() * 1_000_000L);
            }
        });
        loop.wakeAt(start);
        loop.run();
        for (int i = 0; i < 5; i++) {
            assertThat(told.get(i)).isGreaterThanOrEqualTo(i * 1_000_000L);
        }
    }

    @Test
    void withoutAnActionADeadlineIsNothing() {
        loop.wakeAt(1);
        runOnce();
    }

    // Its end.

    @Test
    void leavesNoDescriptor() throws Exception {
        long before = Descriptors.leadingTo("anon_inode:");
        try (Loop other = new Loop()) {
            assertThat(Descriptors.leadingTo("anon_inode:")).isEqualTo(before + 3);
            other.wakeAt(1);
        }
        assertThat(Descriptors.leadingTo("anon_inode:")).isEqualTo(before);
    }
}
