// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

/**
 * The numbers by which the kernel names inodes. They say of themselves whose they are, so that a daemon that takes over knows it of
 * nodes of which nothing was noted:
 *
 * <pre>
 *   63       48 47  46 45                    0
 *   | slot     | kind | count                 |
 * </pre>
 *
 * <p>The slot is that of a domain, 0 for the machine's. The count is one row of numbers for the whole mount, never given twice. A
 * domain begins with a count of its own; a node of its slot with a lower one is of a domain that was there before.
 *
 * <p>The nodes of the machine's domain that are not its device are below 16.
 */
final class NodeIds {
    /** The mounted directory. */
    static final long ROOT = 1;

    /** The first count of a device's inode. */
    static final long FIRST = 16;

    static final int DEVICE = 0;
    static final int DIRECTORY = 1;
    static final int GENERATION = 2;
    static final int WATCHERS = 3;
    /** Of the machine's domain only. */
    static final int SOURCES = 4;
    /** As {@link #SOURCES}. */
    static final int HEALTH = 5;

    private static final int KIND_SHIFT = 46;
    private static final int SLOT_SHIFT = 48;
    private static final long COUNT = (1L << KIND_SHIFT) - 1;

    private NodeIds() {}

    static long of(int slot, int kind, long count) {
        return (long) slot << SLOT_SHIFT | (long) kind << KIND_SHIFT | (count & COUNT);
    }

    static int slot(long node) {
        return (int) (node >>> SLOT_SHIFT);
    }

    static long count(long node) {
        return node & COUNT;
    }

    /** What a node is; -1 for what nothing is. */
    static int kind(long node) {
        if (slot(node) > DomainRecords.MOST) {
            return -1;
        }
        if (slot(node) != 0) {
            return (int) (node >>> KIND_SHIFT) & 3;
        }
        if (node >= FIRST) {
            return node <= COUNT ? DEVICE : -1;
        }
        return switch ((int) node) {
            case 1 -> DIRECTORY;
            case 2 -> GENERATION;
            case 3 -> WATCHERS;
            case 5 -> SOURCES;
            case 6 -> HEALTH;
            default -> -1;
        };
    }

    /** The node of a domain that is not its device: one of each kind. */
    static long fixed(int slot, long first, int kind) {
        if (slot != 0) {
            return of(slot, kind, first);
        }
        return switch (kind) {
            case DIRECTORY -> ROOT;
            case GENERATION -> 2;
            case WATCHERS -> 3;
            case SOURCES -> 5;
            default -> 6;
        };
    }

    /**
     * The inode number that stat shows: small, because programs of 32 bits refuse others, and the same for all inodes of a device.
     */
    static long shown(int slot, int kind) {
        if (slot == 0) {
            return kind == DEVICE ? 4 : fixed(0, 0, kind);
        }
        return FIRST + 4L * slot + kind;
    }
}
