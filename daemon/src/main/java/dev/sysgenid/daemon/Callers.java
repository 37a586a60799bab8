// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.linux.Capability;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.NsFs;
import dev.sysgenid.linux.Processes;
import dev.sysgenid.linux.Stat;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Who is behind a request: what the kernel says of the thread that made it.
 *
 * <p>The thread id in a request cannot come to mean another thread while the request is unanswered: once the kernel has
 * handed a request out, its caller sleeps until the answer, and even SIGKILL waits for that. So everything here must be
 * asked before the answer is sent. A thread id of 0 is a caller that this pid namespace cannot see: nothing is known of
 * it, and it may do nothing special.
 */
final class Callers implements AutoCloseable {
    private static final long PROC_SUPER_MAGIC = 0x9fa0;
    private static final long MAY_BUMP = 1L << Capability.CAP_SYS_ADMIN | 1L << Capability.CAP_CHECKPOINT_RESTORE;
    private static final int BUFFER_SIZE = 8192;
    private static final int PATH_SIZE = 32;
    private static final int LINK_SIZE = 64;

    /** A process that opened the device. */
    record Identity(int pid, String command) {
        static final Identity UNKNOWN = new Identity(0, "?");

        /**
         * The command for a terminal or a line of text: whoever named it, what is neither printable ASCII nor a letter or digit is
         * spelled by its number, as {@code \x1b}. Some characters command a terminal, and some turn a line around.
         */
        String printableCommand() {
            StringBuilder text = new StringBuilder(command.length());
            command.codePoints().forEach(c -> {
                if ((c >= ' ' && c <= '~') || Character.isLetterOrDigit(c)) {
                    text.appendCodePoint(c);
                } else if (c <= 0xff) {
                    text.append(c < 0x10 ? "\\x0" : "\\x").append(Integer.toHexString(c));
                } else {
                    text.append("\\u{").append(Integer.toHexString(c)).append('}');
                }
            });
            return text.toString();
        }
    }

    private final int proc;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment buffer = arena.allocate(BUFFER_SIZE);
    private final MemorySegment path = arena.allocate(PATH_SIZE);
    private final MemorySegment link = arena.allocate(LINK_SIZE);
    /** What the link to this process's user namespace says, without a terminating 0. */
    private final MemorySegment userNamespace;

    /** Namespaces that must not end, and their descriptors. */
    private final Map<UserNamespace, Integer> held = new HashMap<>();

    private Identity last = Identity.UNKNOWN;

    /** Opens {@code /proc}, and makes sure that it is one, and of this process's pid namespace. */
    Callers() throws SystemCallException {
        proc = SystemCallException.check(
                Unistd.open("/proc", Unistd.O_RDONLY | Unistd.O_DIRECTORY | Unistd.O_CLOEXEC, 0), "open", "/proc");
        try {
            if (Stat.filesystemType(proc) != PROC_SUPER_MAGIC) {
                throw new SystemCallException(Errno.EINVAL, "statfs", "/proc, which is not a proc file system");
            }
            String self = Unistd.readlinkat(proc, "self");
            if (!self.equals(Integer.toString(Unistd.getpid()))) {
                throw new SystemCallException(
                        Errno.EINVAL, "readlink", "/proc, which belongs to another pid namespace");
            }
            String namespace = Unistd.readlinkat(proc, "self/ns/user");
            userNamespace = arena.allocateFrom(namespace).asSlice(0, namespace.length());
            // Whether it can be asked is found out now, and the call is bound now: the first bump is the one that
            // counts.
            SystemCallException.check(Capability.effective(0), "capget", "the daemon itself");
        } catch (SystemCallException e) {
            close();
            throw e;
        }
    }

    /**
     * Whether a thread holds CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN in the user namespace of this daemon. Capabilities
     * that it has in a user namespace of its own do not count.
     */
    boolean mayBump(int thread) {
        return mayBump(thread, UserNamespace.NONE);
    }

    /**
     * As {@link #mayBump(int)}, or whether it holds one of them in another user namespace.
     *
     * @param owner that one. If nobody can say whether the namespace that has its number today is the one that had it, it does not
     *     count.
     */
    boolean mayBump(int thread, UserNamespace owner) {
        if (thread <= 0) {
            return false;
        }
        // One short call of the kernel, where /proc/<thread>/status is a long text made anew for each reader.
        long capabilities = Capability.effective(thread);
        if (capabilities < 0 || (capabilities & MAY_BUMP) == 0) {
            return false;
        }
        path.setString(0, thread + "/ns/user");
        long length = Unistd.readlinkat(proc, path, link);
        if (length >= 0 && MemorySegment.mismatch(link, 0, length, userNamespace, 0, userNamespace.byteSize()) == -1) {
            return true;
        }
        return !owner.isNone()
                && (owner.id() != 0 || held.containsKey(owner))
                && owner.equals(userNamespaceOf(thread + "/ns/user"));
    }

    /**
     * The user namespace of which a thread has a descriptor open. Where its number may be given to another one later, this keeps it
     * from ending.
     *
     * @param descriptor as the caller gave it
     * @return {@link UserNamespace#NONE} for the daemon's own
     * @throws SystemCallException when it is not a descriptor of a user namespace: EBADF, EINVAL; EPERM when the thread cannot be seen
     */
    UserNamespace userNamespace(int thread, long descriptor) throws SystemCallException {
        if (thread <= 0) {
            throw new SystemCallException(Errno.EPERM, "open", "a thread that cannot be seen");
        }
        if (descriptor != (int) descriptor || descriptor < 0) {
            throw new SystemCallException(Errno.EBADF, "open", "descriptor " + descriptor);
        }
        // Not opened before it is known what it is: to open a device or a pipe may do something, or wait.
        int found = Unistd.openat(proc, thread + "/fd/" + descriptor, Unistd.O_PATH | Unistd.O_CLOEXEC, 0);
        if (found < 0) {
            throw new SystemCallException(found == -Errno.ENOENT ? Errno.EBADF : -found, "open", "a descriptor");
        }
        int open = -1;
        try {
            if (Stat.filesystemType(found) != NsFs.NSFS_MAGIC) {
                throw new SystemCallException(Errno.EINVAL, "statfs", "a descriptor that is no namespace");
            }
            open = SystemCallException.check(
                    Unistd.openat(proc, "self/fd/" + found, Unistd.O_RDONLY | Unistd.O_CLOEXEC, 0), "open", "nsfs");
            UserNamespace namespace = UserNamespace.of(open);
            if (namespace.equals(userNamespaceOf("self/ns/user"))) {
                return UserNamespace.NONE;
            }
            if (namespace.id() == 0 && !held.containsKey(namespace)) {
                if (held.size() >= Domains.MOST) {
                    throw new SystemCallException(Errno.EMFILE, "open", "one more user namespace");
                }
                held.put(namespace, open);
                open = -1;
            }
            return namespace;
        } finally {
            Unistd.close(found);
            if (open >= 0) {
                Unistd.close(open);
            }
        }
    }

    /** Lets go of those that own nothing. */
    void keepOnly(Set<UserNamespace> owners) {
        held.entrySet().removeIf(entry -> !owners.contains(entry.getKey()) && Unistd.close(entry.getValue()) == 0);
    }

    /** How many are kept from ending. */
    int held() {
        return held.size();
    }

    private @Nullable UserNamespace userNamespaceOf(String link) {
        int open = Unistd.openat(proc, link, Unistd.O_RDONLY | Unistd.O_CLOEXEC, 0);
        if (open < 0) {
            return null;
        }
        try {
            return UserNamespace.of(open);
        } catch (SystemCallException e) {
            return null;
        } finally {
            Unistd.close(open);
        }
    }

    /**
     * The process of a thread, and that process's command name, which is not the thread's own; {@link Identity#UNKNOWN}
     * when it cannot be seen.
     */
    Identity identify(int thread) {
        int pid = processOf(thread);
        String command = pid > 0 ? commandOf(pid) : null;
        if (command == null) {
            return Identity.UNKNOWN;
        }
        if (last.pid != pid || !last.command.equals(command)) {
            // A program that opens many times shares one object.
            last = new Identity(pid, command.equals(last.command) ? last.command : command);
        }
        return last;
    }

    /** The process that a thread belongs to; 0 when it cannot be seen. */
    private int processOf(int thread) {
        if (thread <= 0) {
            return 0;
        }
        // Many are the first thread of their process, and the long text about a thread need not be written.
        int answer = Processes.tgkill(thread, thread, 0);
        if (answer == 0 || answer == -Errno.EPERM) {
            return thread;
        }
        String status = text(thread + "/status");
        int group = field(status, "Tgid:");
        try {
            return group < 0 ? 0 : Integer.parseInt(status, group, endOfLine(status, group), 10);
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    /** The name of a process, line ends and backslashes marked by a backslash; null when it cannot be seen. */
    private @Nullable String commandOf(int pid) {
        String line = text(pid + "/comm");
        return line.isEmpty()
                ? null
                : line.substring(0, line.length() - 1).replace("\\", "\\\\").replace("\n", "\\n");
    }

    /** The text of a file below {@code /proc}, its beginning where it is very long; empty when it is not there. */
    private String text(String path) {
        int file = Unistd.openat(proc, path, Unistd.O_RDONLY | Unistd.O_CLOEXEC, 0);
        if (file < 0) {
            return "";
        }
        try {
            long length = Unistd.read(file, buffer, BUFFER_SIZE);
            if (length <= 0) {
                return "";
            }
            byte[] text = buffer.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
            return new String(text, StandardCharsets.UTF_8);
        } finally {
            Unistd.close(file);
        }
    }

    /** Where the value of a line begins, or -1. The kernel escapes line ends in names, so no name can forge a line. */
    private static int field(String status, String label) {
        int at = status.startsWith(label) ? 0 : status.indexOf("\n" + label) + 1;
        if (at == 0 && !status.startsWith(label)) {
            return -1;
        }
        at += label.length();
        while (at < status.length() && (status.charAt(at) == '\t' || status.charAt(at) == ' ')) {
            at++;
        }
        return at;
    }

    private static int endOfLine(String text, int from) {
        int end = text.indexOf('\n', from);
        return end < 0 ? text.length() : end;
    }

    @Override
    public void close() {
        Unistd.close(proc);
        held.values().forEach(Unistd::close);
        arena.close();
    }
}
