// SPDX-License-Identifier: Apache-2.0
/**
 * The device's interface, stated line by line as tests against {@link dev.sysgenid.it.conformance.DeviceUnderTest}, and
 * run against each thing that claims to be one: the pure core with a kernel played around it, and the mounted device
 * through real system calls.
 *
 * <p>{@link dev.sysgenid.it.conformance.DeviceConformance} is the suite; one class a topic holds the tests. Where a
 * mounted device cannot do as a driver in the kernel does, {@link dev.sysgenid.it.conformance.Deviation} names it, and
 * {@link dev.sysgenid.it.conformance.DeviationConformance} shows what happens on either side.
 */
@NullMarked
package dev.sysgenid.it.conformance;

import org.jspecify.annotations.NullMarked;
