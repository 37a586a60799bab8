// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import java.lang.System.Logger.Level;

/**
 * Where this library logs. Initialized by the first line: to find the logger takes a starting JVM longer than all the rest,
 * and a process whose device is there has nothing to say.
 */
final class Log {
    static final System.Logger LOGGER = System.getLogger("dev.sysgenid");

    private Log() {}

    /** For threads of this library: a log of the program's that throws must not end the thread that tells of changes. */
    static void tell(Level level, String format, Object... parameters) {
        try {
            LOGGER.log(level, format, parameters);
        } catch (RuntimeException | Error e) {
            // There is nobody else to tell.
        }
    }

    /** The same, with an exception. */
    static void tell(Level level, String message, Throwable thrown) {
        try {
            LOGGER.log(level, message, thrown);
        } catch (RuntimeException | Error e) {
            // As above.
        }
    }
}
