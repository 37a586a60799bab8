// SPDX-License-Identifier: Apache-2.0
/**
 * The numbers of the System Generation ID interface: ioctl commands, the layout of the mapped page, and the arithmetic
 * of the generation. Constants and pure functions only.
 */
@NullMarked
package dev.sysgenid.abi;

import org.jspecify.annotations.NullMarked;
