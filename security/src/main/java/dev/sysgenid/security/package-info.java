// SPDX-License-Identifier: Apache-2.0
/**
 * Random bytes that cannot repeat in a clone of this system: a security provider, UUIDs, and a random generator.
 *
 * <p>The contract, where something tells of restores (the device or VMClock, in a page that can be mapped; CRaC):
 *
 * <ul>
 *   <li>what a call returns was made wholly in the generation that its last look at the generation found;
 *   <li>what was in memory when a snapshot was taken, in any thread's hands, is never returned after a restore;
 *   <li>no call blocks, ends the process, or fails because the generation changes.
 * </ul>
 *
 * <p>Where nothing tells, or only after a clone has begun to run, every call depends on kernel bytes read during the call, unless the user chose otherwise.
 */
@NullMarked
package dev.sysgenid.security;

import org.jspecify.annotations.NullMarked;
