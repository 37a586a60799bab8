// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import java.io.IOException;
import java.io.InputStream;

/**
 * The files that this program's classes are loaded from. The JVM opens each when it loads the first class of it, which may be at the first
 * bump, or never with an AOT cache; a daemon that gets no descriptor then would die of a class that is not found.
 */
final class ProgramFiles {
    private ProgramFiles() {}

    /** Has the JVM open them; it keeps them. */
    static void open() {
        for (Module module : ModuleLayer.boot().modules()) {
            // Those of the JDK are in one file, which is mapped.
            if (module.getName().startsWith("java.") || module.getName().startsWith("jdk.")) {
                continue;
            }
            try (InputStream _ = module.getResourceAsStream("module-info.class")) {
                // To have looked for it is enough.
            } catch (IOException e) {
                // What cannot be read now is said when a class of it is needed.
            }
        }
    }
}
