// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.bench.agent;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A program that does nothing. {@code at-once}: it ends. A number: after so many milliseconds it prints its resident KiB. */
public final class Resident {
    private Resident() {}

    /** Ends or prints. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        if (!arguments[0].equals("at-once")) {
            Thread.sleep(Long.parseLong(arguments[0]));
            for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
                if (line.startsWith("VmRSS:")) {
                    System.out.println(line.replaceAll("[^0-9]", ""));
                }
            }
        }
    }
}
