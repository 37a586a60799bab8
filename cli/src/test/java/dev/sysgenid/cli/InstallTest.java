// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.daemon.ExitCodes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code sysgenid install} and {@code uninstall} into another system's root: the files, and whose they are. */
class InstallTest {
    private static final String MODULE_PATH = "jdk.module.path";

    private final FakeMachine machine = new FakeMachine(7);
    private final String before = System.getProperty(MODULE_PATH, "");

    @TempDir
    Path directory;

    private Path root = Path.of("");

    @BeforeEach
    void program() throws IOException {
        root = Files.createDirectory(directory.resolve("root"));
        Path lib = Files.createDirectories(directory.resolve("lib/agent")).getParent();
        Files.writeString(java.util.Objects.requireNonNull(lib).resolve("a.jar"), "a");
        Files.writeString(lib.resolve("agent/sysgenid-agent.jar"), "agent");
        System.setProperty(MODULE_PATH, lib.toString());
    }

    @AfterEach
    void restore() {
        System.setProperty(MODULE_PATH, before);
    }

    private int run(String command, String... options) {
        String[] line = Stream.concat(Stream.of(command, "--root", root.toString()), Stream.of(options))
                .toArray(String[]::new);
        return machine.run(line);
    }

    private List<String> files() throws IOException {
        try (Stream<Path> files = Files.walk(root)) {
            return files.filter(file -> !Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS))
                    .map(file -> root.relativize(file).toString())
                    .sorted()
                    .toList();
        }
    }

    private Map<String, Object> keys() throws IOException {
        Map<String, Object> keys = new LinkedHashMap<>();
        for (String file : files()) {
            keys.put(file, Files.getAttribute(root.resolve(file), "unix:ino", LinkOption.NOFOLLOW_LINKS));
        }
        return keys;
    }

    @Test
    void putsEverythingInPlaceAndTakesItAway() throws IOException {
        assertThat(run("install")).as(machine.err()).isEqualTo(ExitCodes.OK);
        assertThat(files())
                .containsExactly(
                        "usr/local/bin/sysgenid",
                        "usr/local/include/sysgenid.h",
                        "usr/local/lib/sysgenid/installed",
                        "usr/local/lib/sysgenid/lib/a.jar",
                        "usr/local/lib/sysgenid/lib/agent/sysgenid-agent.jar",
                        "usr/local/lib/sysgenid/lib/jdks.sh",
                        "usr/local/lib/sysgenid/sysgenid",
                        "usr/local/lib/systemd/system/sysgenid.service",
                        "usr/local/share/bash-completion/completions/sysgenid",
                        "usr/local/share/man/man1/sysgenid.1",
                        "usr/local/share/man/man4/sysgenid.4");
        assertThat(machine.out()).contains("written       " + root + "/usr/local/bin/sysgenid\n", "next:  ");
        assertThat(root.resolve("usr/local/bin/sysgenid")).isExecutable();
        assertThat(root.resolve("usr/local/lib/systemd/system/sysgenid.service"))
                .content()
                .contains("\nExecStart=/usr/local/bin/sysgenid serve\n")
                .doesNotContain("/usr/bin");
        assertThat(run("uninstall")).as(machine.err()).isEqualTo(ExitCodes.OK);
        assertThat(files()).isEmpty();
        assertThat(root.resolve("usr/local/lib")).doesNotExist();
        assertThat(run("uninstall")).isEqualTo(ExitCodes.UNAVAILABLE);
    }

    @Test
    void otherPrefixesHaveTheUnitWhereSystemdLooks() throws IOException {
        assertThat(run("install", "--prefix", "/opt/it")).isEqualTo(ExitCodes.OK);
        assertThat(root.resolve("etc/systemd/system/sysgenid.service"))
                .content()
                .contains("\nExecStart=/opt/it/bin/sysgenid serve\n");
        assertThat(run("install", "--prefix", "/usr")).isEqualTo(ExitCodes.OK);
        assertThat(root.resolve("usr/lib/systemd/system/sysgenid.service"))
                .content()
                .contains("\nExecStart=/usr/bin/sysgenid serve\n");
        assertThat(run("install", "--prefix", "opt")).isEqualTo(ExitCodes.USAGE);
        assertThat(run("install", "--prefix", "/")).isEqualTo(ExitCodes.USAGE);
    }

    @Test
    void aDryRunWritesNothing() throws IOException {
        assertThat(run("install", "--dry-run")).isEqualTo(ExitCodes.OK);
        assertThat(machine.out()).contains("would write   " + root + "/usr/local/bin/sysgenid\n");
        assertThat(files()).isEmpty();
        run("install");
        List<String> installed = files();
        assertThat(run("uninstall", "--dry-run")).isEqualTo(ExitCodes.OK);
        assertThat(machine.out()).contains("would remove  " + root + "/usr/local/bin/sysgenid\n");
        assertThat(files()).isEqualTo(installed);
    }

    /** A daemon that runs keeps the files that it has: only those that differ are replaced, by new ones. */
    @Test
    void againChangesNothingAndALaterVersionOnlyWhatDiffers() throws IOException {
        run("install");
        Map<String, Object> first = keys();
        first.remove("usr/local/lib/sysgenid/installed");
        assertThat(run("install")).isEqualTo(ExitCodes.OK);
        assertThat(machine.out()).contains("unchanged     ").doesNotContain("written", "changed    " + root);
        assertThat(keys()).containsAllEntriesOf(first);

        Files.writeString(directory.resolve("lib/b.jar"), "b");
        Files.delete(directory.resolve("lib/a.jar"));
        Files.writeString(directory.resolve("lib/agent/sysgenid-agent.jar"), "newer");
        assertThat(run("install")).isEqualTo(ExitCodes.OK);
        assertThat(machine.out())
                .contains(
                        "removed       " + root + "/usr/local/lib/sysgenid/lib/a.jar\n",
                        "written       " + root + "/usr/local/lib/sysgenid/lib/b.jar\n",
                        "changed       " + root + "/usr/local/lib/sysgenid/lib/agent/sysgenid-agent.jar\n");
        assertThat(keys().get("usr/local/lib/sysgenid/lib/agent/sysgenid-agent.jar"))
                .isNotEqualTo(first.get("usr/local/lib/sysgenid/lib/agent/sysgenid-agent.jar"));
    }

    @Test
    void whatItDidNotWriteItNeitherReplacesNorRemoves() throws IOException {
        Path manual = root.resolve("usr/local/share/man/man1/sysgenid.1");
        Files.createDirectories(manual.getParent());
        Files.writeString(manual, "somebody else's");
        assertThat(run("install")).isEqualTo(ExitCodes.CANNOT_CREATE);
        assertThat(machine.err()).contains(manual + " is not what this program wrote", "--force");
        assertThat(files()).containsExactly("usr/local/share/man/man1/sysgenid.1");

        assertThat(run("install", "--force")).isEqualTo(ExitCodes.OK);
        assertThat(manual).content().contains(".Dt SYSGENID 1");
        Path unit = root.resolve("usr/local/lib/systemd/system/sysgenid.service");
        Files.writeString(unit, "an administrator's");
        assertThat(run("install")).isEqualTo(ExitCodes.CANNOT_CREATE);
        assertThat(run("uninstall")).isEqualTo(ExitCodes.OK);
        assertThat(machine.out()).contains("left          " + unit + "\n");
        assertThat(files()).containsExactly("usr/local/lib/systemd/system/sysgenid.service");
    }

    /** A link that somebody has put where a file is to be is not written through. */
    @Test
    void linksAreNotFollowed() throws IOException {
        Path target = Files.writeString(directory.resolve("target"), "precious");
        Path header = root.resolve("usr/local/include/sysgenid.h");
        Files.createDirectories(header.getParent());
        Files.createSymbolicLink(header, target);
        assertThat(run("install")).isEqualTo(ExitCodes.CANNOT_CREATE);
        assertThat(run("install", "--force")).isEqualTo(ExitCodes.OK);
        assertThat(target).hasContent("precious");
        assertThat(header).isRegularFile();
        assertThat(Files.isSymbolicLink(header)).isFalse();
    }

    @Test
    void nowNeedsSystemd() throws IOException {
        assertThat(run("install", "--now")).isEqualTo(ExitCodes.UNAVAILABLE);
        assertThat(machine.err()).contains("systemd does not run at " + root);
        assertThat(files()).isEmpty();
    }
}
