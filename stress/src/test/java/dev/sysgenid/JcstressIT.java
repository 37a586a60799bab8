// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/**
 * Runs jcstress, which counts the outcomes of a few lines of two threads, and fails on one that is forbidden; on both versions of Java
 * that applications have.
 */
class JcstressIT {
    /** How many there are in this module; one that is not run shows nothing. */
    private static final int TESTS = 9;

    private static final String MODE = System.getProperty("jcstress.mode", "sanity");

    @Test
    void noForbiddenOutcome() throws Exception {
        run(Path.of(System.getProperty("java.home")), Path.of("target/jcstress"));
    }

    @Test
    void noForbiddenOutcomeOn17() throws Exception {
        String home = System.getenv("SYSGENID_JDK17");
        Assumptions.assumeTrue(
                home != null, "SKIPPED: no JDK 17 found (SYSGENID_JDK17 is not set; ./mvnw looks for one)");
        run(Path.of(home), Path.of("target/jcstress-17"));
    }

    private static void run(Path jdk, Path directory) throws Exception {
        Path output = Files.createDirectories(directory);
        Path log = output.resolve("log");
        String classPath = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        Process jcstress = new ProcessBuilder(List.of(
                        jdk.resolve("bin/java").toString(),
                        "-cp",
                        classPath,
                        "org.openjdk.jcstress.Main",
                        "-m",
                        MODE,
                        // Both halves compiled alike, unless there is time for all the pairs.
                        "-sc",
                        Boolean.toString(!MODE.equals("sanity")),
                        "-r",
                        output.toAbsolutePath().toString(),
                        "-t",
                        "dev.sysgenid"))
                .directory(output.toFile())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        int status = jcstress.waitFor();
        String said = Files.readString(log);
        assertThat(status).as(said).isZero();
        assertThat(said)
                .contains("Failed tests: No matches.", "Error tests: No matches.")
                .contains("All remaining tests: " + TESTS + " matching test results");
    }
}
