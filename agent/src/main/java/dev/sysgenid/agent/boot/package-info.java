// SPDX-License-Identifier: Apache-2.0
/** The only classes of the agent that the program can see: where the JVM enters, and the loader of all the others. */
@NullMarked
package dev.sysgenid.agent.boot;

import org.jspecify.annotations.NullMarked;
