// SPDX-License-Identifier: Apache-2.0
/**
 * The state machine behind the device: a {@linkplain dev.sysgenid.core.Domain domain}, its generation, its
 * {@linkplain dev.sysgenid.core.Watcher watchers}, and the calls that are parked until something happens.
 *
 * <ul>
 *   <li>Inputs are method calls of {@link dev.sysgenid.core.Domain}; they return a result in the kernel's convention.
 *   <li>Outputs beyond the result go to {@link dev.sysgenid.core.Effects}, from within the method that caused them.
 *   <li>Nothing blocks, nothing reads a clock, nothing is logged, no thread is started: time and privilege come in as
 *       arguments. The same inputs always give the same outputs.
 *   <li>Nothing is synchronized: one thread at a time may use a domain and its watchers.
 *   <li>No call costs more because of watchers that are merely there.
 * </ul>
 */
@NullMarked
package dev.sysgenid.core;

import org.jspecify.annotations.NullMarked;
