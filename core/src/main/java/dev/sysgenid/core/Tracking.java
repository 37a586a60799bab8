// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.core;

/**
 * The rule by which a watcher is tracked from its open on. A tracked watcher is counted while it is outdated, and a
 * WAIT waits for it. Every watcher can change this for itself later, under either rule.
 */
public enum Tracking {
    /** Who opened for writing is tracked: it can ack. Who opened for reading only could never ack, and is not. */
    WRITERS,

    /** Nobody is tracked until it asks: the rule of the driver that Amazon Linux ships. */
    OPT_IN
}
