// SPDX-License-Identifier: Apache-2.0
/** The agent against the daemon, mounted, and the command that puts it into a program that runs. */
@NullMarked
package dev.sysgenid.it.agent;

import org.jspecify.annotations.NullMarked;
