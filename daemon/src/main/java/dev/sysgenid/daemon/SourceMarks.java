// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The marks of the sources, kept for a daemon that takes over: a line for each, its name and its mark. */
final class SourceMarks {
    /** The file in the state's directory. */
    static final String FILE = "sources";

    private final Path file;
    private final Consumer<String> log;
    private @Nullable String written;

    SourceMarks(Path state, Consumer<String> log) {
        this.file = state.resolve(FILE);
        this.log = log;
    }

    /** By name; a source that had none, or that nobody wrote down, is not among them. */
    Map<String, String> read() {
        Map<String, String> read = new HashMap<>();
        try {
            for (String line : Files.readAllLines(file)) {
                int space = line.indexOf(' ');
                read.put(line.substring(0, Math.max(0, space)), line.substring(space + 1));
            }
        } catch (IOException e) {
            log.accept("WARNING: what the last daemon knew of restores is lost (" + e.getMessage() + ")");
        }
        return read;
    }

    /** Nothing happens when it says the same as the last time. */
    void write(String text) {
        if (text.equals(written)) {
            return;
        }
        written = text;
        try {
            Path draft = file.resolveSibling(FILE + ".new");
            Files.writeString(draft, text);
            Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            log.accept("WARNING: cannot note what is known of restores (" + e.getMessage()
                    + "): the next daemon may bump once too often");
        }
    }
}
