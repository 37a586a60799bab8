// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.abi.Generation;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * A line for each bump; in a storm, the first few of each second and a count of the others. Restores have an allowance of
 * their own, and so has the machine's domain: whoever bumps a domain below it in a loop hides neither.
 *
 * <p>Belongs to the loop's thread.
 */
final class BumpLog implements Surroundings.Journal {
    /** Of each of the three. */
    static final int LINES_A_SECOND = 10;

    private static final long SECOND = 1_000_000_000L;

    private final Consumer<String> log;
    private final LongSupplier clock;
    private final Allowance restores = new Allowance();
    private final Allowance machines = new Allowance();
    private final Allowance domains = new Allowance();

    private static final class Allowance {
        long secondBegan = Long.MIN_VALUE;
        int lines;
        int unsaid;

        boolean isUsedUp(long now) {
            if (secondBegan == Long.MIN_VALUE || now - secondBegan > SECOND) {
                secondBegan = now;
                lines = 0;
            }
            if (lines == LINES_A_SECOND) {
                unsaid++;
                return true;
            }
            lines++;
            return false;
        }
    }

    /** Writes to {@code log}; {@code clock} counts nanoseconds. */
    BumpLog(Consumer<String> log, LongSupplier clock) {
        this.log = log;
        this.clock = clock;
    }

    @Override
    public void bumped(String domain, int generation, int outdated, String by) {
        say(domain.isEmpty() ? machines : domains, domain, generation, outdated, by);
    }

    @Override
    public void restored(int generation, int outdated, String by) {
        say(restores, "", generation, outdated, by);
    }

    private void say(Allowance allowance, String domain, int generation, int outdated, String by) {
        if (allowance.isUsedUp(clock.getAsLong())) {
            return;
        }
        // Not String.format, whose first use takes longer than everything else that a bump does.
        log.accept((domain.isEmpty() ? "" : "domain " + domain + ": ") + "generation " + Generation.toString(generation)
                + ", by " + by + "; " + outdated
                + (outdated == 1 ? " watcher" : " watchers") + " outdated"
                + (allowance.unsaid == 0 ? "" : "; " + allowance.unsaid + " bumps before this one were not shown"));
        allowance.unsaid = 0;
    }
}
