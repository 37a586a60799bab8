// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.criu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.it.CProgram;
import dev.sysgenid.it.Child;
import dev.sysgenid.it.Namespace;
import dev.sysgenid.it.ServedDevice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Processes that CRIU restores more than once: without this program the clones repeat each other, with it none does. */
class CriuIT {
    private static final int CLONES = Integer.getInteger("sysgenid.it.clones", 2);

    /** Of everything that has a token in the C program, those whom a WAIT waits for. */
    private static final Set<String> WATCHERS = Set.of("read", "poll", "mapping", "descriptor");

    @TempDir(factory = InRun.class)
    Path directory;

    @BeforeEach
    void needsPrivilege() {
        Namespace.require();
        Criu.command();
    }

    // Without this program.

    @Test
    void withoutItClonesOfACProgramRepeatEachOther() {
        try (Snapshot snapshot = dump(cProgram(), Map.of(), null)) {
            List<Map<String, String>> drawn = draw(restore(snapshot));
            report("C, without", drawn);
            assertThat(repeated(drawn)).hasSize(5);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"17", "25"})
    void withoutItClonesOfAJvmRepeatEachOther(String version) {
        try (Snapshot snapshot = dump(JavaClones.command(version, "plain"), Map.of(), null)) {
            List<Map<String, String>> drawn = draw(restore(snapshot));
            report("Java " + version + ", without", drawn);
            assertThat(repeated(drawn)).containsAll(JavaClones.ALWAYS_REPEATED);
            assertThat(repeated(drawn)).isEqualTo(drawn.getFirst().keySet());
        }
    }

    // With it.

    @Test
    void clonesOfACProgramDoNot() throws IOException {
        try (ServedDevice device = ServedDevice.start();
                Snapshot snapshot = dump(cProgram(device.device().toString()), Map.of(), hook(device))) {
            assertThat(Files.readString(snapshot.images().resolve("sysgenid.generation")))
                    .isEqualTo("0\n");
            List<Snapshot.Clone> clones = restore(snapshot);
            assertThat(device.generation()).isEqualTo(CLONES);
            assertThat(device.watchers())
                    .as("watchers: what CRIU opened for the mappings is closed")
                    .hasSize(CLONES * WATCHERS.size());

            awaitAcknowledged(device);
            assertThat(device.watchers())
                    .as("who they are, not who restored them")
                    .allMatch(l -> l.endsWith(" clones"));

            List<Map<String, String>> drawn = draw(clones);
            report("C, with", drawn);
            assertThat(repeated(drawn)).isEmpty();
            for (Map<String, String> tokens : drawn) {
                tokens.forEach((client, token) -> assertThat(token)
                        .as("%s has renewed for the newest generation, and its mapping shows it", client)
                        .endsWith(" " + CLONES + " " + CLONES));
            }

            // All of it works on in the clones: a bump reaches each, and each acknowledges.
            device.bump();
            awaitAcknowledged(device);
            List<Map<String, String>> later = draw(clones);
            assertThat(repeated(later)).isEmpty();
            assertThat(later)
                    .allSatisfy(tokens -> assertThat(tokens.values())
                            .allMatch(token -> token.endsWith(" " + (CLONES + 1) + " " + (CLONES + 1))));
        }
    }

    /** Where a mapping holds the file it is the daemon's to know of, and it cannot tell it from a client. */
    @Test
    void inTheFallbackARestoredMappingIsAWatcher() throws IOException {
        try (ServedDevice device = ServedDevice.start("--mapping", "store");
                Snapshot snapshot = dump(cProgram(device.device().toString()), Map.of(), hook(device))) {
            Snapshot.Clone clone = snapshot.restore();
            assertThat(device.watchers())
                    .filteredOn(line -> line.contains(" rw yes "))
                    .hasSize(WATCHERS.size() + 1);
            // Those who can acknowledge, and renew, all the same.
            device.awaitWatchers(
                    "one is late",
                    watchers -> watchers.stream()
                                    .filter(line -> line.matches("(\\S+ ){3}rw yes \\d+ \\d+ .*"))
                                    .count()
                            == 1);
            Child.Ended waited = ServedDevice.runCommand(List.of(
                    "wait", "--timeout", "2s", "--device", device.device().toString()));
            assertThat(waited.output()).contains("by 1 of 5 tracked watchers");
            assertThat(clone.draw().values()).allMatch(token -> token.endsWith(" 1 1"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"17", "25"})
    void clonesOfAJvmDoNot(String version) throws IOException {
        try (ServedDevice device = ServedDevice.start();
                Snapshot snapshot = dump(
                        JavaClones.command(version, "guarded"),
                        Map.of("SYSGENID_PATH", device.device().toString()),
                        hook(device))) {
            List<Snapshot.Clone> clones = restore(snapshot);
            awaitAcknowledged(device);
            List<Map<String, String>> drawn = draw(clones);
            report("Java " + version + ", with", drawn);
            assertThat(drawn.getFirst()).containsKey("token of a listener");
            assertThat(repeated(drawn)).isEmpty();
        }
    }

    // The hook.

    /** A machine whose generation is lower than what the program remembers, or the same after one bump. */
    @ParameterizedTest
    @CsvSource({"5, 0, 6", "5, 4, 6", "5, 5, 6", "5, 9, 10"})
    void aRestoreElsewhereBumpsAboveTheDump(int there, int here, int expected) throws IOException {
        Path mount = directory.resolve("mnt");
        Path link = directory.resolve("dev");
        Snapshot snapshot;
        try (ServedDevice device = ServedDevice.startAt(mount, link)) {
            bump(device, there);
            snapshot = dump(cProgram(link.toString()), Map.of(), hook(device));
        }
        try (ServedDevice device = ServedDevice.startAt(mount, link);
                Snapshot dumped = snapshot) { // what is restored goes before its device
            bump(device, here);
            Snapshot.Clone clone = dumped.restore();
            assertThat(device.generation()).isEqualTo(expected);
            awaitAcknowledged(device);
            assertThat(clone.draw().values()).allMatch(token -> token.endsWith(" " + expected + " " + expected));
        }
    }

    private static void bump(ServedDevice device, int times) {
        for (int i = 0; i < times; i++) {
            device.bump();
        }
    }

    @Test
    void withoutADaemonTheRestoreIsAborted() throws IOException {
        Path hook;
        Snapshot snapshot;
        try (ServedDevice device = ServedDevice.start()) {
            hook = hook(device);
            snapshot = dump(cProgram(), Map.of(), hook);
        }
        try (snapshot) {
            Snapshot.Clone clone = snapshot.tryRestore();
            Child.Ended ended = clone.awaitEnd();
            assertThat(ended.status()).isNotZero();
            assertThat(ended.output())
                    .contains("sysgenid: the restore is aborted: ", "start it with: sysgenid serve", "--allow-missing");
            assertThat(clone.resumed()).isFalse();
        }
    }

    @Test
    void aNoteThatMakesNoSenseAbortsTheRestore() throws IOException {
        try (ServedDevice device = ServedDevice.start();
                Snapshot snapshot = dump(cProgram(), Map.of(), hook(device))) {
            Path note = snapshot.images().resolve("sysgenid.generation");
            for (String text : List.of("", "-1\n", "4294967296\n", "5; touch /run/x\n", "07\n5\n")) {
                Files.writeString(note, text);
                Snapshot.Clone clone = snapshot.tryRestore();
                Child.Ended ended = clone.awaitEnd();
                assertThat(ended.status()).as(text).isNotZero();
                assertThat(ended.output()).contains("is not the note of a generation");
                assertThat(clone.resumed()).isFalse();
            }
            assertThat(device.generation()).isZero();
            Files.writeString(note, "4294967295\n");
            snapshot.restore();
            assertThat(device.generation()).isEqualTo(1);
            Files.delete(note);
            snapshot.restore();
            assertThat(device.generation()).isEqualTo(2);
        }
    }

    // Tools.

    private Snapshot dump(
            List<String> program, Map<String, String> environment, @org.jspecify.annotations.Nullable Path hook) {
        try {
            return Snapshot.dump(Files.createDirectory(directory.resolve("snapshot")), program, environment, hook);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static List<String> cProgram(String... arguments) {
        List<String> command = new ArrayList<>();
        command.add(CProgram.behaviour("clones").executable().toString());
        command.add("DIRECTORY");
        command.addAll(List.of(arguments));
        return command;
    }

    /** The hook as it is installed. */
    private Path hook(ServedDevice device) throws IOException {
        return Hook.install(directory, device.device());
    }

    private static List<Snapshot.Clone> restore(Snapshot snapshot) {
        List<Snapshot.Clone> clones = new ArrayList<>();
        for (int i = 0; i < CLONES; i++) {
            clones.add(snapshot.restore());
        }
        return clones;
    }

    private static List<Map<String, String>> draw(List<Snapshot.Clone> clones) {
        return clones.stream().map(Snapshot.Clone::draw).toList();
    }

    private static void awaitAcknowledged(ServedDevice device) {
        Child.Ended waited = ServedDevice.runCommand(
                List.of("wait", "--timeout", "60s", "--device", device.device().toString()));
        assertThat(waited.status()).as(waited.output()).isZero();
    }

    /** The names under which at least two clones drew the same. */
    private static Set<String> repeated(List<Map<String, String>> drawn) {
        assertThat(drawn).hasSize(CLONES);
        return drawn.getFirst().keySet().stream()
                .filter(name -> {
                    Set<String> different = new HashSet<>();
                    return drawn.stream().anyMatch(tokens -> !different.add(String.valueOf(tokens.get(name))));
                })
                .collect(Collectors.toSet());
    }

    private static void report(String what, List<Map<String, String>> drawn) {
        Set<String> repeated = repeated(drawn);
        System.out.println(what + ": " + drawn.size() + " clones, " + repeated.size() + " of "
                + drawn.getFirst().size() + " repeat");
        drawn.getFirst()
                .keySet()
                .forEach(name -> System.out.println("  " + (repeated.contains(name) ? "same    " : "differ  ") + name));
    }
}
