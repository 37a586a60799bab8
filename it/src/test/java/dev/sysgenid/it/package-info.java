// SPDX-License-Identifier: Apache-2.0
/**
 * Tests of the real daemon, mounted, through real system calls and real clients.
 *
 * <ul>
 *   <li>{@link dev.sysgenid.it.Namespace}: where all of this runs, and why nothing of it can be left behind;
 *   <li>{@link dev.sysgenid.it.ServedDevice}: the daemon, for the length of a test;
 *   <li>{@link dev.sysgenid.it.CProgram}, {@link dev.sysgenid.it.Tap}: programs in {@code src/test/c} and {@code
 *       examples/c}, compiled when the tests run, and what they report;
 *   <li>{@link dev.sysgenid.it.Child}: any other process, with a limit on its time.
 * </ul>
 */
@NullMarked
package dev.sysgenid.it;

import org.jspecify.annotations.NullMarked;
