// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.conformance;

import java.util.Set;

/**
 * A device, as its callers see it. Made for one test; whoever made it closes it, and with it every descriptor, mapping
 * and blocked call that the test left.
 */
interface DeviceUnderTest extends AutoCloseable {
    /**
     * open(2) of the device, with the flags of C.
     *
     * @throws Refused when it fails
     */
    OpenFile open(int flags);

    Poller poller();

    /** The current generation, unsigned, found out without being a tracked watcher. */
    int generation();

    /** Bumps, by somebody who may and who is no tracked watcher. */
    void bump(int minimum);

    /** A clock that runs while calls wait, in nanoseconds. */
    long nanoTime();

    /** How this device is known to differ from the driver. */
    Set<Deviation> deviations();

    @Override
    void close();
}
