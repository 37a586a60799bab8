// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.conformance;

/** A call that may block, begun beside the test. */
interface Pending {
    /** What the handler of a signal asks for. */
    enum Signal {
        /** Without SA_RESTART: an interrupted call fails with EINTR. */
        PLAIN,
        /** With SA_RESTART: the kernel makes an interrupted call again, where the callee lets it. */
        RESTARTING
    }

    /**
     * Whether the call blocks: it is not over, and will not be unless something else happens. Whatever was done to the
     * device before is taken in first. This is no matter of waiting a while and hoping.
     */
    boolean isParked();

    /** Waits for the end of the call. Fails the test when it never ends. */
    Outcome await();

    /** Sends the caller a signal. */
    void interrupt(Signal signal);
}
