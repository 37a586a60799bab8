// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;

/**
 * The private mount and process namespaces in which the tests' JVM runs, together with everything it starts: made by
 * {@code src/test/bin/java}, which the build starts instead of the JVM. Inside, {@code /dev} and {@code /run} are
 * private too.
 */
public final class Namespace {
    private static final String VARIABLE = "SYSGENID_IT_NAMESPACE";
    private static final String PRIVATE = "private";

    private Namespace() {}

    /** Lets the test go on in the private namespaces only; elsewhere it is skipped, and says why. On CI that is a failure. */
    public static void require() {
        @Nullable String why = whyNot();
        if (why != null) {
            throw skip(why);
        }
    }

    /**
     * Skips the test, aloud, for what is missing on this machine. On CI, which has installed all that is needed, it fails.
     *
     * @return never
     */
    public static AssertionError skip(String missing) {
        if (System.getenv("SYSGENID_CI_RUN") != null) {
            throw new AssertionError("on CI nothing may be skipped: " + missing);
        }
        return Assumptions.abort("SKIPPED: " + missing);
    }

    /** Why there are no private namespaces; null when there are. */
    static @Nullable String whyNot() {
        @Nullable String said = System.getenv(VARIABLE);
        if (said == null) {
            return "not started in a private namespace; run it with ./mvnw -pl it -am verify";
        }
        if (!said.equals(PRIVATE)) {
            return said;
        }
        // The variable alone is not to be believed: what follows mounts, and writes to /dev.
        boolean privateDev =
                mounts().stream().anyMatch(line -> line.contains(" /dev ") && line.contains("sysgenid-it"));
        return privateDev ? null : VARIABLE + " is set, but /dev is the machine's";
    }

    /** The lines of {@code /proc/self/mountinfo}. */
    static List<String> mounts() {
        try {
            return Files.readAllLines(Path.of("/proc/self/mountinfo"), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
