// SPDX-License-Identifier: Apache-2.0
/** What the agent costs a program: each of these runs without it and with it; bench/agent compares. */
@NullMarked
package dev.sysgenid.bench.agent;

import org.jspecify.annotations.NullMarked;
