// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.it.Child;
import dev.sysgenid.it.ServedDevice;
import dev.sysgenid.it.client.JavaProgram.Platform;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** The page {@code docs/how-do-i.md}: its Java is that of a program, and the program does what the page says. */
class HowDoIIT {
    private static final Path PAGE = Path.of("../docs/how-do-i.md");
    private static final Path PROGRAM = Path.of("../examples/java/HowDoI.java");
    private static final Path SECURITY_FILE = Path.of("../security/src/main/resources/META-INF/sysgenid.security");

    @TempDir
    Path directory;

    @Test
    void thePageHoldsThePartsOfTheProgram() throws IOException {
        List<String> parts = new ArrayList<>();
        Matcher part = Pattern.compile("(?ms)^ *// \\[(?!end\\])\\w+\\]\n(.*?)^ *// \\[end\\]\n")
                .matcher(Files.readString(PROGRAM));
        while (part.find()) {
            parts.add(part.group(1).stripTrailing().stripIndent() + "\n");
        }
        assertThat(parts).hasSize(10);
        assertThat(blocks("java")).containsExactlyElementsOf(parts);
    }

    @ParameterizedTest
    @EnumSource(value = Platform.class, names = "JAVA_25_WITHOUT_NATIVE_ACCESS", mode = Mode.EXCLUDE)
    void tokens(Platform runtime) {
        try (ServedDevice device = ServedDevice.start()) {
            Child child = start(device, runtime, "tokens");
            String[] first = child.awaitLine("order ").split(" ");
            device.bump();
            child.send("");
            String[] second = child.awaitLine("order ").split(" ");
            for (String[] line : List.of(first, second)) {
                assertThat(UUID.fromString(line[1]).version()).isEqualTo(4);
                assertThat(UUID.fromString(line[3]).version()).isEqualTo(7);
                assertThat(line[5]).matches("[A-Za-z0-9_-]{43}");
                assertThat(line[7]).matches("[1-6]");
            }
            assertThat(second[1]).isNotEqualTo(first[1]);
            assertThat(second[3]).isGreaterThan(first[3]);
            assertThat(second[5]).isNotEqualTo(first[5]);
            child.closeInput();
            assertThat(child.awaitExit()).isZero();
        }
    }

    @ParameterizedTest
    @EnumSource(value = Platform.class, names = "JAVA_25_WITHOUT_NATIVE_ACCESS", mode = Mode.EXCLUDE)
    void theProvider(Platform runtime) {
        try (ServedDevice device = ServedDevice.start()) {
            Child child = start(device, runtime, "provider");
            assertThat(child.awaitExit()).isZero();
            assertThat(child.output()).contains("new SysGenID").contains("strong SysGenID");
        }
    }

    /** The recipe for a JDK with other providers gives the shipped file on those that the file is for. */
    @ParameterizedTest
    @EnumSource(
            value = Platform.class,
            names = {"JAVA_17", "JAVA_25"})
    void theFileOfProviders(Platform runtime) throws IOException {
        List<String> recipes =
                blocks("sh").stream().filter(block -> block.contains("awk")).toList();
        assertThat(recipes).hasSize(1);
        Path home = Path.of(JavaProgram.command(runtime, "HowDoI", List.of()).get(0), "../..")
                .normalize();
        List<String> command = List.of("sh", "-c", "cd '" + directory + "' && " + recipes.get(0));
        try (Child child = Child.start(command, Map.of("JAVA_HOME", home.toString()))) {
            assertThat(child.awaitExit()).as(child.output()).isZero();
        }
        assertThat(properties(directory.resolve("sysgenid.security"))).isEqualTo(properties(SECURITY_FILE));
    }

    @ParameterizedTest
    @EnumSource(value = Platform.class, names = "JAVA_25_WITHOUT_NATIVE_ACCESS", mode = Mode.EXCLUDE)
    void aSecret(Platform runtime) {
        try (ServedDevice device = ServedDevice.start()) {
            Child child = start(device, runtime, "secret");
            String first = child.awaitLine("signed ");
            assertThat(next(child)).isEqualTo(first);
            device.bump();
            String second = next(child);
            assertThat(second).isNotEqualTo(first);
            assertThat(next(child)).isEqualTo(second);
        }
    }

    /** As the end of the page says: a file that the test changes. */
    @ParameterizedTest
    @EnumSource(value = Platform.class, names = "JAVA_25_WITHOUT_NATIVE_ACCESS", mode = Mode.EXCLUDE)
    void aFileInPlaceOfTheDevice(Platform runtime) throws IOException {
        Path page = directory.resolve("page");
        try (FileChannel file = FileChannel.open(page, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
                Child child = Child.start(JavaProgram.command(
                        runtime, "HowDoI", List.of("-Dsysgenid.path=" + page(file, page)), "secret"))) {
            String first = child.awaitLine("signed ");
            assertThat(next(child)).isEqualTo(first);
            file.write(ByteBuffer.allocate(4).order(ByteOrder.nativeOrder()).putInt(0, 1), 0);
            assertThat(next(child)).isNotEqualTo(first);
        }
    }

    private static Path page(FileChannel file, Path page) throws IOException {
        file.write(ByteBuffer.allocate(4096));
        return page;
    }

    @ParameterizedTest
    @EnumSource(value = Platform.class, names = "JAVA_25_WITHOUT_NATIVE_ACCESS", mode = Mode.EXCLUDE)
    void aTransactionThatABumpMeetsIsDoneAgain(Platform runtime) {
        try (ServedDevice device = ServedDevice.start()) {
            Child child = start(device, runtime, "transaction");
            String first = child.awaitLine("insert ");
            device.bump();
            child.send("");
            child.awaitLine("rollback");
            String second = child.awaitLine("insert ");
            assertThat(second).isNotEqualTo(first);
            child.send("");
            child.awaitLine("commit");
            assertThat(child.awaitLine("ordered ")).endsWith(second.substring("insert ".length()));
            assertThat(child.awaitExit()).isZero();
        }
    }

    @ParameterizedTest
    @EnumSource(value = Platform.class, names = "JAVA_25_WITHOUT_NATIVE_ACCESS", mode = Mode.EXCLUDE)
    void cachesThenConnections(Platform runtime) {
        try (ServedDevice device = ServedDevice.start()) {
            Child child = start(device, runtime, "connections");
            child.awaitLine("watching");
            child.send("");
            child.awaitLine("sessions 1");
            device.bump();
            child.awaitLine("reconnected");
            child.send("");
            child.awaitLine("sessions 0");
        }
    }

    @ParameterizedTest
    @EnumSource(value = Platform.class, names = "JAVA_25_WITHOUT_NATIVE_ACCESS", mode = Mode.EXCLUDE)
    void anEventLoop(Platform runtime) {
        try (ServedDevice device = ServedDevice.start()) {
            Child child = start(device, runtime, "loop");
            for (int generation = 1; generation <= 3; generation++) {
                child.awaitLine("turn " + (generation - 1));
                device.bump();
                child.awaitLine("renewed for " + generation);
            }
            child.awaitLine("turn 3");
            assertThat(child.awaitExit()).isZero();
        }
    }

    @Test
    void anOrchestratorOpensWhenAllHaveRenewed() {
        try (ServedDevice device = ServedDevice.start()) {
            Child ready = start(device, Platform.JAVA_25, "ready");
            ready.awaitLine("ready true");
            Child orchestrator = start(device, Platform.JAVA_25, "orchestrator");
            ready.awaitLine("ready false");
            assertThat(orchestrator.output()).doesNotContain("open");
            ready.send("");
            ready.awaitLine("ready true");
            orchestrator.awaitLine("open for traffic");
            assertThat(orchestrator.awaitExit()).isZero();
        }
    }

    @ParameterizedTest
    @EnumSource(value = Platform.class, names = "JAVA_25_WITHOUT_NATIVE_ACCESS", mode = Mode.EXCLUDE)
    void aProgramAnswersForItself(Platform runtime) {
        try (ServedDevice device = ServedDevice.start()) {
            Child child = start(device, runtime, "ready");
            child.awaitLine("ready true");
            device.bump();
            child.awaitLine("ready false");
            child.send("");
            child.awaitLine("ready true");
            assertThat(child.awaitExit()).isZero();
        }
    }

    @ParameterizedTest
    @EnumSource(value = Platform.class, names = "JAVA_25_WITHOUT_NATIVE_ACCESS", mode = Mode.EXCLUDE)
    void aCheckpointByHand(Platform runtime) {
        try (ServedDevice device = ServedDevice.start()) {
            Child child = start(device, runtime, "checkpoint");
            String before = child.awaitLine("before ").substring("before ".length());
            assertThat(child.awaitLine("after ")).isNotEqualTo("after " + before);
            assertThat(child.awaitExit()).isZero();
        }
    }

    @ParameterizedTest
    @EnumSource(value = Platform.class, names = "JAVA_25_WITHOUT_NATIVE_ACCESS", mode = Mode.EXCLUDE)
    void aTestOfAProgram(Platform runtime) {
        try (Child child = Child.start(JavaProgram.command(runtime, "HowDoI", List.of(), "test"))) {
            child.awaitLine("passed");
            assertThat(child.awaitExit()).isZero();
        }
    }

    private static Child start(ServedDevice device, Platform runtime, String name) {
        return device.startProgram(
                JavaProgram.command(runtime, "HowDoI", List.of("-Dsysgenid.path=" + device.device()), name));
    }

    private static String next(Child child) {
        child.send("");
        return child.awaitLine("signed ");
    }

    /** The fenced blocks of a language, in their order. */
    private static List<String> blocks(String language) throws IOException {
        return Pattern.compile("(?ms)^```" + language + "\n(.*?)^```$")
                .matcher(Files.readString(PAGE))
                .results()
                .map(block -> block.group(1))
                .collect(Collectors.toList());
    }

    private static Properties properties(Path file) throws IOException {
        Properties properties = new Properties();
        try (var reader = Files.newBufferedReader(file)) {
            properties.load(reader);
        }
        return properties;
    }
}
