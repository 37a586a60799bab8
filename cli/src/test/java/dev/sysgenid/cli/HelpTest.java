// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.daemon.ExitCodes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/** What the program says of itself: help, version, completion, and the manual page, which must say the same. */
class HelpTest {
    @SuppressWarnings("UnusedVariable") // by its name
    private static final Iterable<String> NAMES = Commands.NAMES;

    private static final Path MANUAL = Path.of("..", "docs", "man", "sysgenid.1");

    private final FakeMachine machine = new FakeMachine(7);

    @TempDir
    Path directory;

    @Test
    void listsAllCommands() {
        assertThat(machine.run("--help")).isEqualTo(ExitCodes.OK);
        for (String name : Commands.NAMES) {
            assertThat(machine.out()).containsPattern("(?m)^  " + name + " +[A-Z]");
        }
        assertThat(machine.out()).contains("\nExamples:\n", "\nExit codes:\n", "SYSGENID_PATH", "SYSGENID_DEBUG");
    }

    @ParameterizedTest
    @FieldSource("NAMES")
    void explainsEachCommand(String name) {
        assertThat(machine.run(name, "--help")).isEqualTo(ExitCodes.OK);
        String help = machine.out();
        assertThat(help).startsWith("Usage: sysgenid " + name).contains("\nExamples:\n", "\nExit codes:\n   0 ");
        assertThat(help.lines()).allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(80));
        assertThat(machine.run("help", name)).isEqualTo(ExitCodes.OK);
        assertThat(machine.out()).isEqualTo(help);
        assertThat(machine.opens).isZero();
    }

    @Test
    void tellsItsVersion() {
        assertThat(machine.run("--version")).isEqualTo(ExitCodes.OK);
        assertThat(machine.out()).matches("sysgenid \\S+\\R");
    }

    @Test
    void completionIsAScriptThatShellsAccept() throws IOException, InterruptedException {
        assertThat(machine.run("completion")).isEqualTo(ExitCodes.OK);
        Path script = Files.writeString(directory.resolve("completion"), machine.out());
        Process bash = new ProcessBuilder("bash", "-c", ". " + script + " && complete -p sysgenid")
                .redirectErrorStream(true)
                .start();
        assertThat(bash.waitFor(4, TimeUnit.MINUTES)).isTrue();
        assertThat(bash.inputReader().readLine()).contains("_complete_sysgenid");
        assertThat(bash.exitValue()).isZero();
        assertThat(machine.out()).contains("--min-gen", "opt-in", "passthrough");
    }

    /** A command, an option or an exit code that the manual page does not know would be a secret. */
    @Test
    void theManualPageKnowsEverything() throws IOException {
        String manual = Files.readString(MANUAL);
        CommandLine all = Main.all(machine.context());
        all.getSubcommands().forEach((name, command) -> {
            assertThat(manual).contains("\n.Ss sysgenid " + name + "\n");
            String section = manual.substring(manual.indexOf("\n.Ss sysgenid " + name + "\n") + 1);
            String text = section.substring(0, endOfSection(section));
            for (OptionSpec option : command.getCommandSpec().options()) {
                String longest = option.longestName();
                if (!longest.equals("--help")) {
                    assertThat(text).as(name).contains("\n.It Fl Fl " + longest.substring(2));
                }
            }
        });
        for (String code : all.getCommandSpec().usageMessage().exitCodeList().keySet()) {
            assertThat(manual).contains("\n.It " + code.strip() + "\n");
        }
    }

    private static int endOfSection(String section) {
        int subsection = section.indexOf("\n.Ss ", 1);
        int next = section.indexOf("\n.Sh ", 1);
        return subsection < 0 ? next : Math.min(subsection, next);
    }
}
