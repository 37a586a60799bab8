// SPDX-License-Identifier: Apache-2.0
/** Real restores: processes and containers that CRIU dumps once and restores more than once. */
@NullMarked
package dev.sysgenid.it.criu;

import org.jspecify.annotations.NullMarked;
