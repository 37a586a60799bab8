// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A daemon is killed while it serves very many watchers ({@code succession.c}), and the next one while it takes them over: nobody is
 * lost. What the successor holds, and how long the take-over took, is printed beside the same with a few watchers.
 *
 * <p>For the long run: {@code -Dsuccession.watchers=60000}. Its table is {@code target/succession-MAPPING.md}.
 */
class SuccessionIT {
    private static final int WATCHERS = Integer.getInteger("sysgenid.it.succession.watchers", 2000);

    /** Each is a user of its own. */
    private static final int PROCESSES = 8;

    /** What each process opens beside its files, see {@code succession.c}. */
    private static final int READERS = 8;

    private static final int FEW = 5;

    /** The program's own: the control descriptor, those of the two WAITs. */
    private static final int OTHERS = 3;

    /** What the first daemon of a mount has open may be other files than what its successors have. */
    private static final int SLACK_DESCRIPTORS = 8;

    /** What a JVM may map beside what another one maps. */
    private static final int SLACK_MAPPINGS = 200;

    private record Sample(String when, Footprint held) {}

    @BeforeEach
    void needsPrivilege() {
        Namespace.require();
    }

    @ParameterizedTest
    @ValueSource(strings = {"passthrough", "store"})
    @Timeout(value = 30, unit = java.util.concurrent.TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void nobodyIsLost(String mapping) throws Exception {
        int most = WATCHERS / PROCESSES;
        String quota = Integer.toString(most + READERS);
        List<Sample> samples = new ArrayList<>();
        List<String> pauses = new ArrayList<>();
        try (KeptDevice device = KeptDevice.start("--mapping", mapping, "--watchers-per-user", quota)) {
            pauses.add(liveThrough(device, List.of("before", "taken over", "after a bump"), FEW, quota, "once", null));
            pauses.add(liveThrough(
                    device,
                    List.of("before", "taken over", "taken over again", "after a bump"),
                    most,
                    quota,
                    null,
                    samples));
            assertThat(device.log()).as("what the daemons said").doesNotContain("defect", "makes no sense", "damaged");
            device.stop();
        }
        write(mapping, samples, pauses);
        Footprint before = samples.getFirst().held;
        assertThat(before.watchers()).isEqualTo(watchers(most));
        samples.forEach(sample -> assertAsBefore(before, sample));
    }

    private static int watchers(int perProcess) {
        return PROCESSES * (perProcess + READERS) + OTHERS;
    }

    /** What a daemon holds that has taken over is what the first one held. */
    private static void assertAsBefore(Footprint before, Sample sample) {
        assertThat(sample.held.watchers()).as("watchers, %s", sample.when).isEqualTo(before.watchers());
        assertThat(sample.held.pages()).as("pages, %s", sample.when).isEqualTo(before.pages());
        assertThat(sample.held.files())
                .as("files of the state, %s", sample.when)
                .isEqualTo(before.files());
        assertThat(sample.held.descriptors())
                .as("descriptors, %s", sample.when)
                .isLessThanOrEqualTo(before.descriptors() + SLACK_DESCRIPTORS);
        assertThat(sample.held.mappings())
                .as("mappings, %s", sample.when)
                .isLessThanOrEqualTo(before.mappings() + SLACK_MAPPINGS);
    }

    /**
     * Returns what the program says of the time that a take-over took.
     *
     * @param whens the points at which the program pauses
     * @param mode its last argument, if it has one
     * @param samples gets what the daemon holds at each of these points; null where that is of no interest
     */
    private static String liveThrough(
            KeptDevice device,
            List<String> whens,
            int perProcess,
            String quota,
            @Nullable String mode,
            @Nullable List<Sample> samples)
            throws IOException {
        List<String> command = new ArrayList<>(List.of(
                CProgram.behaviour("succession").executable().toString(),
                device.device().toString(),
                Long.toString(device.keeper()),
                Integer.toString(PROCESSES),
                Integer.toString(perProcess),
                quota));
        if (mode != null) {
            command.add(mode);
        }
        try (Child clients = Child.start(command)) {
            List<String> before = List.of();
            for (String when : whens) {
                String pause = "# pause: " + when;
                clients.awaitLine("\"" + pause + "\"", line -> line.equals(pause) || line.startsWith("not ok"));
                List<String> now = watchers(device);
                if (when.startsWith("taken over")) {
                    assertThat(now).as("watchers, %s", when).isEqualTo(before);
                }
                before = now;
                if (samples != null) {
                    samples.add(new Sample(when, Footprint.of(device)));
                }
                clients.send("");
            }
            clients.closeInput();
            int status = clients.awaitExit();
            new Tap("succession", status, clients.output() + "\n# " + device.log()).check();
            String took = "# took over: ";
            return watchers(perProcess) + " watchers: "
                    + clients.output()
                            .lines()
                            .filter(line -> line.startsWith(took))
                            .findFirst()
                            .orElseThrow()
                            .substring(took.length());
        }
    }

    /** All columns but the time for which a watcher has been late. */
    private static List<String> watchers(KeptDevice device) throws IOException {
        return Files.readAllLines(device.mount().resolve("watchers")).stream()
                .skip(1)
                .map(line -> line.replaceFirst("^((?:\\S+ ){6})\\d+ ", "$1late "))
                .toList();
    }

    private static void write(String mapping, List<Sample> samples, List<String> pauses) throws IOException {
        StringBuilder table = new StringBuilder();
        table.append(
                "| watchers | | live heap, KiB | objects | descriptors | pages mapped | mappings | files of the state"
                        + " | resident, MiB | of it anonymous | the most ever |\n");
        table.append("|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n");
        for (Sample sample : samples) {
            Footprint held = sample.held;
            table.append(String.format(
                    Locale.ROOT,
                    "| %,d | %s | %,d | %,d | %,d | %,d | %,d | %,d | %.1f | %.1f | %.1f |%n",
                    held.watchers(),
                    sample.when,
                    held.heap() >> 10,
                    held.objects(),
                    held.descriptors(),
                    held.pages(),
                    held.mappings(),
                    held.files(),
                    held.resident() / 1024.0,
                    held.anonymous() / 1024.0,
                    held.highest() / 1024.0));
        }
        pauses.forEach(line -> table.append("- ").append(line).append('\n'));
        Files.writeString(Path.of("target", "succession-" + mapping + ".md"), table);
        System.out.print(table.toString().replaceAll("(?m)^", "SuccessionIT, " + mapping + ": "));
    }
}
