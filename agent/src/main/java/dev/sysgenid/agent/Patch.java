// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import org.objectweb.asm.MethodVisitor;

/** Instructions that one method of the JDK gets in addition. Its locals, its stack and its frames stay what they are. */
public interface Patch {
    /** The method's name and descriptor. */
    String method();

    /** Writes what comes first, if anything: without a jump in a constructor, and before its super-constructor's call. */
    default void enter(MethodVisitor code) {}

    /** Writes what comes before each return, if anything. */
    default void leave(MethodVisitor code) {}
}
