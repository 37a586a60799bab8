// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** What looks like the home of a JDK, in which a script stands for java: the real one, to which something happens. */
final class PlantedJava {
    private PlantedJava() {}

    /** Puts {@code src/test/sh/SCRIPT} into an empty directory, as the launcher looks for it. */
    static void plant(Path home, String script) throws IOException {
        Path real = Path.of(System.getProperty("java.home"));
        Files.writeString(home.resolve("real"), real.toString());
        Files.copy(real.resolve("release"), home.resolve("release"));
        Path bin = Files.createDirectory(home.resolve("bin"));
        Path file = Path.of("src/test/sh", script);
        Files.copy(file, bin.resolve("java"), StandardCopyOption.COPY_ATTRIBUTES);
        Files.copy(file, bin.resolve("javac"), StandardCopyOption.COPY_ATTRIBUTES); // looked for, and not run
    }
}
