// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProcessesTest {
    private final Fds fds = new Fds();

    @TempDir
    Path dir;

    @AfterEach
    void release() {
        fds.close();
    }

    /** Runs a shell script to its end; what it writes to its descriptor 1 is the result. */
    private String shell(String script, List<String> env, Map<Integer, Integer> inherit) throws IOException {
        return run(List.of("/bin/sh", "-c", script), env, inherit);
    }

    private String run(List<String> argv, List<String> env, Map<Integer, Integer> inherit) throws IOException {
        int[] output = fds.pipe();
        Map<Integer, Integer> all = new HashMap<>(inherit);
        all.put(1, output[1]);
        int pid = SystemCallException.check(Processes.spawn(argv.getFirst(), argv, env, all), "spawn", argv);
        fds.close(output[1]);
        String text = readAll(output[0]);
        int status = SystemCallException.check(Processes.waitpid(pid, 0), "waitpid", pid);
        assertThat(Processes.exited(status)).isTrue();
        assertThat(Processes.exitStatus(status)).as(text).isZero();
        return text;
    }

    private static String readAll(int fd) throws SystemCallException {
        StringBuilder text = new StringBuilder();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(4096);
            long n;
            while ((n = SystemCallException.check(Unistd.read(fd, buffer, 4096), "read", fd)) > 0) {
                text.append(new String(buffer.asSlice(0, n).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8));
            }
        }
        return text.toString();
    }

    private static int spawn(String... argv) throws SystemCallException {
        return SystemCallException.check(
                Processes.spawn(argv[0], List.of(argv), List.of(), Map.of()), "spawn", argv[0]);
    }

    @Test
    void tellsTheExitStatus() throws SystemCallException {
        int status = Processes.waitpid(spawn("/bin/sh", "-c", "exit 200"), 0);
        assertThat(Processes.exited(status)).isTrue();
        assertThat(Processes.signaled(status)).isFalse();
        assertThat(Processes.exitStatus(status)).isEqualTo(200);
    }

    @Test
    void tellsTheSignalThatEndedAProcess() throws SystemCallException {
        int pid = spawn("/bin/sleep", "1000");
        int pidfd = fds.own(Processes.pidfd_open(pid, 0));
        assertThat(Processes.waitpid(pid, Processes.WNOHANG)).isEqualTo(-Errno.EAGAIN);
        assertThat(Poll.poll(pidfd, Poll.POLLIN, 0)).isZero();
        assertThat(Processes.kill(pid, 0)).isZero();

        assertThat(Processes.kill(pid, Processes.SIGTERM)).isZero();

        assertThat(Poll.poll(pidfd, Poll.POLLIN, -1)).isEqualTo(Poll.POLLIN);
        int status = Processes.waitpid(pid, 0);
        assertThat(Processes.exited(status)).isFalse();
        assertThat(Processes.signaled(status)).isTrue();
        assertThat(Processes.termSignal(status)).isEqualTo(Processes.SIGTERM);
        assertThat(Processes.waitpid(pid, 0)).isEqualTo(-Errno.ECHILD);
    }

    @Test
    void tellsWhoseThreadItIs() throws Exception {
        int pid = Unistd.getpid();
        assertThat(Processes.tgkill(pid, pid, 0)).isZero();
        List<Integer> another = OwnThread.call(() -> {
            int thread = Unistd.gettid();
            return List.of(Processes.tgkill(pid, thread, 0), Processes.tgkill(thread, thread, 0));
        });
        assertThat(another).containsExactly(0, -Errno.ESRCH);
        assertThat(Processes.tgkill(1, pid, 0)).isEqualTo(-Errno.ESRCH);
        assertThat(Processes.tgkill(pid, Integer.MAX_VALUE, 0)).isEqualTo(-Errno.ESRCH);
    }

    @Test
    void passesArgumentsAndEnvironment() throws IOException {
        assertThat(shell("echo \"$A-$B-$HOME\"", List.of("A=ä", "B=2"), Map.of()))
                .isEqualTo("ä-2-\n");
        assertThat(shell("printf '%s|' \"$0\" \"$@\"", List.of(), Map.of())).isEqualTo("/bin/sh|");
    }

    @Test
    void descriptorsAreMappedWhateverTheirOrder() throws IOException {
        Files.writeString(dir.resolve("a"), "AAA");
        Files.writeString(dir.resolve("b"), "BBB");
        int a = fds.own(Unistd.open(dir.resolve("a").toString(), Unistd.O_CLOEXEC, 0));
        int b = fds.own(Unistd.open(dir.resolve("b").toString(), Unistd.O_CLOEXEC, 0));

        // Each one's target is the other one's source.
        String swapped = "cat /dev/fd/%d /dev/fd/%d".formatted(a, b);
        assertThat(shell(swapped, List.of(), Map.of(a, b, b, a))).isEqualTo("BBBAAA");
    }

    @Test
    void aDescriptorMayKeepItsNumber() throws IOException {
        Files.writeString(dir.resolve("a"), "AAA");
        int a = fds.own(Unistd.open(dir.resolve("a").toString(), Unistd.O_CLOEXEC, 0));
        assertThat(shell("cat /dev/fd/" + a, List.of(), Map.of(a, a))).isEqualTo("AAA");
    }

    @Test
    void nothingElseIsOpenInTheChild() throws IOException {
        int[] pipe = new int[2];
        assertThat(Unistd.pipe2(pipe, 0)).as("not close-on-exec").isZero();
        fds.own(pipe[0]);
        fds.own(pipe[1]);
        fds.own(Unistd.fcntl(pipe[0], Unistd.F_DUPFD, 300));

        // The shell lists its own directory; what it has opened to do so is gone when it looks whether it is there.
        String script = "for fd in /proc/$$/fd/*; do [ -e $fd ] && echo ${fd##*/}; done";
        assertThat(shell(script, List.of(), Map.of(7, pipe[0])).lines()).containsExactlyInAnyOrder("0", "1", "2", "7");
    }

    @Test
    void noSignalIsBlockedInTheChild() throws Exception {
        String blocked = OwnThread.call(() -> {
            assertThat(SignalFd.pthread_sigmask(SignalFd.SIG_BLOCK, SignalFd.mask(Processes.SIGTERM)))
                    .isZero();
            assertThat(UnistdTest.blockedSignals() & SignalFd.mask(Processes.SIGTERM))
                    .isNotZero();
            // No shell between: it would unblock the signals by itself.
            return run(List.of("/bin/grep", "SigBlk", "/proc/self/status"), List.of(), Map.of());
        });
        assertThat(blocked).isEqualTo("SigBlk:\t0000000000000000\n");
    }

    @Test
    void spawnFailsAsTheExecutionDoes() {
        assertThat(Processes.spawn("/none", List.of("none"), List.of(), Map.of()))
                .isEqualTo(-Errno.ENOENT);
        assertThat(Processes.spawn("/etc/passwd", List.of("x"), List.of(), Map.of()))
                .isEqualTo(-Errno.EACCES);
        assertThat(Processes.spawn("/bin/true", List.of("x"), List.of(), Map.of(3, 1_000_000)))
                .isEqualTo(-Errno.EBADF);
        assertThat(Processes.spawn("/bin/true", List.of("x"), List.of(), Map.of(-1, 0)))
                .isEqualTo(-Errno.EBADF);
    }

    @Test
    void spawnLeavesNoDescriptorBehind() throws IOException {
        // Inherits three, of which the last cannot be copied; and a program that is not there.
        int before = openDescriptors();
        for (int i = 0; i < 50; i++) {
            Processes.spawn("/bin/true", List.of("x"), List.of(), Map.of(3, 0, 4, 1, 5, 1_000_000));
            Processes.spawn("/none", List.of("x"), List.of(), Map.of(3, 0, 4, 1));
        }
        assertThat(openDescriptors()).isLessThan(before + 20);
    }

    private static int openDescriptors() throws IOException {
        try (var list = Files.list(Path.of("/proc/self/fd"))) {
            return (int) list.count();
        }
    }

    @Test
    void failuresComeBackAsNegatedNumbers() {
        assertThat(Processes.kill(Integer.MAX_VALUE, 0)).isEqualTo(-Errno.ESRCH);
        assertThat(Processes.kill(Unistd.getpid(), 999)).isEqualTo(-Errno.EINVAL);
        assertThat(Processes.waitpid(Unistd.getpid(), 0)).isEqualTo(-Errno.ECHILD);
        assertThat(Processes.waitpid(-1, 0)).isEqualTo(-Errno.EINVAL);
        assertThat(Processes.pidfd_open(Integer.MAX_VALUE, 0)).isEqualTo(-Errno.ESRCH);
        assertThat(Processes.unshare(1)).isEqualTo(-Errno.EINVAL);
        assertThat(Processes.setns(1_000_000, 0)).isEqualTo(-Errno.EBADF);
        assertThat(Processes.prctl(-1, 0, 0, 0, 0)).isEqualTo(-Errno.EINVAL);
    }

    @Test
    void prctlChangesTheThread() throws Exception {
        assertThat(OwnThread.call(() -> {
                    assertThat(Processes.prctl(Processes.PR_SET_TIMERSLACK, 123_456, 0, 0, 0))
                            .isZero();
                    return Processes.prctl(Processes.PR_GET_TIMERSLACK, 0, 0, 0, 0);
                }))
                .isEqualTo(123_456);
    }

    @Test
    void gettidIsThatOfTheThread() throws Exception {
        assertThat(OwnThread.call(() -> Processes.gettid() == Unistd.gettid())).isTrue();
    }

    @Test
    void idsChangeForTheThreadOnly() throws Exception {
        OwnThread.needRoot();
        Path secret = Files.createFile(
                dir.resolve("secret"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));

        String groups = OwnThread.call(() -> {
            assertThat(Processes.setgroups(1001, 1002)).isZero();
            assertThat(Processes.setresgid(1003, 1004, 1005)).isZero();
            assertThat(Processes.setresuid(1006, 1007, 1008)).isZero();
            assertThat(Unistd.getuid()).isEqualTo(1006);
            assertThat(Unistd.geteuid()).isEqualTo(1007);
            assertThat(Unistd.open(secret.toString(), Unistd.O_RDONLY, 0)).isEqualTo(-Errno.EACCES);
            assertThat(Processes.setresuid(0, 0, 0)).isEqualTo(-Errno.EPERM);
            assertThat(Processes.setresgid(0, 0, 0)).isEqualTo(-Errno.EPERM);
            assertThat(Processes.setgroups()).isEqualTo(-Errno.EPERM);
            return UnistdTest.status("/proc/thread-self/status", "Uid")
                    + " " + UnistdTest.status("/proc/thread-self/status", "Gid")
                    + " " + UnistdTest.status("/proc/thread-self/status", "Groups");
        });

        assertThat(groups).isEqualTo("[1006, 1007, 1008, 1007] [1003, 1004, 1005, 1004] [1001, 1002]");
        assertThat(Unistd.getuid()).isZero();
        assertThat(Unistd.getgid()).isZero();
        fds.own(Unistd.open(secret.toString(), Unistd.O_CLOEXEC, 0));
    }
}
