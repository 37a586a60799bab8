// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.agent.program.Quiet;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Whatever is wrong around the agent, the program goes on, and a line says what is wrong. */
class BadInputIT {
    /** What Random(42) and a SHA1PRNG seeded with 42 give, with the agent or without. */
    private static final String CONTRACT = ", -1170105035, ";

    static List<Jdks> jdks() {
        return Jdks.here();
    }

    /** Runs the program to its end. */
    private static String run(Jdks jdk, String... jvmOptions) throws Exception {
        try (Jvm jvm = Jvm.start(jdk.java(), List.of(jvmOptions), Quiet.class)) {
            jvm.awaitLine("drew ");
            jvm.send("x");
            assertThat(jvm.awaitExit()).as(jvm.output()).isZero();
            assertThat(jvm.output()).contains(CONTRACT).contains("over");
            return jvm.output();
        }
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void withNothingToSayItSaysNothing(Jdks jdk) throws Exception {
        assertThat(run(jdk, Jvm.agent(""))).contains("by SysGenID").hasLineCount(2);
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void unknownOptionsAreListed(Jdks jdk) throws Exception {
        assertThat(run(jdk, Jvm.agent("reprot,only=uuid+nobody,provider=maybe,report=no")))
                .contains("sysgenid agent: unknown and passed over: reprot, provider=maybe; ")
                .contains("sysgenid agent: no mend is called nobody; there are: provider ");
    }

    @Test
    void helpListsTheOptionsAndTheMends() throws Exception {
        assertThat(run(Jdks.JAVA_25, Jvm.agent("help")))
                .contains("dry-run  ")
                .contains("mends: provider secure-random");
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void aDryRunChangesNothing(Jdks jdk) throws Exception {
        assertThat(run(jdk, Jvm.agent("dry-run")))
                .contains("dry run, nothing is changed")
                .contains("  ready     uuid ")
                .contains("  cannot    live TLS connections")
                .doesNotContain("by SysGenID");
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void withoutTheProvider(Jdks jdk) throws Exception {
        assertThat(run(jdk, Jvm.agent("provider=no"))).doesNotContain("by SysGenID");
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void theAgentTwice(Jdks jdk) throws Exception {
        assertThat(run(jdk, Jvm.agent(""), Jvm.agent("report")))
                .contains("sysgenid agent: already in this program")
                .contains("by SysGenID")
                .contains("  ready     uuid ");
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void theAgentInAProgramWithALibraryAndProviderOfItsOwn(Jdks jdk) throws Exception {
        List<String> options = List.of(Jvm.agent("report"));
        try (Jvm jvm = Jvm.start(jdk.java(), options, dev.sysgenid.agent.program.OwnProvider.class)) {
            assertThat(jvm.awaitExit()).as(jvm.output()).isZero();
            assertThat(jvm.output()).contains("own library: absent").contains("provider: SysGenID, ");
        }
        String all = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        String library = Arrays.stream(all.split(":", -1))
                .filter(each -> each.matches(".*/sysgenid-(abi|client|security)-[^/]*\\.jar"))
                .collect(Collectors.joining(":"));
        String path = "target/test-classes:" + library;
        List<String> command = new ArrayList<>(List.of(jdk.java(), Jvm.agent(""), "-cp", path));
        command.add(dev.sysgenid.agent.program.OwnProvider.class.getName());
        try (Jvm jvm = Jvm.run(Map.of(), command)) {
            assertThat(jvm.awaitExit()).as(jvm.output()).isZero();
            assertThat(jvm.output())
                    .contains("own library: of the program")
                    .contains("provider: SysGenID, not the program's")
                    .contains("the program's drew");
        }
    }

    @Test
    void underASecurityManager(@TempDir Path folder) throws Exception {
        assertThat(run(Jdks.JAVA_17, "-Djava.security.manager", Jvm.agent("")))
                .contains("sysgenid agent: not active, and the program goes on without it: ")
                .contains("its policy must grant java.security.AllPermission to sysgenid-agent.jar");
        Path policy = folder.resolve("policy");
        Files.writeString(
                policy, "grant codeBase \"" + Jvm.JAR.toUri() + "\" { permission java.security.AllPermission; };");
        assertThat(run(Jdks.JAVA_17, "-Djava.security.manager", "-Djava.security.policy=" + policy, Jvm.agent("")))
                .contains("by SysGenID")
                .doesNotContain("Exception");
    }

    @Test
    void withASecurityManagerAllowed() throws Exception {
        assertThat(run(Jdks.JAVA_17, "-Djava.security.manager=allow", Jvm.agent("")))
                .contains("by SysGenID");
        assertThat(run(Jdks.JAVA_25, "-Djava.security.manager=disallow", Jvm.agent("")))
                .contains("by SysGenID");
    }

    @Test
    void whereNativeAccessIsDenied() throws Exception {
        assertThat(run(Jdks.JAVA_25, "--illegal-native-access=deny", Jvm.agent(""), Jvm.agent("report")))
                .contains("by SysGenID")
                .contains(" 0 skipped")
                .doesNotContain("IllegalCallerException");
    }

    /** What is added to the JDK's methods passes the verifier, which the JVM leaves out for them otherwise. */
    @ParameterizedTest
    @MethodSource("jdks")
    void whereTheJdkIsVerified(Jdks jdk) throws Exception {
        String[] options = {"-XX:+UnlockDiagnosticVMOptions", "-XX:+BytecodeVerificationLocal", Jvm.agent("")};
        assertThat(run(jdk, options)).contains("by SysGenID").doesNotContain("VerifyError");
    }

    @Test
    void whereDynamicAgentsAreNot() throws Exception {
        assertThat(run(Jdks.JAVA_25, "-XX:-EnableDynamicAgentLoading", Jvm.agent("")))
                .contains("by SysGenID");
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void aDeviceThatIsNone(Jdks jdk) throws Exception {
        for (String path : List.of("/", "/dev/null", "/none/here")) {
            List<String> command = List.of(
                    jdk.java(),
                    "-Dsysgenid.path=" + path,
                    Jvm.agent("report"),
                    "-cp",
                    "target/test-classes",
                    Quiet.class.getName());
            try (Jvm jvm = Jvm.run(Map.of(), command)) {
                jvm.awaitLine("drew ");
                jvm.awaitLine("  cannot    the process id");
                jvm.send("x");
                assertThat(jvm.awaitExit()).as(jvm.output()).isZero();
                assertThat(jvm.output())
                        .contains("generations are those of this process alone")
                        .contains(CONTRACT);
            }
        }
    }

    /** The JVM itself refuses, before the agent is asked; with java.base alone there is no agent. */
    @Test
    void aRuntimeWithoutAgents(@TempDir Path folder) throws Exception {
        Path runtime = folder.resolve("base");
        jlink(runtime, "java.base");
        List<String> command = List.of(runtime + "/bin/java", Jvm.agent(""), "-version");
        try (Jvm jvm = Jvm.run(Map.of(), command)) {
            assertThat(jvm.awaitExit()).isNotZero();
            assertThat(jvm.output()).contains("java.instrument");
        }
    }

    /** Of a small runtime that has agents all is mended that is there. */
    @Test
    void aSmallRuntime(@TempDir Path folder) throws Exception {
        Path runtime = folder.resolve("small");
        jlink(runtime, "java.instrument");
        String output;
        try (Jvm jvm = Jvm.start(runtime + "/bin/java", List.of(Jvm.agent("report")), Quiet.class)) {
            jvm.awaitLine("drew ");
            jvm.awaitLine("  cannot    the process id");
            jvm.bump(1);
            jvm.awaitLine("sysgenid agent: generation 1: ");
            jvm.send("x");
            assertThat(jvm.awaitExit()).as(jvm.output()).isZero();
            output = jvm.output();
        }
        assertThat(output)
                .contains(" 0 mends skipped, 0 failed")
                .contains("  absent    rmi-ids ")
                .contains("  absent    dns ")
                .contains("  ready     tls ");
    }

    private static void jlink(Path to, String modules) throws Exception {
        Path jlink = Path.of(System.getProperty("java.home"), "bin", "jlink");
        List<String> command = List.of(jlink.toString(), "--add-modules", modules, "--output", to.toString());
        try (Jvm jvm = Jvm.run(Map.of(), command)) {
            assertThat(jvm.awaitExit()).as(jvm.output()).isZero();
        }
        assertThat(Files.exists(to.resolve("bin/java"))).isTrue();
    }
}
