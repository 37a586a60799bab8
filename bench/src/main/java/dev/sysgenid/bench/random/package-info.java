// SPDX-License-Identifier: Apache-2.0
/**
 * Benchmarks of the random bytes beside their peers in the same run; {@code docs/results/random.md} has
 * the command. They need no device: a plain file of 4096 zero bytes, named by {@code -Dsysgenid.path}, stands in for
 * one, and without it what is measured is an unguarded machine, where each call reads the kernel.
 */
@NullMarked
package dev.sysgenid.bench.random;

import org.jspecify.annotations.NullMarked;
