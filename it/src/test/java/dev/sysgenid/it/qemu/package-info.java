// SPDX-License-Identifier: Apache-2.0
/** Virtual machines that are snapshotted once and restored more than once, with the daemon running inside of them. */
@NullMarked
package dev.sysgenid.it.qemu;

import org.jspecify.annotations.NullMarked;
