// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.core;

/**
 * The answer to whether the caller of an ioctl may bump the generation. It is asked only by the commands that bump, so
 * that finding it out may be slow.
 */
@FunctionalInterface
public interface Privilege {
    /** Whether the caller holds the capability, in the user namespace that owns the domain. */
    boolean mayBump();
}
