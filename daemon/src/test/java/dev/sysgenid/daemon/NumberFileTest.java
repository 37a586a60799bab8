// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NumberFileTest {
    @TempDir
    Path dir;

    private int directory;

    @BeforeEach
    void open() {
        directory = Unistd.open(dir.toString(), Unistd.O_RDONLY | Unistd.O_DIRECTORY, 0);
        assertThat(directory).isPositive();
    }

    @AfterEach
    void close() {
        Unistd.close(directory);
    }

    private NumberFile number(String name) {
        return new NumberFile(dir, directory, name);
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(dir)) {
            return files.map(file -> String.valueOf(file.getFileName()))
                    .sorted()
                    .toList();
        }
    }

    @Test
    void isFoundAgain() throws Exception {
        NumberFile number = number("n");
        assertThat(number.value()).isEqualTo(-1);
        for (long value : new long[] {0, 26, 0xffff_ffff_ffffL, 3, 3}) {
            number.set(value);
            assertThat(number.value()).isEqualTo(value);
            assertThat(number("n").value()).isEqualTo(value);
        }
        assertThat(number("m").value()).isEqualTo(-1);
        assertThat(names()).containsExactly("n-3");
    }

    /** What is in its place cannot be what was noted. */
    @Test
    void whatIsNoNumber() throws Exception {
        Files.createFile(dir.resolve("n-"));
        Files.createFile(dir.resolve("n-x1"));
        Files.createFile(dir.resolve("n--1"));
        assertThat(number("n").value()).isEqualTo(-1);
    }

    @Test
    void whereItCannotBeNotedTheOneBeforeStays() {
        NumberFile number = number("n");
        number.set(5);
        Unistd.unlinkat(directory, "n-5", 0);
        number.set(6);
        assertThat(number.value()).isEqualTo(5);
    }

    /** As many as come in a row are noted by one number, which is not lower than any of them. */
    @Test
    void handlesOfPollersAreNotedSeldom() throws SystemCallException {
        NumberFile polls = number("polls");
        polls.set(0);
        StateFile state = States.begin(new StateFile.DomainRecord(PageContent.first(0, 0, 0), 0, 0, 0666, 0, 0));
        state.setPolls(polls);
        state.polled(5);
        long noted = number("polls").value();
        assertThat(noted).isGreaterThanOrEqualTo(5);
        state.polled(noted);
        assertThat(number("polls").value()).isEqualTo(noted);
        state.polled(noted + 1);
        assertThat(number("polls").value()).isGreaterThan(noted);
        state.polled(3_000_000_000_000L);
        assertThat(number("polls").value()).isBetween(3_000_000_000_000L, 3_000_000_100_000L);
        state.close();
    }
}
