// SPDX-License-Identifier: Apache-2.0
/** Benchmarks in Java of the mounted device. They need a daemon: bench/run starts one. */
@NullMarked
package dev.sysgenid.bench;

import org.jspecify.annotations.NullMarked;
