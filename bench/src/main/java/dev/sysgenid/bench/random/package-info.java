// SPDX-License-Identifier: Apache-2.0
/**
 * Benchmarks of the random bytes beside their peers in the same run; {@code bench/random} runs them. They need a device
 * that is served: without one what is measured is an unguarded machine, where each call reads the kernel.
 */
@NullMarked
package dev.sysgenid.bench.random;

import org.jspecify.annotations.NullMarked;
