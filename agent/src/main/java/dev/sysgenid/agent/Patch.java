// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

/** Instructions that one method of the JDK gets in addition. Its locals, its stack and its frames stay what they are. */
public interface Patch {
    /** The method's name and descriptor. */
    String method();

    /** Writes what comes first, if anything: in a constructor nothing. */
    default void enter(Code code) {}

    /** Writes what comes before the return, if anything: the method has but one, at its end. */
    default void leave(Code code) {}
}
