// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.core;

import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * What the domain of a machine and those below it have together: one row of numbers for watchers, one for requests, one
 * clock. So a signal, and the end of a time, find their request without asking every domain.
 */
final class Family {
    /** A parked WAIT; {@code arrival} sets apart those with the same deadline. */
    record Wait(long request, Watcher watcher, int timeoutErrno, long deadline, long arrival) {}

    final Domain machine;

    /** The domains below, in order of making. */
    final Set<Domain> below = new LinkedHashSet<>();

    /** The greatest number that was given to a watcher. */
    long opened;

    /** How many WAITs have parked so far. */
    long waits;

    /** Whose each parked request is. */
    final Map<Long, Domain> parked = new HashMap<>();

    /** Those of the parked WAITs that have a deadline, the earliest first. */
    final TreeSet<Wait> deadlines =
            new TreeSet<>(Comparator.comparingLong(Wait::deadline).thenComparingLong(Wait::arrival));

    Family(Domain machine) {
        this.machine = machine;
    }
}
