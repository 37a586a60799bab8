// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

/**
 * When a listener is called, relative to others: in this order. A phase begins when the listeners of the one before it
 * have returned or thrown, or when they have had {@link SysGenId#PATIENCE} and are still not done.
 */
public enum Phase {
    /** Random number generators and what seeds them: everything else may draw from these. */
    ENTROPY,
    /** Secrets, identifiers and whatever was computed from entropy. */
    CACHES,
    /** Connections, leases and registrations: what presents the program to others. */
    CONNECTIONS
}
