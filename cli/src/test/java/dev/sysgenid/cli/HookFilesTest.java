// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.daemon.ExitCodes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code sysgenid hook install} and {@code uninstall}: the files, and the script, run by a shell. */
class HookFilesTest {
    private static final String LINE = "action-script /etc/criu/sysgenid-hook";

    private final FakeMachine machine = new FakeMachine(7);

    @TempDir
    Path root;

    private Path etc = Path.of("");

    @BeforeEach
    void directory() throws IOException {
        etc = root.resolve("etc/criu");
        executable(root.resolve("a command"), "#!/bin/sh\necho \"$@\"\nexit 9\n");
    }

    private int hook(String... arguments) {
        List<String> line = new ArrayList<>(List.of("hook"));
        line.addAll(List.of(arguments));
        line.addAll(List.of("--root", root.toString()));
        return machine.run(line.toArray(String[]::new));
    }

    private int install(String target, String... options) {
        List<String> line = new ArrayList<>(List.of("install", target));
        line.addAll(List.of("--command", root.resolve("a command").toString()));
        line.addAll(List.of(options));
        return hook(line.toArray(String[]::new));
    }

    private static void executable(Path file, String text) throws IOException {
        Files.writeString(file, text);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private List<String> files() throws IOException {
        if (!Files.exists(etc)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(etc)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    @ParameterizedTest
    @CsvSource({"criu, default.conf", "runc, runc.conf", "podman, runc.conf"})
    void writesAScriptAndALineAndTakesThemAway(String target, String configuration) throws IOException {
        assertThat(install(target)).isEqualTo(ExitCodes.OK);
        assertThat(machine.out())
                .isEqualTo("written    " + etc + "/sysgenid-hook\nwritten    " + etc + "/" + configuration + "\n");
        assertThat(Files.isExecutable(etc.resolve("sysgenid-hook"))).isTrue();
        assertThat(Files.readAllLines(etc.resolve(configuration))).hasSize(2).endsWith(LINE);

        assertThat(install(target)).isEqualTo(ExitCodes.OK);
        assertThat(machine.out()).doesNotContain("written", "changed    ").contains("unchanged  ");
        assertThat(Files.readAllLines(etc.resolve(configuration))).hasSize(2);

        assertThat(hook("uninstall", target)).isEqualTo(ExitCodes.OK);
        assertThat(files()).isEmpty();
        assertThat(hook("uninstall", target)).isEqualTo(ExitCodes.OK);
    }

    @Test
    void leavesWhatIsThere() throws IOException {
        Files.createDirectories(etc);
        Path configuration = etc.resolve("runc.conf");
        Path elsewhere = Files.writeString(root.resolve("elsewhere"), "tcp-established\n# \u00e9\naction-script /x");
        Files.setPosixFilePermissions(elsewhere, PosixFilePermissions.fromString("rw-r-----"));
        Files.createSymbolicLink(configuration, elsewhere);
        install("runc");
        assertThat(machine.out()).contains("changed    " + configuration);
        assertThat(Files.readAllLines(configuration)).startsWith("tcp-established", "# \u00e9", "action-script /x");
        assertThat(Files.readAllLines(configuration)).hasSize(5).endsWith(LINE);
        assertThat(Files.isSymbolicLink(configuration)).isTrue();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(elsewhere)))
                .isEqualTo("rw-r-----");
        hook("uninstall", "runc");
        assertThat(elsewhere).hasContent("tcp-established\n# \u00e9\naction-script /x\n");
    }

    @Test
    void theScriptStaysForWhoeverElseNeedsIt() throws IOException {
        install("criu");
        install("runc");
        hook("uninstall", "runc");
        assertThat(files()).containsExactly("default.conf", "sysgenid-hook");
        assertThat(machine.out()).contains("left       ");
    }

    @Test
    void crunsOwnConfigurationIsUsedWhereItIs() throws IOException {
        Files.createDirectories(etc);
        Files.writeString(etc.resolve("crun.conf"), "shell-job\n");
        install("podman");
        assertThat(Files.readAllLines(etc.resolve("crun.conf"))).endsWith(LINE);
        assertThat(Files.readAllLines(etc.resolve("runc.conf"))).endsWith(LINE);
    }

    @Test
    void aScriptThatIsNotOursIsNotTouched() throws IOException {
        Files.createDirectories(etc);
        Files.writeString(etc.resolve("sysgenid-hook"), "#!/bin/sh\n");
        assertThat(install("runc")).isEqualTo(ExitCodes.CANNOT_CREATE);
        assertThat(machine.err()).contains("is not a script of this program", "\n  ");
        assertThat(files()).containsExactly("sysgenid-hook");
        hook("uninstall", "runc");
        assertThat(files()).containsExactly("sysgenid-hook");
    }

    @Test
    void aDryRunWritesNothing() throws IOException {
        assertThat(install("podman", "--dry-run")).isEqualTo(ExitCodes.OK);
        assertThat(machine.out()).contains("would write  " + etc + "/runc.conf", LINE, "#!/bin/sh");
        assertThat(files()).isEmpty();
        install("podman");
        assertThat(hook("uninstall", "podman", "--dry-run")).isEqualTo(ExitCodes.OK);
        assertThat(machine.out()).contains("would remove ");
        assertThat(files()).hasSize(2);
    }

    // The script.

    private record Ran(int status, String output) {}

    private Ran script(String stage, Path images) throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(etc.resolve("sysgenid-hook").toString()).redirectErrorStream(true);
        builder.environment().put("CRTOOLS_SCRIPT_ACTION", stage);
        builder.environment().put("CRTOOLS_IMAGE_DIR", images.toString());
        Process process = builder.start();
        String output = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        return new Ran(process.waitFor(), output);
    }

    /** A directory that looks like the daemon's, where the file "generation" notes what is written to it. */
    private Path directoryLikeTheDaemons() throws IOException {
        Path mount = Files.createDirectory(root.resolve("it's mounted"));
        Files.writeString(mount.resolve("generation"), "41\n");
        Files.writeString(mount.resolve("sysgenid"), "");
        return Files.createSymbolicLink(root.resolve("dev"), mount.resolve("sysgenid"));
    }

    @Test
    void theScriptDoesItWithoutTheCommandWhereItCan() throws IOException, InterruptedException {
        Path device = directoryLikeTheDaemons();
        Path generation = root.resolve("it's mounted/generation");
        install("criu", "--device", device.toString());
        assertThat(script("pre-dump", root)).isEqualTo(new Ran(0, ""));
        assertThat(script("post-dump", root)).isEqualTo(new Ran(0, ""));
        Path note = root.resolve("sysgenid.generation");
        assertThat(note).hasContent("41\n");
        assertThat(script("post-restore", root)).isEqualTo(new Ran(0, ""));
        assertThat(generation).hasContent("42\n");
        Files.delete(note);
        assertThat(script("post-restore", root)).isEqualTo(new Ran(0, ""));
        assertThat(generation).hasContent("0\n");
    }

    @ParameterizedTest
    @CsvSource({"''", "-1", "07", "12345678901", "x", "$(touch y)", "*"})
    void theScriptLeavesAStrangeNoteToTheCommand(String text) throws IOException, InterruptedException {
        Path device = directoryLikeTheDaemons();
        install("criu", "--device", device.toString(), "--allow-missing");
        Files.writeString(root.resolve("sysgenid.generation"), text + "\n");
        assertThat(script("post-restore", root))
                .isEqualTo(new Ran(9, "hook criu --device " + device + " --allow-missing\n"));
        assertThat(root.resolve("it's mounted/generation")).hasContent("41\n");
    }

    @Test
    @Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void theScriptFollowsNoLinkAndWaitsForNoPipe() throws IOException, InterruptedException {
        Path device = directoryLikeTheDaemons();
        install("criu", "--device", device.toString());
        Path images = Files.createDirectory(root.resolve("images"));
        Path note = images.resolve("sysgenid.generation");
        Path elsewhere = Files.writeString(root.resolve("elsewhere"), "100\n");
        Ran theCommand = new Ran(9, "hook criu --device " + device + "\n");

        Files.createSymbolicLink(note, elsewhere);
        assertThat(script("post-restore", images)).isEqualTo(theCommand);
        assertThat(script("post-dump", images)).isEqualTo(new Ran(0, ""));
        assertThat(elsewhere).hasContent("100\n");
        assertThat(Files.isSymbolicLink(note)).isFalse();
        assertThat(note).hasContent("41\n");
        Files.delete(note);

        Files.createSymbolicLink(note, root.resolve("nothing"));
        assertThat(script("post-restore", images)).isEqualTo(theCommand);
        Files.delete(note);

        assertThat(new ProcessBuilder("mkfifo", note.toString()).start().waitFor())
                .isZero();
        assertThat(script("post-restore", images)).isEqualTo(theCommand);
        assertThat(script("post-dump", images)).isEqualTo(new Ran(0, ""));
        assertThat(note).isRegularFile().hasContent("41\n");
        try (Stream<Path> files = Files.list(images)) {
            assertThat(files).containsExactly(note);
        }
    }

    @Test
    void theScriptLeavesItToTheCommandWhereThereIsNoSuchDirectory() throws IOException, InterruptedException {
        install("criu", "--device", "/nonexistent/sysgenid");
        assertThat(script("post-restore", root)).isEqualTo(new Ran(9, "hook criu --device /nonexistent/sysgenid\n"));
        assertThat(script("post-resume", root)).isEqualTo(new Ran(0, ""));
    }
}
