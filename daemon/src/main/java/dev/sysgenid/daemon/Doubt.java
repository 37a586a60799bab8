// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

/**
 * What the {@link StateFile} says of damage to itself, so that whoever takes over from a daemon that was mending it goes on with that.
 *
 * <p>Belongs to the loop's thread.
 */
final class Doubt {
    private static final long DOUBT = 488;
    private static final long WAKING_ALL = 496;
    private static final long LOST_NODES = 512;
    private static final long LOST_HANDLES = 528;

    /** Yes, and no bit that flips makes a no of it. */
    private static final long YES = -1;

    private final Records records;

    Doubt(Records records) {
        this.records = records;
    }

    /** Something is damaged. To be noted before any of it is mended. */
    void arises() {
        records.setWord(DOUBT, YES);
    }

    /** Whether something is damaged, and the generation has not yet changed for that. */
    boolean isThere() {
        return records.word(DOUBT) != 0;
    }

    /** All has been mended, and everybody was told, or will be when {@link #isWakingAll}. */
    void ends() {
        records.setWord(DOUBT, 0);
    }

    /** Whether pollers whose names are lost are still to be woken: {@link WakeAll}. */
    boolean isWakingAll() {
        return records.word(WAKING_ALL) != 0;
    }

    void setWakingAll(boolean waking) {
        records.setWord(WAKING_ALL, waking ? YES : 0);
    }

    /**
     * The kernel may know nodes and open files below these numbers of which nothing is noted. That is so for good; to be called while
     * {@link #isThere}, for a kill in between makes them unreadable.
     *
     * @param nodes a count of {@link NodeIds}
     */
    void setLost(long nodes, long handles) {
        records.count(LOST_NODES, nodes);
        records.count(LOST_HANDLES, handles);
    }

    /** 0: nothing was ever lost. -1: that is damaged. */
    long lostNodes() {
        return records.counter(LOST_NODES, 0);
    }

    /** As {@link #lostNodes}. */
    long lostHandles() {
        return records.counter(LOST_HANDLES, 0);
    }
}
