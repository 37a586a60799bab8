// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** The open descriptors of this process. */
final class Descriptors {
    private Descriptors() {}

    /**
     * How many lead to a file whose name, as {@code /proc/self/fd} has it, begins so, and has no slash after that. The JVM
     * opens and closes others at any time, so only those that can be told from them are counted.
     */
    static long leadingTo(String beginning) throws IOException {
        long count = 0;
        try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path descriptor : descriptors) {
                try {
                    String target = Files.readSymbolicLink(descriptor).toString();
                    if (target.startsWith(beginning) && target.indexOf('/', beginning.length()) < 0) {
                        count++;
                    }
                } catch (NoSuchFileException e) {
                    // Closed meanwhile.
                }
            }
        }
        return count;
    }
}
