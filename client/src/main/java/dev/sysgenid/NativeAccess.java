// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import org.jspecify.annotations.Nullable;

/**
 * The system calls that Java has no method for. This is the class for Java 17 to 21, where there are none; that for 22
 * and newer is in {@code META-INF/versions/22}.
 */
final class NativeAccess {
    private NativeAccess() {}

    /** The calls; null when they cannot be made here. */
    static @Nullable SystemCalls calls() {
        return null;
    }

    /** What it would take to make them. */
    static String remedy() {
        return "it takes Java 22 or newer, and this is " + Runtime.version().feature();
    }
}
