// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Netlink;
import dev.sysgenid.linux.Poll;
import dev.sysgenid.linux.Sockets;
import dev.sysgenid.linux.Unistd;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VmGenIdTest {
    private static final String KMSG = "/dev/kmsg";
    private static final String LINE = KernelLog.LINE;
    private static final int LIMIT_MILLIS = 60_000;

    private final Told told = new Told();

    private static void need(boolean condition, String what) {
        if (!condition) {
            System.err.println("SKIPPED: " + what);
            Assumptions.abort(what);
        }
    }

    private static void write(int descriptor, String text) {
        try (Arena arena = Arena.ofConfined()) {
            byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
            MemorySegment memory = arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes);
            assertThat(Unistd.write(descriptor, memory, bytes.length)).isEqualTo(bytes.length);
        }
    }

    /** By a descriptor of its own: of each, the kernel takes ten in five seconds. */
    private static void writeToLog(String text) {
        int log = Unistd.open(KMSG, Unistd.O_WRONLY | Unistd.O_CLOEXEC, 0);
        assertThat(log).isNotNegative();
        write(log, text);
        Unistd.close(log);
    }

    /** Every record that is there, from where the descriptor stands. */
    private static List<String> records(int descriptor) {
        List<String> records = new ArrayList<>();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(16384);
            long n;
            while ((n = Unistd.read(descriptor, buffer, 16384)) > 0 || n == -Errno.EPIPE) {
                if (n > 0) {
                    records.add(new String(
                            buffer.asSlice(0, n).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.ISO_8859_1));
                }
            }
        }
        return records;
    }

    /** As recorded on Linux 6.1, 6.12 and 7.2; the flags and what follows them differ. */
    @ParameterizedTest
    @ValueSource(strings = {"6,512,8123456,-;", "5,512,8123456,-;", "6,512,8123456,-,caller=T1;", "5,1,0,c;"})
    void theKernelsLine(String prefix) {
        assertThat(VmGenId.isTheKernels(prefix + LINE)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "14,512,8123456,-;" + LINE,
                "8,512,8123456,-;" + LINE,
                "2046,512,8123456,-;" + LINE,
                "-1,512,8123456,-;" + LINE,
                "4294967296,512,8123456,-;" + LINE,
                ",512,8123456,-;" + LINE,
                "x,512,8123456,-;" + LINE,
                "6,512,8123456,-; " + LINE,
                "6,512,8123456,-;" + LINE + " ",
                "6,512,8123456,-;tap0: " + LINE,
                "6,512,8123456,-;a\\x0a6,1,1,-;" + LINE,
                "6;" + LINE,
                ";6," + LINE,
                " SUBSYSTEM=6,1,1,-;" + LINE,
                LINE,
                ""
            })
    void otherLines(String line) {
        assertThat(VmGenId.isTheKernels(line)).isFalse();
    }

    @Test
    void aRecordedStream() throws Exception {
        try (KernelLog log = new KernelLog();
                VmGenId source = log.open(null)) {
            assertThat(told.by(source)).isEmpty();
            log.write("6,511,1,-;clocksource: tsc\n SUBSYSTEM=cpu\n DEVICE=+cpu:0\n14,512,2,-;" + LINE + "\n");
            assertThat(told.by(source)).isEmpty();
            log.write("5,513,8123456,-;" + LINE + "\n");
            assertThat(told.by(source)).containsExactly("restored kmsg: " + LINE);
            assertThat(told.restores).allMatch(Source.Restore::kernelReseeded);
            log.write("5,514,8123456,-;" + LINE + "\n5,515,8123457,-;" + LINE + "\n");
            assertThat(told.by(source)).hasSize(2);
            log.end();
            assertThat(told.by(source)).containsExactly("lost: the kernel's log has ended");
            assertThat(source.periodNanos()).as("it tries again").isPositive();
            assertThat(told.by(source)).as("said once").isEmpty();
        }
    }

    /** That the kernel has made its random numbers fresh, nobody knows then. */
    @Test
    void aGapIsAGuessUnlessTheLineFollows() throws Exception {
        try (KernelLog log = new KernelLog();
                VmGenId source = log.open("10")) {
            log.write("6,10,1,-;read by another daemon\n");
            assertThat(told.by(source)).isEmpty();
            log.write("6,20,1,-;after a gap\n");
            assertThat(told.by(source))
                    .containsExactly("restored kmsg gap: the kernel's log went on while no daemon read it, and may have"
                            + " told of a restore");
            assertThat(told.restores.getLast())
                    .returns(true, Source.Restore::guess)
                    .returns(false, Source.Restore::kernelReseeded);
            log.write("6,21,1,-;" + LINE + "\n");
            assertThat(told.by(source)).containsExactly("restored kmsg: " + LINE);
            assertThat(told.restores.getLast()).returns(false, Source.Restore::guess);
        }
        try (KernelLog log = new KernelLog();
                VmGenId source = log.open("10")) {
            log.write("6,20,1,-;after a gap\n6,21,1,-;" + LINE + "\n");
            assertThat(told.by(source)).containsExactly("restored kmsg: " + LINE);
            log.write("6,22,1,-;more\n");
            assertThat(told.by(source)).isEmpty();
        }
    }

    /** It says something at each read, for ever, as a log does that somebody fills as fast as it is read. */
    @Test
    @Timeout(60)
    void aLogWithoutAnEndIsReadByAndBy() {
        int endless = Unistd.open("/dev/zero", Unistd.O_RDONLY | Unistd.O_CLOEXEC, 0);
        assertThat(endless).isNotNegative();
        try (VmGenId source = VmGenId.ofPipe(endless, KMSG, null)) {
            assertThat(told.by(source)).isEmpty();
            assertThat(source.periodNanos())
                    .as("there is more, to be looked at soon")
                    .isEqualTo(1);
            assertThat(told.by(source)).isEmpty();
        }
    }

    /** The pipe is lost; the log that is opened in its place is the real one. */
    @Test
    void aLogThatWasLostIsReadAgain() throws Exception {
        need(Unistd.geteuid() == 0 && Files.exists(Path.of(KMSG)), "only root can write to " + KMSG);
        try (KernelLog pipe = new KernelLog();
                VmGenId source = pipe.open(null, KMSG)) {
            pipe.write("6,511,1,-;x\n");
            assertThat(told.by(source)).isEmpty();
            assertThat(source.periodNanos()).isZero();
            pipe.end();
            assertThat(told.by(source)).containsExactly("lost: the kernel's log has ended");
            assertThat(source.describe()).contains("cannot be read at the moment");
            assertThat(told.by(source))
                    .containsExactly(
                            "found", "restored kmsg gap: the kernel's log was away, and may have told of a restore");
            assertThat(told.restores).allMatch(Source.Restore::guess);
            assertThat(source.describe()).isEqualTo(KMSG);
            assertThat(told.by(source)).isEmpty();
            assertThat(source.periodNanos()).as("nobody waits for it").isEqualTo(1_000_000_000);
            String before = source.mark();
            writeToLog("sysgenid test: after the loss\n");
            assertThat(told.by(source)).isEmpty();
            assertThat(source.mark()).as("of the last line").isNotEqualTo(before);
        }
    }

    /** Facilities that a program can wish for, among them those that a careless kernel would cut down to 0. */
    @Test
    void whatAProgramWritesIntoTheRealLogDoesNotCount() throws Exception {
        need(Unistd.geteuid() == 0 && Files.exists(Path.of(KMSG)), "only root can write to " + KMSG);
        int mine = Unistd.open(KMSG, Unistd.O_RDONLY | Unistd.O_NONBLOCK | Unistd.O_CLOEXEC, 0);
        assertThat(mine).isNotNegative();
        assertThat(Unistd.lseek(mine, 0, Unistd.SEEK_END)).isZero();
        try (VmGenId source = VmGenId.open(KMSG, null)) {
            List<String> prefixes =
                    List.of("", "<0>", "<5>", "<6>", "<8>", "<2048>", "<2053>", "<65536>", "<4294967301>", "<-3>");
            for (String prefix : prefixes) {
                writeToLog(prefix + LINE + "\n");
                writeToLog(prefix + "x\n5,1,1,-;" + LINE + "\n");
            }
            assertThat(Poll.poll(source.descriptors()[0], Poll.POLLIN, LIMIT_MILLIS))
                    .isEqualTo(1);
            assertThat(told.by(source)).isEmpty();
            List<String> arrived = records(mine);
            assertThat(arrived)
                    .filteredOn(record -> record.contains(LINE))
                    .hasSizeGreaterThanOrEqualTo(prefixes.size());
            assertThat(arrived.stream().flatMap(String::lines)).noneMatch(VmGenId::isTheKernels);
        } finally {
            Unistd.close(mine);
        }
    }

    /** What was logged meanwhile is read by the next daemon; what the last one has read is not read again. */
    @Test
    void aTakeOverGoesOnWhereTheLastDaemonWas() throws Exception {
        need(Unistd.geteuid() == 0 && Files.exists(Path.of(KMSG)), "only root can write to " + KMSG);
        String mark;
        writeToLog("sysgenid test: before\n");
        try (VmGenId last = VmGenId.open(KMSG, null)) {
            mark = last.mark();
            writeToLog("sysgenid test: read\n");
            assertThat(told.by(last)).isEmpty();
            assertThat(Long.parseLong(last.mark())).isGreaterThan(Long.parseLong(mark));
            mark = last.mark();
        }
        writeToLog("sysgenid test: not read\n");
        try (VmGenId next = VmGenId.open(KMSG, mark)) {
            assertThat(told.by(next)).as("nothing is missing").isEmpty();
            assertThat(Long.parseLong(next.mark())).isGreaterThan(Long.parseLong(mark));
        }
        for (String wrong : new String[] {"unknown", "", "99999999999999999999"}) {
            try (VmGenId next = VmGenId.open(KMSG, wrong)) {
                assertThat(told.by(next))
                        .first()
                        .isEqualTo("restored kmsg gap: the kernel's log went on while no daemon read it, and may have"
                                + " told of a restore");
            }
        }
    }

    /**
     * Whatever this machine's kernel has logged, the line would be known in its place if the kernel said it, and not if a
     * program did. A machine that was restored before has the line itself.
     */
    @Test
    void theRealLineIsKnown() {
        int log = Unistd.open(KMSG, Unistd.O_RDONLY | Unistd.O_NONBLOCK | Unistd.O_CLOEXEC, 0);
        need(log >= 0, KMSG + " cannot be read: " + Errno.describe(-log));
        List<String> real = records(log);
        Unistd.close(log);
        assertThat(real).isNotEmpty();
        for (String record : real) {
            boolean kernels = record.matches("(?s)[0-7],.*");
            assertThat(VmGenId.isTheKernels(record.substring(0, record.indexOf(';') + 1) + LINE))
                    .as(record)
                    .isEqualTo(kernels);
            if (kernels && record.contains("due to virtual machine fork")) {
                assertThat(record.lines()).anyMatch(VmGenId::isTheKernels);
            }
        }
    }

    /** It overwrites this machine's kernel log, so only on request, and on a machine of the tests' own. */
    @Test
    @EnabledIf("mayOverwriteTheLog")
    void anOverrunMayHaveHiddenARestore() throws Exception {
        try (VmGenId source = VmGenId.open(KMSG, null)) {
            String filler = "<15>" + "sysgenid test filler ".repeat(40) + "\n";
            writeToLog(filler);
            while ((Poll.poll(source.descriptors()[0], Poll.POLLIN, 0) & Poll.POLLERR) == 0) {
                writeToLog(filler);
            }
            assertThat(told.by(source))
                    .containsExactly("restored kmsg gap: the kernel's log overran, and may have told of a restore");
            assertThat(told.by(source)).as("once").isEmpty();
        }
    }

    static boolean mayOverwriteTheLog() {
        return Boolean.getBoolean("sysgenid.kmsg.overrun") || System.getenv("SYSGENID_CI_RUN") != null;
    }

    @Test
    void aForgedUeventDoesNotCount() throws Exception {
        need(Unistd.geteuid() == 0 && Files.exists(Path.of(KMSG)), "only root can send uevents");
        try (VmGenId source = VmGenId.open(KMSG, null);
                Arena arena = Arena.ofConfined()) {
            assertThat(source.uevents()).isNotNegative();
            int forger = Sockets.socket(
                    Sockets.AF_NETLINK, Sockets.SOCK_RAW | Sockets.SOCK_CLOEXEC, Netlink.NETLINK_KOBJECT_UEVENT);
            assertThat(Netlink.bind(forger, 0, 0)).isZero();
            String message = "change@/devices/platform/VMGENCTR:00\0ACTION=change\0NEW_VMGENID=1\0SEQNUM=7\0";
            assertThat(VmGenId.isTheUevent(message)).as("it would be one").isTrue();
            MemorySegment bytes =
                    arena.allocateFrom(ValueLayout.JAVA_BYTE, message.getBytes(StandardCharsets.ISO_8859_1));
            int port = (int) Netlink.port(source.uevents());
            assertThat(Netlink.sendto(forger, bytes, bytes.byteSize(), port, 0)).isEqualTo(bytes.byteSize());
            assertThat(Netlink.sendto(forger, bytes, bytes.byteSize(), 0, Netlink.UEVENT_GROUP))
                    .as("to all who listen")
                    .isEqualTo(bytes.byteSize());
            assertThat(Poll.poll(source.uevents(), Poll.POLLIN, LIMIT_MILLIS)).isEqualTo(1);
            // Until all is read: the machine may send events of its own at the same time.
            do {
                assertThat(told.by(source)).isEmpty();
            } while (Poll.poll(source.uevents(), Poll.POLLIN, 0) != 0);
            Unistd.close(forger);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "change@/devices/x\0SYNTH_ARG_NEW_VMGENID=1\0",
                "change@/devices/x\0NEW_VMGENID=10\0",
                "change@/devices/NEW_VMGENID=1",
                "add@/devices/x\0NEW_VMGENID=1\0",
                "libudev\0NEW_VMGENID=1\0"
            })
    void otherUevents(String message) {
        assertThat(VmGenId.isTheUevent(message)).isFalse();
    }

    @Test
    void whatIsNoLogIsRefused(@TempDir Path directory) throws IOException {
        assertThatThrownBy(() -> VmGenId.open(directory.resolve("none").toString(), null))
                .hasMessageContaining("ENOENT");
        // As some containers have it.
        assertThatThrownBy(() -> VmGenId.open("/proc/self/fd/" + pipe(), null)).hasMessageContaining("ESPIPE");
    }

    private static int pipe() {
        int[] pipe = new int[2];
        assertThat(Unistd.pipe2(pipe, Unistd.O_CLOEXEC)).isZero();
        return pipe[0];
    }
}
