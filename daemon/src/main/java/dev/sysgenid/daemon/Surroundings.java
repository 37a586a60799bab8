// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.fuse.Connection;
import dev.sysgenid.fuse.Request;

/**
 * What the devices of one mount have together.
 *
 * @param reclaim takes in what the kernel has to say of inodes that it forgets, before all else
 * @param freshen makes the kernel's random numbers fresh, at each bump before anybody is told
 * @param state whose domains these continue
 */
record Surroundings(
        Connection connection,
        Pages pages,
        Callers callers,
        Privileges privileges,
        Loop loop,
        Runnable reclaim,
        Runnable freshen,
        Journal journal,
        StateFile state,
        Quotas quotas) {

    /** Who may bump, and who may do what is the machine's administrator's. */
    @FunctionalInterface
    interface Privileges {
        /**
         * Whether a caller may bump a domain.
         *
         * @param owner in which, beside the daemon's own, a capability counts; {@link UserNamespace#NONE}: in no other
         */
        boolean mayBump(Request.Header caller, UserNamespace owner);
    }

    /** Told of each bump, for people. */
    @FunctionalInterface
    interface Journal {
        /** Names the domain; with nothing, the machine's. */
        void bumped(String domain, int generation, int outdated, String by);

        /** The machine was bumped because {@code by} says that it was restored. */
        default void restored(int generation, int outdated, String by) {
            bumped("", generation, outdated, by);
        }
    }
}
