// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.SysGenId;
import dev.sysgenid.agent.program.Busy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Many changes in a program that draws, loads classes, starts threads and collects garbage, with the agent taken out and put
 * in again in between and an end in the midst: each is dealt with, and nothing is left. {@code -Dagent.bumps=10000} for
 * releases, with {@code -Dagent.device=PATH} on a device that is served, where each has to be acknowledged too.
 */
class EnduranceIT {
    private static final int BUMPS = Integer.getInteger("sysgenid.agent.bumps", 300);

    /** Empty: a plain file. */
    private static final String DEVICE = System.getProperty("sysgenid.agent.device", "");

    private static final Path RESULTS = Path.of("target/agent-endurance.md");

    private static final List<String> ROWS = new ArrayList<>();

    static List<Jdks> jdks() {
        return Jdks.here();
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void everyChangeIsDealtWith(Jdks jdk) throws Exception {
        List<String> options = List.of(Jvm.agent("report"), "-Xmx128m");
        try (SysGenId device = DEVICE.isEmpty() ? null : SysGenId.open(Path.of(DEVICE));
                Jvm jvm = device == null
                        ? Jvm.start(jdk.java(), options, Busy.class)
                        : Jvm.startOn(Path.of(DEVICE), jdk.java(), options, Busy.class)) {
            jvm.awaitLine("busy");
            jvm.awaitLine("  cannot    the process id");
            int first = device == null ? 0 : device.generation();
            int taken = 0;
            long began = System.nanoTime();
            String early = "";
            for (int bump = 1; bump <= BUMPS; bump++) {
                change(jvm, device, first + bump);
                String line = jvm.awaitLine("sysgenid agent: generation " + (first + bump) + ": ");
                assertThat(line).endsWith(" 0 mends skipped, 0 failed");
                if (bump % Math.max(50, BUMPS / 20) == 0) {
                    Attach.to(jvm, "off");
                    jvm.awaitLine("sysgenid agent: off");
                    Attach.to(jvm, "report");
                    jvm.awaitLine("  cannot    the process id");
                    taken++;
                }
                if (bump == BUMPS / 3) {
                    early = look(jvm, EnduranceIT::isAtRest);
                }
            }
            String late = look(jvm, threads(early)::equals);
            long seconds = (System.nanoTime() - began) / 1_000_000_000;
            assertThat(late).contains("threads [sysgenid-");
            assertThat(number(late, "heap"))
                    .as("%s, after %s", late, early)
                    .isLessThan(number(early, "heap") + (16 << 20));
            assertThat(number(late, "classes"))
                    .as("%s, after %s", late, early)
                    .isLessThan(number(early, "classes") + 300);
            assertThat(number(late, "descriptors"))
                    .as("%s, after %s", late, early)
                    .isLessThan(number(early, "descriptors") + 8);
            change(jvm, null, first + BUMPS + 1);
            jvm.send("end");
            assertThat(jvm.awaitExit()).as(jvm.output()).isZero();
            ROWS.add(row(jdk, device != null, taken, seconds, early, late));
        }
    }

    /** On a device it has to be acknowledged. */
    private static void change(Jvm jvm, @Nullable SysGenId device, int generation) throws Exception {
        if (device != null) {
            assertThat(device.bump()).isEqualTo(generation);
            assertThat(device.awaitAcknowledged(Duration.ofMinutes(1)))
                    .as("acknowledged: %s", generation)
                    .isTrue();
        } else if (DEVICE.isEmpty()) {
            jvm.bump(generation);
        }
    }

    private static String row(Jdks jdk, boolean device, int taken, long seconds, String early, String late) {
        StringBuilder row = new StringBuilder("| ")
                .append(jdk.name().replace("JAVA_", ""))
                .append(" | ")
                .append(String.format("%,d", BUMPS))
                .append(device ? ", each acknowledged" : ", on a file")
                .append(" | ")
                .append(taken)
                .append(" times | ")
                .append(seconds)
                .append(" s |");
        for (String each : List.of("classes", "running", "descriptors")) {
            row.append(' ')
                    .append(number(early, each))
                    .append(", ")
                    .append(number(late, each))
                    .append(" |");
        }
        return row.append(String.format(
                        " %.1f, %.1f MiB | %,d |",
                        number(early, "heap") / 1048576.0, number(late, "heap") / 1048576.0, number(late, "drawn")))
                .toString();
    }

    @AfterAll
    static void write() throws IOException {
        String head = """
                | JDK | changes | taken out and put in again | time | classes | threads | open files | heap after a \
                collection | rounds of draws |
                |---|---|---|---:|---:|---:|---:|---:|---:|
                """;
        Files.writeString(RESULTS, head + String.join("\n", ROWS) + "\n");
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
            look(jvm, EnduranceIT::isAtRest);
            jvm.send("end");
            assertThat(jvm.awaitExit()).as(jvm.output()).isZero();
        }
    }

    /** What it says of itself once its threads are these; what they began may go on for a while after they said so. */
    private static String look(Jvm jvm, Predicate<Set<String>> wanted) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(Jvm.LIMIT_SECONDS);
        while (true) {
            jvm.send("look");
            String line = jvm.awaitLine("threads ");
            if (wanted.test(threads(line))) {
                return line;
            }
            assertThat(System.nanoTime()).as(line).isLessThan(end);
            Thread.sleep(50);
        }
    }

    /** None that only starts or ends something. */
    private static boolean isAtRest(Set<String> threads) {
        return threads.stream().noneMatch(name -> name.startsWith("sysgenid-agent-") || name.equals("sysgenid-end"));
    }

    /** Those of the moment aside: a round of listeners is a thread each. */
    private static Set<String> threads(String look) {
        Set<String> names = new TreeSet<>(
                List.of(look.replaceAll("threads \\[(.*)], heap .*", "$1").split(", ", -1)));
        names.removeAll(List.of("", "sysgenid-agent", "sysgenid-aes"));
        return names;
    }

    private static long number(String look, String what) {
        return Long.parseLong(look.replaceAll(".*[, ]" + what + " (\\d+).*", "$1"));
    }
}
