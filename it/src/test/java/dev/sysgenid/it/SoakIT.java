// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.ToLongFunction;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Round after round of very many watchers ({@code soak.c}), and what the daemon holds in each, once when all are open and
 * once when all are gone: the last rounds need no more than the first ones.
 *
 * <p>For the long run: {@code -Dsoak.watchers=50000 -Dsoak.calls=1000000 -Dsoak.rounds=10}. Its table is
 * {@code target/soak-MAPPING.md}.
 */
class SoakIT {
    private static final int WATCHERS = Integer.getInteger("sysgenid.it.soak.watchers", 4000);
    private static final int CALLS = Integer.getInteger("sysgenid.it.soak.calls", 20_000);
    private static final int ROUNDS = Integer.getInteger("sysgenid.it.soak.rounds", 4);

    /** Each is a user of its own, and so has that many of the quotas. */
    private static final int PROCESSES = 8;

    /** A leak of some bytes for each watcher or call is more than this in three rounds; the JVM's own changes are less. */
    private static final long SLACK_HEAP = 64 << 10;

    /** What is allocated outside of the heap changes by more; a leak of a page for each watcher is more than that. In KiB. */
    private static final long SLACK_ANONYMOUS = 12 << 10;

    /** What a JVM may map beside what it had mapped before: compiled code, heap it grew by. */
    private static final long SLACK_MAPPINGS = 100;

    private record Sample(int round, long calls, Footprint held) {}

    @BeforeEach
    void needsPrivilege() {
        Namespace.require();
    }

    @ParameterizedTest
    @ValueSource(strings = {"passthrough", "store"})
    @Timeout(value = 90, unit = java.util.concurrent.TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void theLastRoundNeedsNoMoreThanTheFirst(String mapping) throws Exception {
        List<Sample> full = new ArrayList<>();
        List<Sample> empty = new ArrayList<>();
        try (ServedDevice device = ServedDevice.start("--mapping", mapping);
                Child load = device.start(
                        CProgram.behaviour("soak"),
                        Integer.toString(PROCESSES),
                        Integer.toString(WATCHERS / PROCESSES),
                        Integer.toString(CALLS))) {
            for (int round = 0; round <= ROUNDS; round++) {
                load.send("");
                full.add(new Sample(round, awaitCalls(load, "# full: "), device.footprint()));
                load.send("");
                long calls = awaitCalls(load, "# empty: ");
                if (!empty.isEmpty()) {
                    Footprint.awaitReturnTo(empty.getFirst().held, device);
                }
                empty.add(new Sample(round, calls, device.footprint()));
            }
            load.closeInput();
            int status = load.awaitExit();
            write(mapping, full, empty);
            new Tap("soak", status, load.output()).check();
            assertThat(device.log()).as("what the daemon said").doesNotContain("defect", "makes no sense");
        }
        full.forEach(sample -> assertThat(sample.held.watchers())
                .as("watchers in round %d", sample.round)
                .isEqualTo(WATCHERS + 1));
        assertFlat("while all are open", full);
        assertFlat("when all are gone", empty);
    }

    /** The number of calls so far, once the program has come to the point that begins so. */
    private static long awaitCalls(Child load, String point) {
        while (true) {
            String line =
                    load.awaitLine("\"" + point + "\"", each -> each.startsWith("# ") || each.startsWith("not ok"));
            assertThat(line).doesNotStartWith("not ok");
            if (line.startsWith(point)) {
                return Long.parseLong(line.substring(point.length()).split(" ", 2)[0]);
            }
        }
    }

    private static void assertFlat(String when, List<Sample> samples) {
        assertFlat("watchers " + when, samples, Footprint::watchers, 0);
        assertFlat("descriptors " + when, samples, Footprint::descriptors, 0);
        assertFlat("pages " + when, samples, Footprint::pages, 0);
        assertFlat("mappings " + when, samples, Footprint::mappings, SLACK_MAPPINGS);
        assertFlat("files of the state " + when, samples, Footprint::files, 0);
        assertFlat("live heap " + when, samples, Footprint::heap, SLACK_HEAP);
        assertFlat("anonymous memory " + when, samples, Footprint::anonymous, SLACK_ANONYMOUS);
    }

    /**
     * The least of the last third is no more than the most of the first third, after a round to warm up. One sample that is high by
     * chance is no leak, and a leak shows in each.
     */
    private static void assertFlat(String what, List<Sample> samples, ToLongFunction<Footprint> of, long slack) {
        List<Long> values = samples.stream()
                .skip(1)
                .map(sample -> of.applyAsLong(sample.held))
                .toList();
        int third = Math.max(1, values.size() / 3);
        long first =
                values.subList(0, third).stream().max(Comparator.naturalOrder()).orElseThrow();
        long last = values.subList(values.size() - third, values.size()).stream()
                .min(Comparator.naturalOrder())
                .orElseThrow();
        assertThat(last).as("%s, round after round: %s", what, values).isLessThanOrEqualTo(first + slack);
    }

    private static void write(String mapping, List<Sample> full, List<Sample> empty) throws IOException {
        StringBuilder table = new StringBuilder();
        table.append("| round | calls | | watchers | live heap, KiB | objects | descriptors | pages mapped | mappings"
                + " | files of the state | resident, MiB | of it anonymous |\n");
        table.append("|---:|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n");
        for (int i = 0; i < full.size(); i++) {
            table.append(row("open", full.get(i))).append(row("gone", empty.get(i)));
        }
        Files.writeString(Path.of("target", "soak-" + mapping + ".md"), table);
        System.out.print(table.toString().replaceAll("(?m)^", "SoakIT, " + mapping + ": "));
    }

    private static String row(String when, Sample sample) {
        Footprint held = sample.held;
        return String.format(
                Locale.ROOT,
                "| %d | %,d | %s | %,d | %,d | %,d | %d | %,d | %,d | %,d | %.1f | %.1f |%n",
                sample.round,
                sample.calls,
                when,
                held.watchers(),
                held.heap() >> 10,
                held.objects(),
                held.descriptors(),
                held.pages(),
                held.mappings(),
                held.files(),
                held.resident() / 1024.0,
                held.anonymous() / 1024.0);
    }
}
