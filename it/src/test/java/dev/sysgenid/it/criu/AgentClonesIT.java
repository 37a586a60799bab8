// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.criu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.it.Child;
import dev.sysgenid.it.Namespace;
import dev.sysgenid.it.ServedDevice;
import dev.sysgenid.it.agent.AgentJar;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A program that nobody changed, restored twice: without the agent the clones draw the same, with it they do not, but for
 * what {@link #REMAINS} says. Leaves the table of both in {@code target/agent-clones.md}.
 */
class AgentClonesIT {
    private static final String EGD = "-Djava.security.egd=file:/dev/./urandom";

    /** What is the same in clones with the agent too, and why. */
    private static final Map<String, String> REMAINS = new TreeMap<>(Map.of(
            "SplittableRandom", "held by the program: cannot be found in the heap, and has no hook",
            "L64X128MixRandom", "as SplittableRandom",
            "Xoshiro256PlusPlus", "as SplittableRandom",
            "Random with a seed of the program's", "the same numbers for the same seed are its contract",
            "SHA1PRNG with a seed of the program's", "the same numbers for the same seed are its contract",
            "identityHashCode", "no id by its contract; tables in memory rely on it",
            "order of Set.of", "no id; sets in memory rely on it",
            "counter", "the program's own",
            "process id", "the kernel's"));

    /** What differs by itself: it asks the kernel or a clock each time. */
    private static final Set<String> DIFFERS_BY_ITSELF = Set.of(
            "DRBG with PR_AND_RESEED",
            "DRBG with PR_AND_RESEED, new",
            "Random, new",
            "NativePRNG",
            "NativePRNG, new",
            "NativePRNGBlocking",
            "NativePRNGBlocking, new",
            "NativePRNGNonBlocking",
            "NativePRNGNonBlocking, new",
            "SecureRandom.getInstanceStrong",
            "SecureRandom.getInstanceStrong, new");

    /** What differs when a thread of the JVM's own happens to start first: each takes the next seed of one row. */
    private static final Set<String> DIFFERS_BY_CHANCE =
            Set.of("ThreadLocalRandom, new thread", "ThreadLocalRandom, new virtual thread");

    /** What the JDK's default generator saves without the option {@link #EGD}, as the clones' clocks differ. */
    private static final Set<String> DIFFERS_BY_THE_CLOCK = Set.of(
            "SecureRandom",
            "SecureRandom, new",
            "KeyGenerator",
            "KeyPairGenerator, EC",
            "ECDSA nonce",
            "GCM initialisation vector",
            "TLS client random",
            "UUID.randomUUID",
            "Files.createTempFile",
            "Files.createTempDirectory",
            "File.createTempFile",
            "rmi.server.ObjID, new");

    private static final Path SOURCE =
            Path.of("src/test/clones/Everything.java").toAbsolutePath();
    private static final Path OUTPUT = Path.of("target/clones-agent").toAbsolutePath();

    /** By what was drawn, by how the program was started ("17 agent egd"): whether the clones drew the same. */
    private static final Map<String, Map<String, Boolean>> TABLE = new LinkedHashMap<>();

    @TempDir(factory = InRun.class)
    Path directory;

    @BeforeEach
    void needsPrivilege() {
        Namespace.require();
        Criu.command();
    }

    @ParameterizedTest
    @CsvSource({"17, default", "17, egd", "25, default", "25, egd"})
    void withoutTheAgentClonesRepeatEachOther(int version, String seeds) {
        try (Snapshot snapshot = dump(version, seeds, List.of(), Map.of(), null)) {
            Map<String, Boolean> same =
                    draw(version + " plain " + seeds, List.of(snapshot.restore(), snapshot.restore()));
            Set<String> expected = new TreeSet<>(same.keySet());
            expected.removeAll(DIFFERS_BY_ITSELF);
            expected.removeAll(DIFFERS_BY_CHANCE);
            if (seeds.equals("default")) {
                expected.removeAll(DIFFERS_BY_THE_CLOCK);
            }
            assertThat(repeated(same)).containsAll(expected);
        }
    }

    @ParameterizedTest
    @CsvSource({"17, default", "17, egd", "25, default", "25, egd"})
    void withItTheyDoNot(int version, String seeds) throws IOException {
        try (ServedDevice device = ServedDevice.start();
                Snapshot snapshot = dump(
                        version,
                        seeds,
                        List.of(AgentJar.option()),
                        Map.of("SYSGENID_PATH", device.device().toString()),
                        Hook.install(directory, device.device()))) {
            List<Snapshot.Clone> clones = List.of(snapshot.restore(), snapshot.restore());
            Child.Ended waited = ServedDevice.runCommand(List.of(
                    "wait", "--timeout", "60s", "--device", device.device().toString()));
            assertThat(waited.status()).as(waited.output()).isZero();
            assertThat(repeated(draw(version + " agent " + seeds, clones))).isSubsetOf(REMAINS.keySet());
        }
    }

    private Snapshot dump(
            int version,
            String seeds,
            List<String> options,
            Map<String, String> environment,
            @org.jspecify.annotations.Nullable Path hook) {
        compile();
        List<String> command = new ArrayList<>(List.of(AgentJar.java(version), "-XX:+UseSerialGC", "-Xmx64m"));
        if (seeds.equals("egd")) {
            command.add(EGD);
        }
        command.addAll(options);
        command.addAll(List.of("-cp", OUTPUT.toString(), "Everything", "DIRECTORY"));
        try {
            Path made = Files.createDirectory(directory.resolve("snapshot"));
            return Snapshot.dump(made, command, environment, hook);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static void compile() {
        Child.Ended javac = Child.run(List.of(
                Path.of(System.getProperty("java.home"), "bin/javac").toString(),
                "--release",
                "17",
                "-proc:none",
                "-d",
                OUTPUT.toString(),
                SOURCE.toString()));
        assertThat(javac.status()).as(javac.output()).isZero();
    }

    /** Lets two clones draw: what was the same. All of it goes into the table. */
    private static Map<String, Boolean> draw(String how, List<Snapshot.Clone> clones) {
        Map<String, String> first = clones.get(0).draw();
        Map<String, String> second = clones.get(1).draw();
        assertThat(first.keySet()).isEqualTo(second.keySet());
        Map<String, Boolean> same = new LinkedHashMap<>();
        first.forEach((name, value) -> same.put(name, value.equals(second.get(name))));
        same.forEach((name, is) ->
                TABLE.computeIfAbsent(name, any -> new TreeMap<>()).put(how, is));
        return same;
    }

    private static Set<String> repeated(Map<String, Boolean> same) {
        return same.entrySet().stream()
                .filter(Map.Entry::getValue)
                .map(Map.Entry::getKey)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    @AfterAll
    static void writeTable() throws IOException {
        StringBuilder text = new StringBuilder("""
                | drawn by | no agent | no agent, egd | agent | agent, egd | remark |
                |---|---|---|---|---|---|
                """);
        TABLE.forEach((name, ways) -> text.append("| ")
                .append(name)
                .append(" | ")
                .append(cell(ways, "plain default"))
                .append(" | ")
                .append(cell(ways, "plain egd"))
                .append(" | ")
                .append(cell(ways, "agent default"))
                .append(" | ")
                .append(cell(ways, "agent egd"))
                .append(" | ")
                .append(REMAINS.getOrDefault(name, ""))
                .append(" |\n"));
        Files.writeString(Path.of("target/agent-clones.md"), text);
    }

    private static String cell(Map<String, Boolean> ways, String how) {
        Map<String, List<String>> versions = new LinkedHashMap<>();
        for (String version : List.of("17", "25")) {
            Boolean same = ways.get(version + " " + how);
            if (same != null) {
                versions.computeIfAbsent(same ? "same" : "differ", any -> new ArrayList<>())
                        .add(version);
            }
        }
        if (versions.size() == 1) {
            return versions.keySet().iterator().next();
        }
        return versions.entrySet().stream()
                .map(entry -> entry.getKey() + " on " + String.join(", ", entry.getValue()))
                .collect(Collectors.joining("; "));
    }
}
