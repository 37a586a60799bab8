// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.abi.Ioctl;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A million watchers: counted right, each told once, and nothing of them is left when they are gone. */
class MillionTest {
    private static final int MANY = 1_000_000;

    /** What a heap may differ by between two looks, far less than a million of anything. */
    private static final long SLACK_BYTES = 2_000_000;

    /** Counts instead of writing down. */
    private static final class Counting implements Effects {
        int bumps;
        int reads;
        int waits;
        int wakes;

        @Override
        public void bumped(int generation) {
            bumps++;
        }

        @Override
        public void readCompleted(long request, int generation) {
            reads++;
        }

        @Override
        public void readFailed(long request, int errno) {
            throw new AssertionError("nobody is interrupted");
        }

        @Override
        public void waitCompleted(long request, int errnoOrZero) {
            assertThat(errnoOrZero).isZero();
            waits++;
        }

        @Override
        public void wake(Watcher watcher) {
            wakes++;
        }
    }

    @Test
    void aMillionWatchersComeAndGoAndLeaveNothing() {
        Counting effects = new Counting();
        Domain domain = new Domain(Tracking.WRITERS, effects);
        // The first round fills what is allocated once: tables do not shrink.
        WeakReference<Watcher> first = round(domain, effects, 1);
        long before = usedBytes();
        WeakReference<Watcher> second = round(domain, effects, 2);
        long after = usedBytes();

        assertThat(after - before).as("bytes kept of a million watchers").isLessThan(SLACK_BYTES);
        assertThat(first.refersTo(null)).as("a watcher that is gone is garbage").isTrue();
        assertThat(second.refersTo(null))
                .as("a watcher that is gone is garbage")
                .isTrue();
        assertThat(domain.watchers()).isZero();
        assertThat(domain.all()).isEmpty();
    }

    private static WeakReference<Watcher> round(Domain domain, Counting effects, int rounds) {
        Watcher orchestrator = domain.open(false);
        List<Watcher> watchers = new ArrayList<>(MANY);
        for (int i = 0; i < MANY; i++) {
            Watcher watcher = domain.open(true);
            watchers.add(watcher);
            // Half of them sleep in read, half in poll.
            if (i % 2 == 0) {
                same(Domain.PARKED, domain.read(watcher, i, 4, false));
            } else {
                domain.poll(watcher, true);
            }
        }
        same(MANY, domain.tracked());
        same(MANY / 2, domain.parked());

        domain.bump(0, rounds);
        same(rounds, effects.bumps);
        same(rounds * MANY / 2, effects.reads);
        same(rounds * MANY / 2, effects.wakes);
        same(MANY, domain.outdated());

        domain.write(orchestrator, 4, domain.generation());
        int wait = domain.ioctl(orchestrator, MANY, Ioctl.WAIT_WATCHERS, 0, () -> false, 0);
        assertThat(wait).isEqualTo(Domain.PARKED);
        for (int i = 0; i < MANY; i++) {
            same(MANY - i, domain.outdated());
            same(rounds - 1, effects.waits);
            domain.write(watchers.get(i), 4, domain.generation());
        }
        same(rounds, effects.waits);

        // In an order that is neither that of opening nor its opposite.
        for (int i = 0; i < MANY; i++) {
            domain.close(watchers.get((int) (i * 611_953L % MANY)));
        }
        same(1, domain.watchers());
        domain.close(orchestrator);
        return new WeakReference<>(watchers.get(0));
    }

    private static void same(int expected, int actual) {
        if (expected != actual) {
            throw new AssertionError("expected " + expected + ", was " + actual);
        }
    }

    /** After collections, until they find no more. */
    private static long usedBytes() {
        Runtime runtime = Runtime.getRuntime();
        long used = Long.MAX_VALUE;
        while (true) {
            System.gc();
            long now = runtime.totalMemory() - runtime.freeMemory();
            if (now >= used) {
                return now;
            }
            used = now;
        }
    }
}
