// SPDX-License-Identifier: Apache-2.0
/**
 * The System Generation ID for Java programs: whoever holds something unique learns that the system was restored from a
 * snapshot, renews it, and says so.
 *
 * <ul>
 *   <li>{@link dev.sysgenid.SysGenId}: the device, or what stands in for it; start here;
 *   <li>{@link dev.sysgenid.PerGeneration}: a value that is made anew in each generation;
 *   <li>{@link dev.sysgenid.Guarded}: the outcome of an action, and whether it lay within one generation;
 *   <li>{@link dev.sysgenid.GenerationListener} and {@link dev.sysgenid.Watch}: being told, phase by phase;
 *   <li>{@link dev.sysgenid.Watcher}: being told inside an event loop.
 * </ul>
 *
 * <p>One rule holds everywhere: <em>look, work, look again; what is handed out was made wholly inside one
 * generation.</em> After it was handed out, the system may be cloned at any moment: what is sent to others is safe only
 * if the generation is still the same afterwards, which is what {@link dev.sysgenid.SysGenId#guarded guarded} is for.
 *
 * <p>All classes are safe for use by many threads, virtual ones included, unless they say otherwise.
 */
@NullMarked
package dev.sysgenid;

import org.jspecify.annotations.NullMarked;
