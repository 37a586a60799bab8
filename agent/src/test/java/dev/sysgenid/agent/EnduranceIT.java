// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.agent.program.Busy;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Many changes in a program that draws, loads classes, starts threads and collects garbage, with an attach in between and
 * an end in the midst: each is dealt with, and nothing is left. {@code -Dagent.bumps=10000} for releases.
 */
class EnduranceIT {
    private static final int BUMPS = Integer.getInteger("sysgenid.agent.bumps", 300);

    static List<Jdks> jdks() {
        return Jdks.here();
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void everyChangeIsDealtWith(Jdks jdk) throws Exception {
        List<String> options = List.of(Jvm.agent("report"), "-Xmx128m", "-Djdk.attach.allowAttachSelf=false");
        try (Jvm jvm = Jvm.start(jdk.java(), options, Busy.class)) {
            jvm.awaitLine("busy");
            jvm.awaitLine("  cannot    the process id");
            String early = "";
            for (int generation = 1; generation <= BUMPS; generation++) {
                jvm.bump(generation);
                String line = jvm.awaitLine("sysgenid agent: generation " + generation + ": ");
                assertThat(line).endsWith(" 0 mends skipped, 0 failed");
                if (generation == BUMPS / 3) {
                    jvm.send("look");
                    early = jvm.awaitLine("threads ");
                }
                if (generation == BUMPS / 2) {
                    Attach.to(jvm, "report");
                    jvm.awaitLine("sysgenid agent: already in this program");
                }
            }
            jvm.send("look");
            String late = jvm.awaitLine("threads ");
            assertThat(late).contains("threads [sysgenid-");
            assertThat(threads(late)).isEqualTo(threads(early));
            assertThat(heap(late)).as("%s, after %s", late, early).isLessThan(heap(early) + (16 << 20));
            jvm.bump(BUMPS + 1);
            jvm.send("end");
            assertThat(jvm.awaitExit()).as(jvm.output()).isZero();
        }
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void attachedAndTakenOutAgain(Jdks jdk) throws Exception {
        try (Jvm jvm = Jvm.start(jdk.java(), List.of("-Xmx128m"), Busy.class)) {
            jvm.awaitLine("busy");
            Attach.to(jvm, "report");
            jvm.awaitLine("  cannot    the process id");
            for (int generation = 1; generation <= 5; generation++) {
                jvm.bump(generation);
                assertThat(jvm.awaitLine("sysgenid agent: generation " + generation + ": "))
                        .endsWith(" 0 mends skipped, 0 failed");
            }
            Attach.to(jvm, "off");
            jvm.awaitLine("sysgenid agent: off");
            Attach.to(jvm, "off");
            jvm.awaitLine("sysgenid agent: it is not in this program");
            Attach.to(jvm, "report");
            jvm.awaitLine("  cannot    the process id");
            jvm.bump(6);
            assertThat(jvm.awaitLine("sysgenid agent: generation 6: ")).endsWith(" 0 mends skipped, 0 failed");
            jvm.send("look");
            assertThat(threads(jvm.awaitLine("threads "))).doesNotContain("sysgenid-agent-start");
            jvm.send("end");
            assertThat(jvm.awaitExit()).as(jvm.output()).isZero();
        }
    }

    /** Those of the moment aside: a round of listeners is a thread each. */
    private static Set<String> threads(String look) {
        Set<String> names = new TreeSet<>(
                List.of(look.replaceAll("threads \\[(.*)], heap .*", "$1").split(", ", -1)));
        names.removeAll(List.of("", "sysgenid-agent", "sysgenid-aes"));
        return names;
    }

    private static long heap(String look) {
        return Long.parseLong(look.replaceAll(".*heap (\\d+),.*", "$1"));
    }
}
