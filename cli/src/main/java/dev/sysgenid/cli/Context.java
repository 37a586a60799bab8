// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import java.io.PrintStream;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * Where a command runs: everything that it takes from its process, so that a test can give it something else.
 *
 * @param out for results
 * @param err for everything else
 * @param environment the environment variables
 * @param opener opens device files
 * @param nanoTime a clock as {@link System#nanoTime}
 */
record Context(
        PrintStream out,
        PrintStream err,
        Map<String, String> environment,
        DeviceFile.Opener opener,
        LongSupplier nanoTime) {
    /** Whether stack traces are wanted. */
    boolean debug() {
        return "1".equals(environment.get("SYSGENID_DEBUG"));
    }
}
