// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.daemon.ExitCodes;
import dev.sysgenid.linux.Errno;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code sysgenid hook criu}, called as CRIU calls it. */
class CriuHookTest {
    private final FakeMachine machine = new FakeMachine(7);

    @TempDir
    Path images;

    private Path note = Path.of("");

    @BeforeEach
    void calledByCriu() {
        machine.environment.put("CRTOOLS_IMAGE_DIR", images.toString());
        note = images.resolve("sysgenid.generation");
    }

    private int at(String stage, String... options) {
        machine.environment.put("CRTOOLS_SCRIPT_ACTION", stage);
        String[] line = new String[options.length + 2];
        line[0] = "hook";
        line[1] = "criu";
        System.arraycopy(options, 0, line, 2, options.length);
        return machine.run(line);
    }

    private long generation() {
        return Integer.toUnsignedLong(machine.domain.generation());
    }

    @Test
    void aDumpNotesTheGeneration() throws IOException {
        assertThat(at("post-dump")).isEqualTo(ExitCodes.OK);
        assertThat(note).hasContent("7\n");
        assertThat(generation()).isEqualTo(7);
    }

    @ParameterizedTest
    @CsvSource({"3, 8", "6, 8", "7, 8", "8, 9", "100, 101", "4294967294, 4294967295", "4294967295, 8"})
    void aRestoreBumpsAboveTheNote(String dumped, long expected) throws IOException {
        Files.writeString(note, dumped + "\n");
        assertThat(at("post-restore")).isEqualTo(ExitCodes.OK);
        assertThat(generation()).isEqualTo(expected);
        assertThat(machine.out()).isEmpty();
        // A hook that is configured twice: once more, and no harm.
        assertThat(at("post-restore")).isEqualTo(ExitCodes.OK);
        assertThat(generation()).isEqualTo(expected == 4294967295L ? 1 : expected + 1);
    }

    @Test
    void imagesWithoutANoteAreRestoredToo() {
        assertThat(at("post-restore")).isEqualTo(ExitCodes.OK);
        assertThat(generation()).isEqualTo(8);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "\n", "x", "-1", "4294967296", "7 8", "12345678901", "7\n8\n", "                    7"})
    void aNoteThatMakesNoSenseAborts(String text) throws IOException {
        Files.writeString(note, text);
        assertThat(at("post-restore")).isEqualTo(ExitCodes.FAILURE);
        assertThat(machine.err()).contains("the restore is aborted: ", note.toString(), "\n  ");
        assertThat(generation()).isEqualTo(7);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "pre-dump",
                "network-lock",
                "network-unlock",
                "pre-restore",
                "setup-namespaces",
                "post-setup-namespaces",
                "pre-resume",
                "post-resume",
                "orphan-pts-master",
                "a stage to come"
            })
    void nothingIsDoneAtOtherStages(String stage) {
        assertThat(at(stage)).isEqualTo(ExitCodes.OK);
        assertThat(machine.opens).isZero();
        assertThat(generation()).isEqualTo(7);
        assertThat(note).doesNotExist();
    }

    @Test
    void withoutADeviceTheRestoreIsAbortedAndTheDumpIsNot() {
        machine.closedTo = Errno.ENOENT;
        assertThat(at("post-dump")).isEqualTo(ExitCodes.OK);
        assertThat(machine.err()).contains("the dump goes on");
        assertThat(note).doesNotExist();
        assertThat(at("post-restore")).isEqualTo(ExitCodes.UNAVAILABLE);
        assertThat(machine.err()).contains("the restore is aborted: ", "--allow-missing");
        assertThat(at("post-restore", "--allow-missing")).isEqualTo(ExitCodes.OK);
        assertThat(machine.err()).contains("the restore goes on, and nobody is told");
    }

    @Test
    void withADaemonThatIsGoneTheRestoreIsAborted() {
        machine.closedTo = Errno.ENOTCONN;
        assertThat(at("post-restore")).isEqualTo(ExitCodes.UNAVAILABLE);
        assertThat(machine.err()).contains("the restore is aborted: ");
    }

    @Test
    void withoutTheRightTheRestoreIsAbortedWhateverIsAllowed() {
        machine.mayBump = false;
        assertThat(at("post-restore", "--allow-missing")).isEqualTo(ExitCodes.NO_PERMISSION);
        assertThat(machine.err()).contains("the restore is aborted: you may not bump");
    }

    @Test
    void aNoteThatCannotBeWrittenFailsTheDump() {
        machine.environment.put("CRTOOLS_IMAGE_DIR", images.resolve("gone").toString());
        assertThat(at("post-dump")).isEqualTo(ExitCodes.CANNOT_CREATE);
        assertThat(machine.err()).contains("cannot note the generation in ");
    }

    /** Who may write to the images' directory must not have root write, or wait, elsewhere. */
    @Test
    void aLinkThatWasPlantedIsReplacedAndNotFollowed() throws IOException {
        Path elsewhere = Files.writeString(images.resolve("elsewhere"), "100\n");
        Files.createSymbolicLink(note, elsewhere);
        assertThat(at("post-restore")).isEqualTo(ExitCodes.FAILURE);
        assertThat(machine.err()).contains("the restore is aborted: ", note.toString());
        assertThat(at("post-dump")).isEqualTo(ExitCodes.OK);
        assertThat(elsewhere).hasContent("100\n");
        assertThat(Files.isSymbolicLink(note)).isFalse();
        assertThat(note).hasContent("7\n");
        try (Stream<Path> files = Files.list(images)) {
            assertThat(files).containsExactlyInAnyOrder(note, elsewhere);
        }
    }

    @Test
    @Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void aPipeThatWasPlantedIsNotWaitedFor() throws IOException, InterruptedException {
        assertThat(new ProcessBuilder("mkfifo", note.toString()).start().waitFor())
                .isZero();
        assertThat(at("post-restore")).isEqualTo(ExitCodes.FAILURE);
        assertThat(machine.err()).contains("the restore is aborted: ", note.toString());
        assertThat(at("post-dump")).isEqualTo(ExitCodes.OK);
        assertThat(note).isRegularFile().hasContent("7\n");
    }
}
