// SPDX-License-Identifier: Apache-2.0
/** What a clone would repeat: a class for each, listed in {@link dev.sysgenid.agent.mends.Mends}. */
@NullMarked
package dev.sysgenid.agent.mends;

import org.jspecify.annotations.NullMarked;
