// SPDX-License-Identifier: Apache-2.0
package java.util.concurrent;

/** What {@link ThreadLocalRandom} adds to each number that it draws, once the agent has added that to it. */
final class SysGenIdSalt {
    /** 0 until the first change. Volatile, so that no loop goes on with an old one. */
    static volatile long salt;

    private SysGenIdSalt() {}
}
