// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.program;

/** Something that a clone of this JVM would repeat. */
interface State {
    /** Makes it what it is in every other JVM of the test: as if both were clones. */
    void force() throws Exception;

    /** What comes of it; depends on nothing else. */
    String draw() throws Exception;
}
