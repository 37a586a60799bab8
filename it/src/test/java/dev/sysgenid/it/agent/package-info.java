// SPDX-License-Identifier: Apache-2.0
/** The agent against the daemon, mounted: in applications that nobody changed, and put into programs that run. */
@NullMarked
package dev.sysgenid.it.agent;

import org.jspecify.annotations.NullMarked;
