// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.agent;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;

/** The agent as it is shipped, and the JVMs that it is tried in. */
public final class AgentJar {
    private AgentJar() {}

    /** The one option that a user adds. */
    public static String option() {
        Path jar =
                Path.of("../agent/target/sysgenid-agent.jar").toAbsolutePath().normalize();
        assertThat(Files.isRegularFile(jar)).as("the agent's jar is %s", jar).isTrue();
        return "-javaagent:" + jar;
    }

    /**
     * The java command of a JDK; skips the test, aloud, where there is no such JDK.
     *
     * @param version 17 or 25
     */
    public static String java(int version) {
        if (version == 25) {
            return Path.of(System.getProperty("java.home"), "bin/java").toString();
        }
        @Nullable String home = System.getenv("SYSGENID_JDK17");
        Assumptions.assumeTrue(
                home != null, "SKIPPED: no JDK 17 found (SYSGENID_JDK17 is not set; ./mvnw looks for one)");
        return home + "/bin/java";
    }
}
