// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sysgenid.daemon.Callers.Identity;
import dev.sysgenid.linux.Mount;
import dev.sysgenid.linux.Processes;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Against real processes. */
class CallersTest {
    private static final String NO_IDS = "setpriv --reuid=65534 --regid=65534 --clear-groups ";

    private Callers callers;

    @BeforeEach
    void open() throws SystemCallException {
        callers = new Callers();
    }

    @AfterEach
    void release() {
        callers.close();
    }

    /** A command line; a semicolon stands for the comma, which ends a column. */
    private static String[] words(String command) {
        return command.strip().replace(';', ',').split(" +");
    }

    // Who it is.

    @Test
    void thisProcess() throws Exception {
        int pid = Unistd.getpid();
        String command = Files.readString(Path.of("/proc/self/comm")).strip();
        assertThat(callers.identify(pid)).isEqualTo(new Identity(pid, command));
    }

    /** Threads have names of their own, which mean nothing to people who look for a program. */
    @Test
    void aThreadIsItsProcess() throws Exception {
        Identity process = callers.identify(Unistd.getpid());
        int thread = OwnThread.call(() -> {
            Files.writeString(Path.of("/proc/thread-self/comm"), "a-thread's-name");
            assertThat(Files.readString(Path.of("/proc/thread-self/status"))).startsWith("Name:\ta-thread's-name\n");
            assertThat(callers.identify(Unistd.gettid())).isEqualTo(process);
            return Unistd.gettid();
        });
        assertThat(thread).isNotEqualTo(process.pid());
    }

    @Test
    void anotherProcess() throws Exception {
        try (Child child = Child.sh(":")) {
            assertThat(callers.identify(child.pid())).isEqualTo(new Identity(child.pid(), "sh"));
        }
    }

    @Test
    void aProgramThatOpensManyTimesCostsOneObject() throws Exception {
        try (Child child = Child.sh(":")) {
            Identity first = callers.identify(child.pid());
            assertThat(callers.identify(child.pid())).isSameAs(first);
        }
    }

    @Test
    void aProcessThatIsGone() throws Exception {
        int pid;
        try (Child child = Child.sh(":")) {
            pid = child.pid();
        }
        assertThat(callers.identify(pid)).isEqualTo(Identity.UNKNOWN);
        assertThat(callers.mayBump(pid)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -1, Integer.MIN_VALUE, Integer.MAX_VALUE})
    void aNumberThatIsNobodys(int thread) {
        assertThat(callers.identify(thread)).isEqualTo(new Identity(0, "?"));
        assertThat(callers.mayBump(thread)).isFalse();
    }

    /** The kernel writes a line end and a backslash in a name with a backslash before them; all else as it is. */
    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '"',
            value = {
                "my prog, my prog",
                "x) R 1 (y, x) R 1 (y",
                "a\\nb, a\\nb",
                "\\n, \\n",
                "a\\\\b, a\\\\b",
                "\\\\n, \\\\n",
                "\\nTgid:\\t1, \\nTgid:\t1",
                "\\nCapEff:\\tfffff, \\nCapEff:\tfffff",
                "a\\033[31mred, a\u001b[31mred",
                "\\303\\244\\377, \u00e4\ufffd",
                "longer-than-fifteen, longer-than-fif",
            })
    void namesThatWouldRatherBeSomethingElse(String printf, String command) throws Exception {
        try (Child child = Child.sh("printf '" + printf + "' > /proc/$$/comm")) {
            assertThat(callers.identify(child.pid())).isEqualTo(new Identity(child.pid(), command));
        }
        try (Child child = Child.sh("printf '" + printf + "' > /proc/$$/comm", words(NO_IDS))) {
            assertThat(callers.identify(child.pid())).isEqualTo(new Identity(child.pid(), command));
            assertThat(callers.mayBump(child.pid())).isFalse();
        }
    }

    @Test
    void aNameOfNothing() throws Exception {
        OwnThread.needRoot();
        try (Child child = Child.sh("printf '\\0' > /proc/$$/comm")) {
            assertThat(callers.identify(child.pid())).isEqualTo(new Identity(child.pid(), ""));
        }
    }

    // What it may do.

    @ParameterizedTest
    @CsvSource({
        "root,                                  env,                                                           true",
        "nobody,                                " + NO_IDS + ",                                                false",
        "nobody with CAP_CHECKPOINT_RESTORE,    " + NO_IDS
                + "--inh-caps=+checkpoint_restore --ambient-caps=+checkpoint_restore, true",
        "nobody with CAP_SYS_ADMIN,             " + NO_IDS + "--inh-caps=+sys_admin --ambient-caps=+sys_admin, true",
        "nobody with CAP_SYS_PTRACE,            " + NO_IDS + "--inh-caps=+sys_ptrace --ambient-caps=+sys_ptrace, false",
        "root without either,                   setpriv --bounding-set=-sys_admin;-checkpoint_restore, false",
        "root without CAP_SYS_ADMIN,            setpriv --bounding-set=-sys_admin,                             true",
        "root without CAP_CHECKPOINT_RESTORE,   setpriv --bounding-set=-checkpoint_restore,                    true",
        "root of a user namespace of its own,   unshare --user --map-root-user,                                false",
        "nobody as root of a user namespace,    " + NO_IDS + " unshare --user --map-root-user,                 false",
        "root in other namespaces but the user, unshare --mount --uts --ipc --net,                             true",
    })
    void whoMayBump(String who, String command, boolean may) throws Exception {
        OwnThread.needRoot();
        try (Child child = Child.sh(":", words(command))) {
            assertThat(callers.mayBump(child.pid())).as(who).isEqualTo(may);
        }
    }

    /** It holds every capability, and the kernel counts them: in the wrong user namespace. */
    @Test
    void capabilitiesOfAnotherUserNamespaceAreThereAndDoNotCount() throws Exception {
        OwnThread.needRoot();
        try (Child child = Child.sh(":", words(NO_IDS + "unshare --user --map-root-user"))) {
            assertThat(Files.readAllLines(Path.of("/proc/" + child.pid() + "/status")))
                    .anyMatch(line -> line.startsWith("CapEff:\t000001ff"));
            assertThat(callers.mayBump(child.pid())).isFalse();
        }
    }

    @Test
    void aProcessInAnotherPidNamespaceIsKnownByItsNumberHere() throws Exception {
        OwnThread.needRoot();
        try (Child parent = Child.sh(":", words("unshare --pid --fork --kill-child"))) {
            int inside = parent.onlyChild();
            assertThat(Files.readAllLines(Path.of("/proc/" + inside + "/status")))
                    .contains("NStgid:\t" + inside + "\t1");
            assertThat(callers.identify(inside)).isEqualTo(new Identity(inside, "sh"));
            assertThat(callers.mayBump(inside)).isTrue();
        }
    }

    @Test
    void eachThreadHasRightsOfItsOwn() throws Exception {
        OwnThread.needRoot();
        assertThat(callers.mayBump(Unistd.getpid())).isTrue();
        assertThat(OwnThread.asNobody(() -> callers.mayBump(Unistd.gettid()))).isFalse();
        assertThat(OwnThread.asNobody(() -> callers.mayBump(Unistd.getpid()))).isTrue();
    }

    /** They make the kernel's text about the thread longer than any buffer. */
    @Test
    void manyGroupsHideNothing() throws Exception {
        OwnThread.needRoot();
        OwnThread.run(() -> {
            assertThat(Processes.setgroups(
                            IntStream.range(1_000_000_000, 1_000_060_000).toArray()))
                    .isZero();
            assertThat(Files.size(Path.of("/proc/thread-self/status"))).isZero();
            assertThat(Files.readAllBytes(Path.of("/proc/thread-self/status"))).hasSizeGreaterThan(500_000);
            assertThat(callers.identify(Unistd.gettid()).pid()).isEqualTo(Unistd.getpid());
            assertThat(callers.mayBump(Unistd.gettid())).isTrue();
        });
        OwnThread.run(() -> {
            Processes.setgroups(IntStream.range(1_000_000_000, 1_000_060_000).toArray());
            Processes.setresuid(OwnThread.NOBODY, OwnThread.NOBODY, OwnThread.NOBODY);
            assertThat(callers.identify(Unistd.gettid()).pid()).isEqualTo(Unistd.getpid());
            assertThat(callers.mayBump(Unistd.gettid())).isFalse();
        });
    }

    // Where it looks.

    @Test
    void refusesWhatIsNotProc() throws Exception {
        OwnThread.inOwnMounts(() -> {
            long before = Descriptors.leadingTo("/proc");
            assertThat(Mount.mount("none", "/proc", "tmpfs", 0, null)).isZero();
            assertThatThrownBy(Callers::new)
                    .isInstanceOf(SystemCallException.class)
                    .hasMessageContaining("not a proc file system");
            assertThat(Mount.umount2("/proc", 0)).isZero();
            assertThat(Descriptors.leadingTo("/proc")).isEqualTo(before);
        });
    }

    /** Numbers of threads would mean others there. */
    @Test
    void refusesTheProcOfAnotherPidNamespace() throws Exception {
        OwnThread.needRoot();
        try (Child parent = Child.sh(":", words("unshare --pid --fork --kill-child --mount-proc"))) {
            int namespace = Unistd.open("/proc/" + parent.onlyChild() + "/ns/mnt", Unistd.O_CLOEXEC, 0);
            assertThat(namespace).isNotNegative();
            try {
                OwnThread.inOwnMounts(() -> {
                    assertThat(Processes.setns(namespace, Processes.CLONE_NEWNS))
                            .isZero();
                    assertThatThrownBy(Callers::new).isInstanceOf(SystemCallException.class);
                });
            } finally {
                Unistd.close(namespace);
            }
        }
    }

    @Test
    void theUserNamespaceBehindADescriptor() throws Exception {
        int self = Unistd.getpid();
        int own = Unistd.open("/proc/self/ns/user", Unistd.O_RDONLY | Unistd.O_CLOEXEC, 0);
        int other = Unistd.open("/proc/self/ns/mnt", Unistd.O_RDONLY | Unistd.O_CLOEXEC, 0);
        int file = Unistd.open("/dev/null", Unistd.O_RDONLY | Unistd.O_CLOEXEC, 0);
        try {
            assertThat(callers.userNamespace(self, own)).isEqualTo(UserNamespace.NONE);
            for (long wrong : new long[] {other, file}) {
                assertThatThrownBy(() -> callers.userNamespace(self, wrong)).hasMessageContaining("EINVAL");
            }
            for (long none : new long[] {-1, 1 << 30, 1L << 32 | own, Long.MIN_VALUE}) {
                assertThatThrownBy(() -> callers.userNamespace(self, none)).hasMessageContaining("EBADF");
            }
            assertThatThrownBy(() -> callers.userNamespace(0, own)).hasMessageContaining("EPERM");
            assertThat(callers.held()).isZero();
        } finally {
            Unistd.close(own);
            Unistd.close(other);
            Unistd.close(file);
        }
    }

    @Test
    void leavesNoDescriptor() throws Exception {
        long before = Descriptors.leadingTo("/proc");
        try (Callers others = new Callers()) {
            for (int i = 0; i < 100; i++) {
                others.identify(Unistd.getpid());
                others.mayBump(Unistd.getpid());
                others.identify(Integer.MAX_VALUE);
            }
            assertThat(Descriptors.leadingTo("/proc")).isEqualTo(before + 1);
        }
        assertThat(Descriptors.leadingTo("/proc")).isEqualTo(before);
    }

    @Test
    void aNameCannotCommandATerminal() {
        String name = "a" + (char) 0x1b + "[2J" + (char) 0x9b + (char) 7 + " b";
        assertThat(new Callers.Identity(1, name).printableCommand()).isEqualTo("a\\x1b[2J\\x9b\\x07 b");
    }
}
