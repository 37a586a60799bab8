// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

/**
 * Where this library logs. Initialized by the first line: to find the logger takes a starting JVM longer than all the rest,
 * and a process whose device is there has nothing to say.
 */
final class Log {
    static final System.Logger LOGGER = System.getLogger("dev.sysgenid");

    private Log() {}
}
