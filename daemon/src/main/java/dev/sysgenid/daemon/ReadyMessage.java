// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.core.Tracking;
import dev.sysgenid.linux.Clock;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** What a daemon says, to people, when it serves. */
final class ReadyMessage {
    private ReadyMessage() {}

    /** What is served, how, and to whom. */
    static String of(
            ServeOptions options, Pages pages, Sources sources, boolean privileged, StateFile.DomainRecord domain) {
        StringBuilder text = new StringBuilder(300);
        text.append("serving ").append(options.mount().resolve(MountFileSystem.DEVICE_NAME));
        if (options.device() != null) {
            text.append(", linked from ").append(options.device());
        }
        text.append("\n  mappings   ").append(pages.describe());
        text.append("\n  tracking   ")
                .append(
                        options.tracking() == Tracking.WRITERS
                                ? "who opens for writing is a watcher"
                                : "who asks is a watcher (opt-in)");
        text.append("\n  access     mode 0").append(Integer.toOctalString(domain.mode()));
        text.append(", owner ").append(domain.uid()).append(':').append(domain.gid());
        if (domain.mode() != options.mode() || domain.uid() != options.uid() || domain.gid() != options.gid()) {
            text.append(" as it was, whatever --mode and --owner say: chmod and chown change it");
        }
        text.append(
                privileged
                        ? "; CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN may bump"
                        : "; only uid " + options.uid() + " can see it, and may bump");
        text.append("\n  sources    ").append(sources.describe("             "));
        long launched = launchedAtMillis();
        if (launched >= 0) {
            text.append("\n  ready      ")
                    .append(Clock.gettime(Clock.CLOCK_BOOTTIME) / 1_000_000 - launched)
                    .append(" ms after launch");
        }
        return text.toString();
    }

    /** When this process was launched, in milliseconds of CLOCK_BOOTTIME, to 10 ms; -1 when /proc does not say. */
    private static long launchedAtMillis() {
        // proc_pid_stat(5): the command, in parentheses, may hold anything; the launch is the 20th field behind it, in
        // hundredths of a second.
        try {
            String stat = Files.readString(Path.of("/proc/self/stat"), StandardCharsets.ISO_8859_1);
            int at = stat.lastIndexOf(')') + 1;
            for (int field = 0; field < 20; field++) {
                at = stat.indexOf(' ', at) + 1;
            }
            return 10 * Long.parseLong(stat, at, stat.indexOf(' ', at), 10);
        } catch (IOException | NumberFormatException | IndexOutOfBoundsException e) {
            return -1;
        }
    }
}
