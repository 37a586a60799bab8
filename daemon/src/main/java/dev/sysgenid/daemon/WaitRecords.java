// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * When WAITs with a timeout came, so that a successor does not give them all of their time again: entries of
 * {@code { u64 unique, nanoseconds, check; }} in the {@link StateFile}.
 *
 * <p>Belongs to the loop's thread.
 */
final class WaitRecords {
    private static final int SIZE = 24;
    private static final int COUNT = 4096;
    /** Kept for those who may bump the machine. */
    private static final int RESERVE = COUNT / 8;

    private static final long SALT = 0x5741_4954L;

    private final Records records;
    private final long begin;
    /** By request. */
    private final Map<Long, Integer> entries = new HashMap<>();

    private int next;
    /** Those that a predecessor noted and that have not come again. */
    private final Set<Long> unclaimed = new HashSet<>();

    /** Those that begin at {@code begin}. */
    WaitRecords(Records records, long begin) {
        this.records = records;
        this.begin = begin;
    }

    /**
     * A WAIT with a timeout has parked, which came at {@code arrival}. Beyond some thousands they are not noted.
     *
     * @param privileged whether it may take what is kept for those who may bump the machine
     */
    void parked(long unique, long arrival, boolean privileged) {
        if (entries.containsKey(unique)) {
            unclaimed.remove(unique); // it came before, to a predecessor
            return;
        }
        if (!privileged && entries.size() >= COUNT - RESERVE) {
            return;
        }
        for (int tries = 0; tries < COUNT; tries++) {
            int entry = next;
            next = (next + 1) % COUNT;
            long at = begin + (long) entry * SIZE;
            if (records.word(at) == 0) {
                records.setWord(at + 8, arrival);
                records.setWord(at + 16, unique ^ arrival ^ SALT);
                records.setWord(at, unique);
                entries.put(unique, entry);
                return;
            }
        }
    }

    /** A WAIT has been answered. */
    void ended(long unique) {
        if (entries.isEmpty()) {
            return;
        }
        Integer entry = entries.remove(unique);
        if (entry != null) {
            records.setWord(begin + (long) entry * SIZE, 0);
        }
    }

    /** The WAITs that a predecessor noted, by their request, and when they came. Those that damage hit are dropped. */
    Map<Long, Long> earlier() {
        Map<Long, Long> found = new HashMap<>();
        for (int entry = 0; entry < COUNT; entry++) {
            long at = begin + (long) entry * SIZE;
            long unique = records.word(at);
            if (unique == 0) {
                continue;
            }
            long arrival = records.word(at + 8);
            if (records.word(at + 16) == (unique ^ arrival ^ SALT)) {
                found.put(unique, arrival);
                entries.put(unique, entry);
                unclaimed.add(unique);
            } else {
                records.setWord(at, 0);
            }
        }
        return found;
    }

    /** All requests have come again: the {@link #earlier} that have not were answered, or nobody waits any more. */
    void dropUnclaimed() {
        List.copyOf(unclaimed).forEach(this::ended);
        unclaimed.clear();
    }
}
