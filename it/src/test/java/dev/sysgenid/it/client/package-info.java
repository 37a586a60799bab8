// SPDX-License-Identifier: Apache-2.0
/** Tests of the Java client on the device, as the daemon serves it. */
@NullMarked
package dev.sysgenid.it.client;

import org.jspecify.annotations.NullMarked;
