// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sysgenid.cli.DaemonReport.Entry;
import dev.sysgenid.cli.DaemonReport.SourceEntry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DaemonReportTest {
    static final String HEADER = "ID PID UID ACCESS TRACKED ACKED OUTDATED_MS COMMAND\n";

    @TempDir
    Path mount;

    private DaemonReport read(String generation, String watchers) throws IOException, Failure {
        Files.writeString(mount.resolve("generation"), generation);
        Files.writeString(mount.resolve("watchers"), watchers);
        return Objects.requireNonNull(DaemonReport.read(mount.resolve("sysgenid")));
    }

    @Test
    void readsAllColumns() throws Exception {
        DaemonReport report = read(
                "4294967295\n",
                HEADER
                        + "3 1234 0 rw yes 4294967295 - postgres\n"
                        + "4 0 4294967294 r no 6 1523 my  prog \\x0a\n"
                        + "5 17 65534 rw yes 6 0 \n");
        assertThat(report.generation()).isEqualTo(-1);
        assertThat(report.watchers())
                .containsExactly(
                        new Entry(3, 1234, 0, "rw", true, -1, -1, "postgres"),
                        new Entry(4, 0, 4294967294L, "r", false, 6, 1523, "my  prog \\x0a"),
                        new Entry(5, 17, 65534, "rw", true, 6, 0, ""));
        assertThat(report.tracked()).isEqualTo(2);
        assertThat(report.late()).extracting(Entry::id).containsExactly(5L);
    }

    @Test
    void sourcesAreThereOrNot() throws Exception {
        assertThat(read("7\n", HEADER).sources()).as("of an older daemon").isEmpty();
        Files.writeString(mount.resolve("sources"), """
                SOURCE STATE SINCE RESTORES DETAIL
                vmclock off - 0 none offered by this hypervisor
                vmgenid active 3s 2\s
                """);
        assertThat(read("7\n", HEADER).sources())
                .containsExactly(
                        new SourceEntry("vmclock", "off", 0, "none offered by this hypervisor"),
                        new SourceEntry("vmgenid", "active", 2, ""));
        Files.writeString(mount.resolve("sources"), "SOURCE STATE\nx\n");
        assertThatThrownBy(() -> read("7\n", HEADER)).hasMessageContaining("it has no column");
    }

    @Test
    void aNameTurnsNoTextAround() throws Exception {
        DaemonReport report = read("7\n", HEADER + "3 1234 1000 rw yes 7 - a\u202eb\033[2J\u0085\n");
        assertThat(report.watchers())
                .containsExactly(new Entry(3, 1234, 1000, "rw", true, 7, -1, "a\\x{202e}b\\x1b[2J\\x85"));
        assertThatThrownBy(() -> read("7\n", HEADER + "\u202ex\n"))
                .hasMessageContaining("'\\x{202e}x' has not the columns");
    }

    @Test
    void toleratesColumnsOfALaterDaemon() throws Exception {
        DaemonReport report = read("7\n", """
                ID PID UID DOMAIN ACCESS TRACKED ACKED SINCE OUTDATED_MS COMMAND
                3 1234 0 x rw yes 7 99 - a b
                """);
        assertThat(report.watchers()).containsExactly(new Entry(3, 1234, 0, "rw", true, 7, -1, "a b"));
    }

    @Test
    void namesTheFileThatItCannotUnderstand() {
        String start = "cannot understand " + mount.resolve("watchers") + ": ";
        assertThatThrownBy(() -> read("7\n", "")).hasMessage(start + "it is empty");
        assertThatThrownBy(() -> read("7\n", "ID PID\n3 4\n")).hasMessage(start + "it has no column OUTDATED_MS");
        assertThatThrownBy(() -> read("7\n", HEADER + "3 1234 0\n"))
                .hasMessage(start + "'3 1234 0' has not the columns of the header");
        assertThatThrownBy(() -> read("7\n", HEADER + "x 1234 0 rw yes 7 - a\n"))
                .isInstanceOf(Failure.class);
        assertThatThrownBy(() -> read("seven\n", HEADER)).isInstanceOf(Failure.class);
    }

    @Test
    void isNotThereWithoutADaemon() throws Exception {
        assertThat(DaemonReport.read(mount.resolve("sysgenid"))).isNull();
        Files.writeString(mount.resolve("generation"), "7\n");
        assertThat(DaemonReport.read(mount.resolve("sysgenid"))).isNull();
    }

    @Test
    void followsLinksByName() throws Exception {
        Path first = mount.resolve("first");
        Files.createSymbolicLink(mount.resolve("second"), Path.of("below/../sysgenid"));
        Files.createSymbolicLink(first, mount.resolve("second"));
        read("7\n", HEADER);
        assertThat(Objects.requireNonNull(DaemonReport.read(first)).device()).isEqualTo(mount.resolve("sysgenid"));
        Path loop = Files.createSymbolicLink(mount.resolve("loop"), Path.of("loop"));
        assertThat(DaemonReport.follow(loop)).isEqualTo(loop);
    }

    @Test
    void leavesOutThisProcessAsItLooks() {
        Entry before = new Entry(3, 50, 0, "r", false, 7, -1, "java");
        Entry self = new Entry(9, 50, 0, "r", false, 7, -1, "java");
        Entry other = new Entry(10, 51, 0, "r", false, 7, -1, "java");
        Entry waitedFor = new Entry(11, 50, 0, "rw", true, 7, -1, "java");
        DaemonReport report = new DaemonReport(mount, 7, List.of(before, self, other, waitedFor), List.of(), -1);
        assertThat(report.without(50, 5).watchers()).containsExactly(before, other, waitedFor);
    }
}
