// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.agent.program.Observed;
import java.nio.file.Path;
import java.util.List;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What operators see of the agent, and what a program with seeds of its own must not. */
class ObservedIT {
    static List<Jdks> jdks() {
        return Jdks.here();
    }

    private static String observed(Jdks jdk, String agent, String... more) throws Exception {
        List<String> options = new java.util.ArrayList<>(List.of(more));
        options.add(Jvm.agent(agent));
        try (Jvm jvm = Jvm.start(jdk.java(), options, Observed.class)) {
            jvm.awaitLine("ready");
            for (int generation = 1; generation <= 2; generation++) {
                jvm.bump(generation);
                jvm.awaitLine("sysgenid agent: generation " + generation + ": ");
            }
            jvm.send("x");
            assertThat(jvm.awaitExit()).as(jvm.output()).isZero();
            assertThat(jvm.output()).contains("fixed true").contains("random true");
            return jvm.output();
        }
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void byJmxAndFlightRecorder(Jdks jdk, @TempDir Path folder) throws Exception {
        Path file = folder.resolve("recording.jfr");
        String output = observed(jdk, "report", "-XX:StartFlightRecording:filename=" + file);
        assertThat(output)
                .contains("Generation=2\n")
                .contains("GenerationKnown=true\n")
                .contains("Changes=2\n")
                .contains("LastGenerationRenewed=2\n")
                .contains("Failures=0\n")
                .contains("uuid ready; ")
                .contains("free by SUN");
        List<RecordedEvent> events = RecordingFile.readAllEvents(file);
        assertThat(events)
                .filteredOn(each -> each.getEventType().getName().equals("dev.sysgenid.Change"))
                .extracting(each -> each.getLong("generation"))
                .containsExactly(1L, 2L);
        assertThat(events)
                .filteredOn(each -> each.getEventType().getName().equals("dev.sysgenid.Mend"))
                .extracting(each -> each.getString("mend"))
                .contains("tls", "threads", "uuid");
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void whoSeedsItselfCanBeReplaced(Jdks jdk) throws Exception {
        assertThat(observed(jdk, "report,sha1prng")).contains("free by SysGenID");
    }
}
