// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;

/** The JDKs that the agent is tested on: 17 and 25 always, 21 where there is one. */
enum Jdks {
    JAVA_17("SYSGENID_JDK17"),
    JAVA_21("SYSGENID_JDK21"),
    JAVA_25(null);

    private final @Nullable String variable;

    Jdks(@Nullable String variable) {
        this.variable = variable;
    }

    /** Its java command; skips the test, aloud, where there is none. */
    String java() {
        if (variable == null) {
            return Path.of(System.getProperty("java.home"), "bin", "java").toString();
        }
        String home = System.getenv(variable);
        Assumptions.assumeTrue(home != null, "SKIPPED: no " + this + " found (" + variable + " is not set)");
        return home + "/bin/java";
    }

    /** Those to be tested here: 21 is not asked for where nobody brought one. */
    static List<Jdks> here() {
        List<Jdks> here = new ArrayList<>(List.of(values()));
        if (System.getenv("SYSGENID_JDK21") == null) {
            here.remove(JAVA_21);
        }
        return here;
    }
}
