// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.daemon.ExitCodes;
import dev.sysgenid.linux.Errno;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever is wrong: one line that names it, one that helps, the right exit code, and nothing done. */
class BadInputTest {
    private final FakeMachine machine = new FakeMachine(7);

    @TempDir
    Path directory;

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "bum                        | no command 'bum'; did you mean bump?                       | sysgenid",
                "xyz                        | no command 'xyz'                                           | sysgenid",
                "--frob                     | unknown option '--frob'                                    | sysgenid",
                "bump --frob                | unknown option '--frob'                                    | sysgenid bump",
                "bump 9                     | unwanted argument '9'                                      | sysgenid bump",
                "bump --min-gen -1          | '-1' is not a number from 0 to 4294967295                  | sysgenid bump",
                "bump --min-gen 4294967296  | '4294967296' is not a number from 0 to 4294967295          | sysgenid bump",
                "bump --min-gen 0x10        | '0x10' is not a number from 0 to 4294967295                | sysgenid bump",
                "bump --min-gen             | '--min-gen' (N)                                            | sysgenid bump",
                "bump --timeout 3s          | --timeout is for waiting: add --wait                       | sysgenid bump",
                "wait --timeout 3           | '3' is not a duration                                      | sysgenid wait",
                "wait --timeout 3s --timeout 4s | '--timeout' (DURATION) should be specified only once            | sysgenid wait",
                "serve --mode 888           | '888' is not an octal mode from 0 to 777, as in 0660       | sysgenid serve",
                "serve --mode 1777          | '1777' is not an octal mode                                | sysgenid serve",
                "serve --owner no-such-user | no user 'no-such-user' in /etc/passwd                      | sysgenid serve",
                "serve --tracking all       | 'all' is neither writers nor opt-in                        | sysgenid serve",
                "serve --mapping fast       | 'fast' is neither auto, passthrough nor store              | sysgenid serve",
                "hook                       | 'ACTION'                                                   | sysgenid hook",
                "hook start                 | 'start' is neither criu, install nor uninstall             | sysgenid hook",
                "hook install               | hook install what: criu, runc or podman?                   | sysgenid hook",
                "hook install docker        | 'docker' is neither criu, runc nor podman                  | sysgenid hook",
                "hook install runc          | not started by the sysgenid script                         | sysgenid hook",
                "hook criu                  | CRIU calls this, with CRTOOLS_SCRIPT_ACTION                | sysgenid hook",
                "hook criu --dry-run        | hook criu takes --device, --domain and --allow-missing only          | sysgenid hook",
                "help xyz                   | no command 'xyz'                                           | sysgenid help",
            })
    void wrongCommandLines(String line, String message, String command) {
        assertThat(machine.run(line.split(" +"))).isEqualTo(ExitCodes.USAGE);
        assertThat(machine.out()).isEmpty();
        assertThat(machine.err().lines()).hasSize(2);
        assertThat(machine.err())
                .startsWith("sysgenid: ")
                .contains(message)
                .endsWith("\n  see: " + command + " --help\n");
        assertThat(machine.domain.generation()).isEqualTo(7);
        assertThat(machine.opens).isZero();
    }

    @Test
    void noCommandAtAll() {
        assertThat(machine.run()).isEqualTo(ExitCodes.USAGE);
        assertThat(machine.out()).isEmpty();
        assertThat(machine.err()).startsWith("Usage: sysgenid COMMAND");
    }

    @ParameterizedTest
    @ValueSource(strings = {"status", "bump", "wait", "watch", "status --watch"})
    void mayNotOpen(String line) {
        machine.closedTo = Errno.EACCES;
        assertThat(machine.run(line.split(" "))).isEqualTo(ExitCodes.NO_PERMISSION);
        assertThat(machine.err()).isEqualTo("""
                        sysgenid: you may not open /dev/sysgenid
                          run it as root, or have the device served with a --mode or --owner that lets you
                        """);
    }

    @ParameterizedTest
    @ValueSource(strings = {"status", "bump", "wait", "watch", "status --watch"})
    void theDaemonIsGone(String line) {
        machine.closedTo = Errno.ENOTCONN;
        assertThat(machine.run(line.split(" "))).isEqualTo(ExitCodes.UNAVAILABLE);
        String atOpening = machine.err();
        machine.closedTo = 0;
        machine.broken = Errno.ENOTCONN;
        assertThat(machine.run(line.split(" "))).isEqualTo(ExitCodes.UNAVAILABLE);
        assertThat(machine.err()).isEqualTo(atOpening).isEqualTo("""
                        sysgenid: the daemon that served /dev/sysgenid is gone
                          start it again (it cleans up after the old one): sysgenid serve
                        """);
    }

    @Test
    void anythingElseIsNamedByItsErrorNumber() {
        machine.closedTo = Errno.EMFILE;
        assertThat(machine.run("status")).isEqualTo(ExitCodes.UNAVAILABLE);
        assertThat(machine.err()).startsWith("sysgenid: cannot open /dev/sysgenid: EMFILE (");
        machine.closedTo = 0;
        machine.broken = Errno.EIO;
        assertThat(machine.run("status")).isEqualTo(ExitCodes.FAILURE);
        assertThat(machine.err()).startsWith("sysgenid: cannot set the tracking of /dev/sysgenid: EIO (");
    }

    @Test
    void stackTracesOnlyWhenWanted() {
        machine.closedTo = Errno.ENOTCONN;
        machine.run("status");
        assertThat(machine.err()).doesNotContain("\tat ");
        machine.environment.put("SYSGENID_DEBUG", "1");
        machine.run("status");
        assertThat(machine.err()).contains("dev.sysgenid.cli.Device.cannotOpen(");
    }

    @Test
    void aDefectIsCalledADefect() {
        DeviceFile.Opener defective = (path, writable) -> {
            throw new IllegalStateException("impossible");
        };
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        PrintStream stream = new PrintStream(err, true, StandardCharsets.UTF_8);
        Context context = new Context(stream, stream, Map.of(), defective, System::nanoTime);
        assertThat(Main.run(context, "bump")).isEqualTo(ExitCodes.FAILURE);
        assertThat(err.toString(StandardCharsets.UTF_8)).isEqualTo("""
                        sysgenid: a defect of this program: java.lang.IllegalStateException: impossible
                          SYSGENID_DEBUG=1 shows where; please report it
                        """);
    }

    // From here on the paths are real, and so are the system calls.

    private String errorOf(Path device) {
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        PrintStream stream = new PrintStream(err, true, StandardCharsets.UTF_8);
        Context context = new Context(stream, stream, Map.of(), LinuxDeviceFile::open, System::nanoTime);
        String first = "";
        for (List<String> command : List.of(List.of("status"), List.of("bump"), List.of("wait", "--timeout", "0s"))) {
            err.reset();
            String[] line = new String[command.size() + 2];
            command.toArray(line);
            line[command.size()] = "--device";
            line[command.size() + 1] = device.toString();
            assertThat(Main.run(context, line)).isEqualTo(ExitCodes.UNAVAILABLE);
            String error = err.toString(StandardCharsets.UTF_8);
            assertThat(first).isIn("", error);
            first = error;
        }
        return first;
    }

    @Test
    void nothingThere() {
        Path absent = directory.resolve("absent");
        assertThat(errorOf(absent))
                .isEqualTo("sysgenid: no " + absent + ": is the daemon running?\n  start it with: sysgenid serve\n");
        Path below = absent.resolve("sysgenid");
        assertThat(errorOf(below)).startsWith("sysgenid: no " + below + ": is the daemon running?\n");
    }

    @Test
    void aLinkToNothing() throws IOException {
        Path link = Files.createSymbolicLink(directory.resolve("link"), Path.of("/nonexistent/sysgenid"));
        assertThat(errorOf(link))
                .isEqualTo("sysgenid: " + link
                        + " is a link to /nonexistent/sysgenid, which is not there: the daemon is not running\n"
                        + "  start it with: sysgenid serve\n");
    }

    @Test
    void anOrdinaryFile() throws IOException {
        Path file = Files.writeString(directory.resolve("file"), "text");
        assertThat(errorOf(file)).startsWith("sysgenid: " + file + " is not a SysGenID device\n  name one with");
        assertThat(file).hasContent("text");
    }

    @Test
    void anotherDevice() {
        assertThat(errorOf(Path.of("/dev/null"))).startsWith("sysgenid: /dev/null is not a SysGenID device\n");
    }

    @Test
    void aDirectory() throws IOException {
        assertThat(errorOf(directory))
                .isEqualTo(
                        "sysgenid: " + directory + " is a directory\n  name a device with --device or SYSGENID_PATH\n");
        Files.writeString(directory.resolve("sysgenid"), "");
        assertThat(errorOf(directory)).endsWith("\n  the device is in it: --device " + directory + "/sysgenid\n");
    }
}
