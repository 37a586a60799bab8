// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.linux.Unistd;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A number that outlives a daemon, and all that is noted in the {@link StateFile}: it is in the name of an empty file, in hexadecimal
 * digits, so it is changed in one step, and takes no room that could be missing then. For what changes seldom.
 *
 * <p>Belongs to the loop's thread.
 */
final class NumberFile {
    private final int directory;
    private final String prefix;
    private long value = -1;

    /**
     * The number of a name, as it was noted last.
     *
     * @param path the directory it is in
     * @param directory the same, open; stays the caller's to close
     */
    NumberFile(Path path, int directory, String name) {
        this.directory = directory;
        prefix = name + "-";
        try (DirectoryStream<Path> files = Files.newDirectoryStream(path, prefix + "*")) {
            for (Path file : files) {
                value = Math.max(value, parse(String.valueOf(file.getFileName())));
            }
        } catch (IOException e) {
            // As if it had not been noted.
        }
    }

    private long parse(String name) {
        try {
            return Long.parseLong(name, prefix.length(), name.length(), 16);
        } catch (NumberFormatException e) {
            return -1;
        }
    }

    /** The number, not negative; -1 when none was noted. */
    long value() {
        return value;
    }

    /** Notes a number that is not negative. Where that cannot be, the one before stays. */
    void set(long number) {
        if (number == value) {
            return;
        }
        String name = prefix + Long.toHexString(number);
        int result;
        if (value >= 0) {
            result = Unistd.renameat(directory, prefix + Long.toHexString(value), directory, name);
        } else {
            result = Unistd.openat(
                    directory, name, Unistd.O_RDWR | Unistd.O_CREAT | Unistd.O_NOFOLLOW | Unistd.O_CLOEXEC, 0600);
            if (result >= 0) {
                Unistd.close(result);
            }
        }
        if (result >= 0) {
            value = number;
        }
    }
}
