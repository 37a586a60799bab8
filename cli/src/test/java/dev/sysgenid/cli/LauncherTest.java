// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The script {@code sysgenid}, in a directory that looks like the repository, or like an installation, where Maven and
 * Java are scripts that note how they are called.
 */
class LauncherTest {
    private static final Path SCRIPT = Path.of("..", "sysgenid");

    @TempDir
    Path directory;

    private Path root = Path.of("");
    private Path calls = Path.of("");

    @BeforeEach
    void repository() throws IOException {
        root = Files.createDirectory(directory.resolve("a clone"));
        calls = directory.resolve("calls");
        Files.copy(SCRIPT, root.resolve("sysgenid"));
        executable("sysgenid", Files.readString(SCRIPT));
        file("pom.xml", "");
        file("cli/pom.xml", "");
        file("cli/src/main/java/A.java", "");
        executable("jdk/bin/java", "#!/bin/sh\nprintf '%s\\n' \"java $*\" >> '" + calls + """
                '
                case "$*" in
                  *AOTCacheOutput*) for a; do case $a in -XX:AOTCacheOutput=*) : >"${a#*=}" ;; esac; done ;;
                  *) printf '%s\\n' "$@"; exit 7 ;;
                esac
                """);
        file(".mvn/jdks.sh", "need_jdk25() { JAVA_HOME='" + root + "/jdk'; }\n");
        maven("mkdir -p cli/target/lib && : > cli/target/lib/a.jar");
        // As if all that had been there for long: what a test writes later is newer.
        try (var files = Files.walk(root)) {
            for (Path file : files.toList()) {
                Files.setLastModifiedTime(file, FileTime.from(Instant.now().minusSeconds(100)));
            }
        }
    }

    private void file(String name, String text) throws IOException {
        Path file = root.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    private void executable(String name, String text) throws IOException {
        file(name, text);
        Files.setPosixFilePermissions(root.resolve(name), PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private void maven(String does) throws IOException {
        executable("mvnw", "#!/bin/sh\necho mvnw \"$*\" >> '" + calls + "'\n" + does + "\n");
    }

    private record Result(int exitCode, String out, String err) {}

    private Result run(Path script, String... arguments) throws IOException, InterruptedException {
        Path out = directory.resolve("out");
        Path err = directory.resolve("err");
        List<String> command = new ArrayList<>(List.of(script.toString()));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectOutput(out.toFile())
                .redirectError(err.toFile());
        builder.environment().remove("SYSGENID_JAVA_OPTIONS");
        Process process = builder.start();
        assertThat(process.waitFor(4, TimeUnit.MINUTES)).isTrue();
        return new Result(process.exitValue(), Files.readString(out), Files.readString(err));
    }

    private Result run(String... arguments) throws IOException, InterruptedException {
        return run(root.resolve("sysgenid"), arguments);
    }

    /** What was called since the last time this was asked: mvnw, train, run. */
    private List<String> called() throws IOException {
        if (!Files.exists(calls)) {
            return List.of();
        }
        List<String> names = Files.readAllLines(calls).stream()
                .map(line -> line.startsWith("mvnw") ? "mvnw" : line.contains("Training") ? "train" : "run")
                .toList();
        Files.delete(calls);
        return names;
    }

    @Test
    void buildsOnFirstUseAndNotAgain() throws Exception {
        Result first = run("status");
        assertThat(first.err()).isEqualTo("sysgenid: building (first use) ...\n");
        assertThat(called()).containsExactly("mvnw", "train", "run");
        Result second = run("status");
        assertThat(second.err()).isEmpty();
        assertThat(called()).containsExactly("run");
        assertThat(second).returns(first.out(), Result::out);
    }

    /** What CRIU restores is frozen meanwhile. */
    @Test
    void theHookIsNeverBuiltAnewAndKnowsWhereItIs() throws Exception {
        run("status");
        called();
        file("cli/src/main/java/A.java", "changed");
        Result hook = run("hook", "criu");
        assertThat(hook.err()).isEmpty();
        assertThat(called()).containsExactly("run");
        assertThat(hook.out()).contains("-Dsysgenid.launcher=" + root.toRealPath() + "/sysgenid\n");
        run("hook", "install", "runc");
        assertThat(called()).containsExactly("mvnw", "train", "run");
    }

    @Test
    void theHookStartsNoJavaAtStagesThatMeanNothing() throws Exception {
        Process process = new ProcessBuilder(
                        "env", "CRTOOLS_SCRIPT_ACTION=pre-resume", root + "/sysgenid", "hook", "criu")
                .redirectErrorStream(true)
                .start();
        assertThat(process.inputReader().readLine()).isNull();
        assertThat(process.waitFor()).isZero();
        assertThat(called()).isEmpty();
    }

    @Test
    void passesArgumentsAndTheExitCodeOn() throws Exception {
        Result result = run("watch", "--exec", "two  words", "", "*");
        assertThat(result.exitCode()).isEqualTo(7);
        assertThat(result.out())
                .endsWith("--module-path\n" + root
                        + "/cli/target/lib\n-m\ndev.sysgenid.cli/dev.sysgenid.cli.Main\n"
                        + "watch\n--exec\ntwo  words\n\n*\n")
                .contains("\n-XX:AOTCache=" + root + "/cli/target/sysgenid.aot\n");
    }

    @Test
    void onlyTheDaemonHasRoomForMany() throws Exception {
        assertThat(run("serve").out()).contains("\n-Xmx256m\n-XX:+ExitOnOutOfMemoryError\n");
        assertThat(run("bump").out()).contains("\n-Xmx64m\n").doesNotContain("ExitOnOutOfMemoryError");
        assertThat(run().out()).contains("\n--enable-native-access=dev.sysgenid.linux\n");
    }

    @Test
    void buildsAfterAChange() throws Exception {
        run("status");
        called();
        file("cli/src/main/java/B.java", "");
        assertThat(run("status").err()).isEqualTo("sysgenid: building (sources have changed) ...\n");
        assertThat(called()).containsExactly("mvnw", "train", "run");

        Files.delete(root.resolve("cli/src/main/java/A.java"));
        run("status");
        assertThat(called()).containsExactly("mvnw", "train", "run");

        file("cli/pom.xml", "<!-- -->");
        run("status");
        assertThat(called()).containsExactly("mvnw", "train", "run");

        file("README.md", "");
        file("cli/src/test/java/T.java", "");
        run("status");
        assertThat(called()).containsExactly("run");
    }

    @Test
    void makesTheCacheAnewForNewJars() throws Exception {
        run("status");
        called();
        Files.delete(root.resolve("cli/target/lib/a.jar"));
        file("cli/target/lib/a.jar", "new");
        assertThat(run("status").err()).isEqualTo("sysgenid: preparing fast starts ...\n");
        assertThat(called()).containsExactly("train", "run");
        run("status");
        assertThat(called()).containsExactly("run");
    }

    @Test
    void runsWithoutACacheWhereNoneCanBeMade() throws Exception {
        executable(
                "jdk/bin/java",
                "#!/bin/sh\nprintf '%s\\n' \"java $*\" >> '" + calls + "'\n"
                        + "case $* in *AOTCacheOutput*) exit 1 ;; esac\nprintf '%s\\n' \"$@\"\n");
        Result result = run("status");
        assertThat(result.exitCode()).isZero();
        assertThat(result.out()).doesNotContain("AOTCache");
        called();
        run("status");
        assertThat(called()).containsExactly("run");
    }

    @Test
    void showsTheLogOfAFailedBuildAndTriesAgain() throws Exception {
        maven("echo no such symbol; exit 1");
        Result result = run("status");
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.out()).isEmpty();
        assertThat(result.err())
                .isEqualTo("sysgenid: building (first use) ...\nno such symbol\n"
                        + "sysgenid: the build failed; its log is " + root + "/cli/target/sysgenid-build.log\n");
        run("status");
        assertThat(called()).containsExactly("mvnw", "mvnw");
    }

    @Test
    void twoAtOnceBuildOnce() throws Exception {
        maven("sleep 1; mkdir -p cli/target/lib && : > cli/target/lib/a.jar");
        Process other = new ProcessBuilder(root.resolve("sysgenid").toString(), "status")
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("other").toFile())
                .start();
        run("status");
        assertThat(other.waitFor(4, TimeUnit.MINUTES)).isTrue();
        assertThat(called()).containsExactlyInAnyOrder("mvnw", "train", "run", "run");
    }

    @Test
    void followsLinksToItself() throws Exception {
        Path bin = Files.createDirectory(directory.resolve("bin"));
        Path absolute = Files.createSymbolicLink(bin.resolve("absolute"), root.resolve("sysgenid"));
        Path relative = Files.createSymbolicLink(bin.resolve("relative"), Path.of("absolute"));
        assertThat(run(absolute).out()).contains("\n" + root + "/cli/target/lib\n");
        assertThat(run(relative).out()).contains("\n" + root + "/cli/target/lib\n");
    }

    @Test
    void remembersJavaUntilJavaHomeChanges() throws Exception {
        run("status");
        file(".mvn/jdks.sh", "need_jdk25() { echo no JDK here >&2; return 1; }\n");
        Files.setLastModifiedTime(
                root.resolve(".mvn/jdks.sh"), FileTime.from(Instant.now().minusSeconds(100)));
        Files.setLastModifiedTime(
                root.resolve(".mvn"), FileTime.from(Instant.now().minusSeconds(100)));
        assertThat(run("status").exitCode()).isEqualTo(7);
        file("cli/target/sysgenid.java", "/another/home\n" + root + "/jdk/bin/java\n");
        Result result = run("status");
        assertThat(result.exitCode()).isEqualTo(69);
        assertThat(result.err()).isEqualTo("no JDK here\n");
    }

    /** Else {@code sleep} would fail, and a daemon that dies and dies be started without a pause. */
    @Test
    void aRestartDelayThatIsNoNumberIsSaid() throws Exception {
        run("status");
        for (String delay : new String[] {"soon", "1s", "", "-1", "1.2.3"}) {
            Process process = new ProcessBuilder(
                            "env",
                            "-u",
                            "NOTIFY_SOCKET",
                            "SYSGENID_RESTART_DELAY=" + delay,
                            root + "/sysgenid",
                            "serve")
                    .redirectErrorStream(true)
                    .start();
            String said = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
            assertThat(process.waitFor()).isEqualTo(7);
            Assumptions.assumeTrue(Files.isWritable(Path.of("/dev/fuse")), "SKIPPED: no keeper without root and FUSE");
            assertThat(said)
                    .contains("SYSGENID_RESTART_DELAY is '" + delay + "', which is not a number of seconds: 10 it is");
        }
    }

    /** A daemon of which each start ends as this list says; what the keeper says, and how it ends. */
    private Result kept(String longestDelay, String... ends) throws Exception {
        Assumptions.assumeTrue(
                Files.isWritable(Path.of("/dev/fuse"))
                        && Files.getOwner(directory).getName().equals("root"),
                "SKIPPED: no keeper without root and FUSE");
        run("status");
        executable(
                "jdk/bin/java",
                "#!/bin/sh\ncase $* in *AOTCacheOutput*) exit 1 ;; esac\necho >>'" + directory
                        + "/starts'\nset -- " + String.join(" ", ends) + "\nshift $(($(wc -l <'" + directory
                        + "/starts') - 1))\ncase $1 in killed) kill -KILL $$ ;; esac\nexit $1\n");
        run("status");
        Files.deleteIfExists(directory.resolve("starts"));
        return run(
                Path.of("/usr/bin/env"),
                "-u",
                "NOTIFY_SOCKET",
                "SYSGENID_RESTART_DELAY=" + longestDelay,
                root + "/sysgenid",
                "serve");
    }

    private int starts() throws IOException {
        return Files.readAllLines(directory.resolve("starts")).size();
    }

    /** Clients wait for it, and what keeps it from starting may pass: no memory, a build under way, another Java. */
    @Test
    void aSuccessorThatCannotStartIsTriedAgain() throws Exception {
        Result result = kept("0", "killed", "1", "69", "73", "77", "126", "127", "0");
        assertThat(result.exitCode()).as(result.err()).isZero();
        assertThat(starts()).isEqualTo(8);
        assertThat(result.err())
                .contains("the daemon was killed by signal 9; another one takes over\n")
                .contains("the daemon could not take over (its exit code is 127)");
    }

    @Test
    void whoseMountIsTakenAwayIsNotStartedAgain() throws Exception {
        assertThat(kept("0", "killed", "74", "0").exitCode()).isEqualTo(74);
        assertThat(starts()).isEqualTo(2);
    }

    @Test
    void aFirstDaemonThatCannotStartIsNotTriedAgain() throws Exception {
        assertThat(kept("0", "69", "0").exitCode()).isEqualTo(69);
        assertThat(starts()).isEqualTo(1);
    }

    @Test
    void noDelayIsLongerThanTheLongest() throws Exception {
        String killed = "killed";
        Result result = kept("0.3", killed, killed, killed, killed, killed, killed, killed, killed, killed, "0");
        assertThat(result.exitCode()).as(result.err()).isZero();
        assertThat(result.err().lines().filter(line -> line.contains("takes over in ")))
                .extracting(line -> line.replaceFirst(".* in ", ""))
                .containsExactly("0.2s", "0.3s", "0.3s", "0.3s", "0.3s", "0.3s");
    }

    /** As a system service, which has none. */
    @Test
    void javaIsFoundWithoutAHome() throws Exception {
        file(".mvn/jdks.sh", Files.readString(SCRIPT.resolveSibling(".mvn/jdks.sh")));
        Result result = run(
                Path.of("/usr/bin/env"),
                "-u",
                "HOME",
                "-u",
                "SDKMAN_DIR",
                "/bin/sh",
                "-euc",
                ". \"$1\"; need_jdk25; echo \"$JAVA_HOME\"",
                "sh",
                root + "/.mvn/jdks.sh");
        assertThat(result.err()).isEmpty();
        assertThat(result.out()).isNotBlank();
        assertThat(result.exitCode()).isZero();
    }

    @Test
    void anInstallationIsPreparedOnceAndUsesItsOwnRuntime() throws Exception {
        Files.delete(root.resolve("pom.xml"));
        file("lib/a.jar", "");
        Files.createDirectories(root.resolve("runtime"));
        Files.move(root.resolve("jdk/bin"), root.resolve("runtime/bin"));
        file("lib/jdks.sh", "need_jdk25() { exit 9; }\n");
        assertThat(run("prepare").exitCode()).isZero();
        assertThat(called()).contains("train");
        assertThat(run("prepare").exitCode()).isZero();
        assertThat(called()).isEmpty();
        assertThat(run("status").out()).contains("-XX:AOTCache=" + root + "/lib/sysgenid.aot\n");
        called();
        Files.delete(root.resolve("lib/a.jar"));
        file("lib/a.jar", "new");
        run("prepare");
        assertThat(called()).containsExactly("train");
    }

    @Test
    void anInstallationIsNeverBuilt() throws Exception {
        Files.delete(root.resolve("pom.xml"));
        file("lib/a.jar", "");
        file("lib/jdks.sh", Files.readString(root.resolve(".mvn/jdks.sh")));
        Result result = run("status");
        assertThat(result.exitCode()).isEqualTo(7);
        assertThat(result.err()).isEmpty();
        assertThat(result.out()).contains("--module-path\n" + root + "/lib\n").doesNotContain("AOTCache");
        assertThat(called()).containsExactly("run");
        assertThat(root.resolve("cli/target")).doesNotExist();
        file("lib/sysgenid.aot", "");
        assertThat(run("status").out()).contains("-XX:AOTCache=" + root + "/lib/sysgenid.aot\n");
    }
}
