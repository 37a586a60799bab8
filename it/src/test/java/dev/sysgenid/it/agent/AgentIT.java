// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.it.Child;
import dev.sysgenid.it.ServedDevice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A program that knows nothing of generations, with the agent on the mounted device. */
class AgentIT {
    private static final Path AGENT =
            Path.of("../agent/target/sysgenid-agent.jar").toAbsolutePath().normalize();

    private static final String PROGRAM = """
            public class Waits {
                public static void main(String[] arguments) throws Exception {
                    System.out.println("runs " + java.util.UUID.randomUUID());
                    System.in.read();
                }
            }
            """;

    @TempDir
    private static Path folder;

    private static Path source = Path.of("");

    @BeforeAll
    static void write() throws IOException {
        source = folder.resolve("Waits.java");
        Files.writeString(source, PROGRAM);
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private static String java(int version) {
        if (version == Runtime.version().feature()) {
            return System.getProperty("java.home") + "/bin/java";
        }
        String home = System.getenv("SYSGENID_JDK" + version);
        Assumptions.assumeTrue(home != null, "SKIPPED: no JDK " + version + " found (./mvnw looks for one)");
        return home + "/bin/java";
    }

    private static List<String> program(int version, Path device, String... jvmOptions) {
        List<String> command = new ArrayList<>(List.of(java(version), "-Dsysgenid.path=" + device));
        command.addAll(List.of(jvmOptions));
        command.add(source.toString());
        return command;
    }

    private static void bumpAndWait(ServedDevice device) {
        Child.Ended bump = ServedDevice.runCommand(
                List.of("bump", "--device", device.device().toString(), "--wait", "--timeout", "60s"));
        assertThat(bump.status()).as(bump.output()).isZero();
    }

    @ParameterizedTest
    @ValueSource(ints = {17, 25})
    void eachBumpIsAcknowledgedWhenAllIsRenewed(int version) throws Exception {
        try (ServedDevice device = ServedDevice.start()) {
            Child program = device.startProgram(program(version, device.device(), "-javaagent:" + AGENT + "=report"));
            program.awaitLine("runs ");
            for (int generation = 1; generation <= 5; generation++) {
                bumpAndWait(device);
                String line = program.awaitLine("sysgenid agent: generation " + generation + ": ");
                assertThat(line).endsWith(" 0 mends skipped, 0 failed");
            }
            assertThat(device.watchers()).anyMatch(line -> line.contains(" " + program.pid() + " 0 rw yes 5 "));
        }
    }

    /** From then on nobody sleeps in the kernel, where a thread would keep the JVM from ending. */
    @ParameterizedTest
    @ValueSource(ints = {17, 25})
    void changesAreDealtWithWhileTheProgramEnds(int version) throws Exception {
        Path ending = folder.resolve("Ends.java");
        Files.writeString(ending, """
                public class Ends {
                    public static void main(String[] arguments) {
                        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                            try {
                                Thread.sleep(300);
                                System.out.println("ends");
                                System.in.read();
                            } catch (java.io.IOException | InterruptedException e) {
                                throw new IllegalStateException(e);
                            }
                        }));
                        System.out.println("runs " + java.util.UUID.randomUUID());
                    }
                }
                """);
        try (ServedDevice device = ServedDevice.start()) {
            List<String> command = program(version, device.device(), "-javaagent:" + AGENT + "=report");
            command.set(command.size() - 1, ending.toString());
            Child program = device.startProgram(command);
            program.awaitLine("ends");
            for (int generation = 1; generation <= 2; generation++) {
                bumpAndWait(device);
                program.awaitLine("sysgenid agent: generation " + generation + ": ");
            }
            program.send("");
            assertThat(program.awaitExit()).as(program.output()).isZero();
        }
    }

    /** When only the first half of the agent is there: it is a watcher, and what it saw is dealt with before all else. */
    @ParameterizedTest
    @ValueSource(ints = {17, 25})
    void aBumpRightAfterTheStartIsAcknowledgedWhenAllIsRenewed(int version) throws Exception {
        try (ServedDevice device = ServedDevice.start()) {
            List<String> command = program(version, device.device(), "-javaagent:" + AGENT);
            Child program = device.startProgram(command);
            String pid = " " + program.pid() + " ";
            while (device.watchers().stream().noneMatch(line -> line.contains(pid + "0 rw yes 0 "))) {
                assertThat(program.isAlive()).as(program.output()).isTrue();
                Thread.sleep(1);
            }
            device.bump();
            bumpAndWait(device);
            assertThat(device.watchers())
                    .anyMatch(line -> line.contains(pid + "0 rw yes 2 "))
                    .noneMatch(line -> line.contains(pid + "0 rw yes 0 "));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {17, 25})
    void theCommandPutsItIntoAProgramThatRuns(int version) throws Exception {
        try (ServedDevice device = ServedDevice.start()) {
            Child program = device.startProgram(program(version, device.device()));
            program.awaitLine("runs ");
            String pid = Long.toString(program.pid());
            assertThat(device.watchers()).noneMatch(line -> line.contains(" " + pid + " "));
            Child.Ended attached = attach("--agent", AGENT.toString(), pid, "report", "without=uuid");
            assertThat(attached.status()).as(attached.output()).isZero();
            assertThat(attached.output())
                    .contains("process " + pid + ": Java " + version)
                    .contains(" 0 skipped");
            program.awaitLine("  unwanted  uuid ");
            bumpAndWait(device);
            program.awaitLine("sysgenid agent: generation 1: ");
            Child.Ended off = attach("--agent", AGENT.toString(), pid, "off");
            assertThat(off.output()).contains("no agent in process " + pid);
            device.awaitWatchers(
                    "it is none any more",
                    watchers -> watchers.stream().noneMatch(line -> line.contains(" " + pid + " 0 rw yes ")));
        }
    }

    @Test
    void theCommandSaysWhyItCannot() {
        assertThat(attach("--agent", AGENT.toString(), "999999999").output()).contains("there is no process 999999999");
        assertThat(attach("--agent", AGENT.toString(), "1x").status()).isEqualTo(2);
        List<String> without =
                new ArrayList<>(ServedDevice.command(List.of("attach", "--agent", AGENT.toString(), "1")));
        without.add(1, "--limit-modules=dev.sysgenid.cli"); // a runtime that was made without it
        Child.Ended ended = Child.run(without);
        assertThat(ended.status()).isEqualTo(69);
        assertThat(ended.output()).contains("has no module jdk.attach").contains("-javaagent:" + AGENT);
    }

    /** As the launcher does it. */
    private static Child.Ended attach(String... arguments) {
        List<String> command = new ArrayList<>(ServedDevice.command(
                Stream.concat(Stream.of("attach"), Stream.of(arguments)).toList()));
        command.add(1, "--add-modules=jdk.attach");
        return Child.run(command);
    }

    /** A program under the agent, of a user who can read a copy of its jar. */
    private Child startAsNobody(ServedDevice device, String copy) throws IOException {
        Path readable = folder.resolve(copy);
        Files.copy(AGENT, readable);
        List<String> command =
                new ArrayList<>(List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"));
        command.addAll(program(25, device.device(), "-javaagent:" + readable + "=report"));
        return Child.start(command);
    }

    /** Then nobody waits for it, but it renews. */
    @Test
    void withoutTheRightToWriteTheDeviceAllIsRenewed() throws Exception {
        try (ServedDevice device = ServedDevice.start("--mode", "0644")) {
            try (Child program = startAsNobody(device, "agent-too.jar")) {
                program.awaitLine("  cannot    the process id");
                device.bump();
                assertThat(program.awaitLine("sysgenid agent: generation 1: ")).endsWith(" 0 mends skipped, 0 failed");
                program.send("");
                assertThat(program.awaitExit()).as(program.output()).isZero();
                assertThat(program.output()).contains("cannot be opened for writing");
            }
        }
    }

    @Test
    void withoutTheRightToReadTheDeviceTheProgramRuns() throws Exception {
        try (ServedDevice device = ServedDevice.start("--mode", "0600")) {
            try (Child program = startAsNobody(device, "agent.jar")) {
                program.awaitLine("  cannot    the process id");
                program.send("");
                assertThat(program.awaitExit()).as(program.output()).isZero();
                assertThat(program.output()).contains("is not readable; generations are those of this process alone");
            }
        }
    }
}
