// SPDX-License-Identifier: Apache-2.0
/**
 * Stands in for the part of a JDK with checkpoints (CRaC) that {@code org.crac} looks for. Who is told of what, and when, is as that
 * JDK documents it; the checkpoint itself is left to whoever dumps the process while it waits.
 */
package jdk.crac;
