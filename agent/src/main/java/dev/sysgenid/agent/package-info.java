// SPDX-License-Identifier: Apache-2.0
/**
 * The agent: finds what a clone of this JVM would repeat, and renews it at each change of the generation.
 *
 * <p>Each thing that is renewed is a {@link dev.sysgenid.agent.Mend} of its own; what does not fit the JDK that is found
 * is left out and reported. The program never fails because of the agent.
 */
@NullMarked
package dev.sysgenid.agent;

import org.jspecify.annotations.NullMarked;
