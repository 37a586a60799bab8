// SPDX-License-Identifier: Apache-2.0
/**
 * What tells the daemon that the system was restored: a class for each way, behind {@link
 * dev.sysgenid.daemon.source.Source}; and the kernel's random numbers, which must be fresh before anybody else is told. They
 * know nothing of generations and watchers.
 */
@NullMarked
package dev.sysgenid.daemon.source;

import org.jspecify.annotations.NullMarked;
