// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import static dev.sysgenid.linux.Native.INT;
import static dev.sysgenid.linux.Native.LONG;
import static dev.sysgenid.linux.Native.POINTER;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Processes, threads, and what they may do: {@code signal.h}, {@code sched.h}, {@code spawn.h}, {@code sys/wait.h},
 * {@code sys/prctl.h}.
 */
@SuppressWarnings("MemberName") // the names of C
public final class Processes {
    public static final int SIGHUP = 1;
    public static final int SIGINT = 2;
    public static final int SIGQUIT = 3;
    public static final int SIGABRT = 6;
    public static final int SIGKILL = 9;
    public static final int SIGUSR1 = 10;
    public static final int SIGUSR2 = 12;
    public static final int SIGPIPE = 13;
    public static final int SIGALRM = 14;
    public static final int SIGTERM = 15;
    public static final int SIGCHLD = 17;
    public static final int SIGCONT = 18;
    public static final int SIGSTOP = 19;
    public static final int SIGWINCH = 28;

    public static final int CLONE_NEWTIME = 0x80;
    public static final int CLONE_FS = 0x200;
    public static final int CLONE_FILES = 0x400;
    public static final int CLONE_NEWNS = 0x20000;
    public static final int CLONE_NEWCGROUP = 0x2000000;
    public static final int CLONE_NEWUTS = 0x4000000;
    public static final int CLONE_NEWIPC = 0x8000000;
    public static final int CLONE_NEWUSER = 0x10000000;
    public static final int CLONE_NEWPID = 0x20000000;
    public static final int CLONE_NEWNET = 0x40000000;

    public static final int PR_SET_PDEATHSIG = 1;
    public static final int PR_GET_DUMPABLE = 3;
    public static final int PR_SET_DUMPABLE = 4;
    public static final int PR_SET_NAME = 15;
    public static final int PR_CAPBSET_READ = 23;
    public static final int PR_SET_TIMERSLACK = 29;
    public static final int PR_GET_TIMERSLACK = 30;
    public static final int PR_SET_CHILD_SUBREAPER = 36;
    public static final int PR_SET_NO_NEW_PRIVS = 38;
    public static final int PR_GET_NO_NEW_PRIVS = 39;
    public static final int PR_SET_IO_FLUSHER = 57;

    public static final int WNOHANG = 1;
    public static final int WUNTRACED = 2;

    private static final long SYS_PIDFD_OPEN = 434;

    private Processes() {}

    /** Sends a signal to a process, or, with signal 0, only asks whether that could be done. Returns 0. */
    public static int kill(int pid, int signal) {
        CallState state = CallState.current();
        try {
            return state.result((int) Kill.HANDLE.invokeExact(state.errno, pid, signal));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /**
     * Sends a signal to a thread of a process, or, with signal 0, only asks whether that could be done: ESRCH means that the
     * process has no such thread, EPERM that it has one. Returns 0.
     */
    public static int tgkill(int pid, int thread, int signal) {
        return (int) Native.syscall(Native.number(234, 131), pid, thread, signal);
    }

    /**
     * Gives the calling thread namespaces of its own; {@code flags} are {@code CLONE_} constants. A JVM has many threads,
     * so {@link #CLONE_NEWUSER} is always refused. Call it on a platform thread made for the purpose, which keeps the
     * namespaces until it ends; a thread that it starts, also one of a pool, is in them too. Returns 0.
     */
    public static int unshare(int flags) {
        CallState state = CallState.current();
        try {
            return state.result((int) Unshare.HANDLE.invokeExact(state.errno, flags));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /**
     * Moves the calling thread into the namespace that a descriptor stands for. For a mount namespace the thread must
     * have called {@link #unshare} with {@link #CLONE_FS} or {@link #CLONE_NEWNS} before. Returns 0.
     */
    public static int setns(int fd, int type) {
        CallState state = CallState.current();
        try {
            return state.result((int) Setns.HANDLE.invokeExact(state.errno, fd, type));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Reads or changes an attribute of the process or of the calling thread; see the manual page of each option. */
    public static int prctl(int option, long b, long c, long d, long e) {
        CallState state = CallState.current();
        try {
            return state.result((int) Prctl.HANDLE.invokeExact(state.errno, option, b, c, d, e));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** A descriptor of a process, close-on-exec, which is readable once the process has ended. Since Linux 5.3. */
    public static int pidfd_open(int pid, int flags) {
        return (int) Native.syscall(SYS_PIDFD_OPEN, pid, flags, 0);
    }

    /** As {@link Unistd#gettid}. */
    public static int gettid() {
        return Unistd.gettid();
    }

    /**
     * Sets the real, effective and saved user id <b>of the calling thread only</b>; -1 leaves one as it is. The C library
     * would change all threads: this does not, so it says nothing about what the process may do. It is for a thread that
     * acts for a user, on a platform thread made for the purpose. Returns 0.
     */
    public static int setresuid(int real, int effective, int saved) {
        return (int) Native.syscall(Native.number(117, 147), real, effective, saved);
    }

    /** Sets the group ids of the calling thread only, as {@link #setresuid} does the user ids. Returns 0. */
    public static int setresgid(int real, int effective, int saved) {
        return (int) Native.syscall(Native.number(119, 149), real, effective, saved);
    }

    /** Sets the supplementary groups of the calling thread only, as {@link #setresuid} the user ids. Returns 0. */
    public static int setgroups(int... groups) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment list = arena.allocateFrom(INT, groups);
            return (int) Native.syscall(Native.number(116, 159), groups.length, list.address(), 0);
        }
    }

    /**
     * Starts a program, with no signal blocked.
     *
     * <p>The child has the descriptors 0, 1 and 2 of this process and those of {@code inherit}; nothing else is open in it
     * (with a C library that cannot say so, musl among them: nothing else that is not close-on-exec).
     *
     * @param path the program's file; it is not searched for in PATH
     * @param argv its arguments, the name of the program first
     * @param env its whole environment, each as NAME=VALUE
     * @param inherit descriptors of the child, each with the descriptor of this process that it is a copy of
     * @return the process id, to be given to {@link #waitpid} one day, or the negated error number, of the file's
     *     execution too
     */
    public static int spawn(String path, List<String> argv, List<String> env, Map<Integer, Integer> inherit) {
        int highest =
                inherit.keySet().stream().mapToInt(Integer::intValue).max().orElse(-1);
        int firstFree = Math.max(highest, Unistd.STDERR_FILENO) + 1;
        int[] child = new int[inherit.size()];
        int[] copies = new int[inherit.size()];
        int copied = 0;
        try {
            // Copied out of the way first, as one's target may be another's source. The copies are close-on-exec.
            for (Map.Entry<Integer, Integer> entry : inherit.entrySet()) {
                int copy = Unistd.fcntl(entry.getValue(), Unistd.F_DUPFD_CLOEXEC, firstFree);
                if (copy < 0) {
                    return copy;
                }
                child[copied] = entry.getKey();
                copies[copied++] = copy;
            }
            return Spawn.spawn(path, argv, env, child, copies, firstFree);
        } finally {
            for (int i = 0; i < copied; i++) {
                Unistd.close(copies[i]);
            }
        }
    }

    /**
     * Waits until a child ends, and lets the kernel forget it.
     *
     * @param pid the child; one only, so greater than 0
     * @param options 0 or {@link #WNOHANG}
     * @return its wait status, to be read with {@link #exited} and its companions, or the negated error number; {@code
     *     -EAGAIN} when it still runs and the options say not to wait
     */
    public static int waitpid(int pid, int options) {
        if (pid <= 0) {
            return -Errno.EINVAL; // the status alone would not tell whose it is
        }
        CallState state = CallState.current();
        try {
            int result = state.result((int) Waitpid.HANDLE.invokeExact(state.errno, pid, state.scratch, options));
            if (result < 0) {
                return result;
            }
            return result == 0 ? -Errno.EAGAIN : state.scratch.get(INT, 0);
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Whether a wait status says that the process ended by itself. */
    public static boolean exited(int status) {
        return (status & 0x7f) == 0;
    }

    /** The exit status, 0 to 255, in a wait status for which {@link #exited} holds. */
    public static int exitStatus(int status) {
        return status >> 8 & 0xff;
    }

    /** Whether a wait status says that the process was ended by a signal. */
    public static boolean signaled(int status) {
        int signal = status & 0x7f;
        return signal != 0 && signal != 0x7f; // 0x7f: stopped
    }

    /** The signal in a wait status for which {@link #signaled} holds. */
    public static int termSignal(int status) {
        return status & 0x7f;
    }

    private static final class Kill {
        /** {@code int kill(pid_t pid, int sig)}. */
        static final MethodHandle HANDLE = Native.bind("kill", INT, INT, INT);
    }

    private static final class Unshare {
        /** {@code int unshare(int flags)}. */
        static final MethodHandle HANDLE = Native.bind("unshare", INT, INT);
    }

    private static final class Setns {
        /** {@code int setns(int fd, int nstype)}. */
        static final MethodHandle HANDLE = Native.bind("setns", INT, INT, INT);
    }

    private static final class Prctl {
        /** {@code int prctl(int option, ...)}. */
        static final MethodHandle HANDLE = Native.bindVariadic("prctl", 1, INT, INT, LONG, LONG, LONG, LONG);
    }

    private static final class Waitpid {
        /** {@code pid_t waitpid(pid_t pid, int *status, int options)}. */
        static final MethodHandle HANDLE = Native.bind("waitpid", INT, INT, POINTER, INT);
    }

    /** The family of {@code spawn.h}. These functions return 0 or the error number, and leave errno alone. */
    private static final class Spawn {
        /** Room for the opaque structs; glibc's and musl's greatest, posix_spawnattr_t, has 336 bytes. */
        private static final long OPAQUE_SIZE = 512;

        private static final long OPAQUE_ALIGNMENT = 16;

        private static final short POSIX_SPAWN_SETSIGMASK = 0x8;

        /** {@code int posix_spawn_file_actions_init(posix_spawn_file_actions_t *)}. */
        private static final MethodHandle ACTIONS_INIT =
                Native.bindPlain("posix_spawn_file_actions_init", INT, POINTER);

        /** {@code int posix_spawn_file_actions_destroy(posix_spawn_file_actions_t *)}. */
        private static final MethodHandle ACTIONS_DESTROY =
                Native.bindPlain("posix_spawn_file_actions_destroy", INT, POINTER);

        /** {@code int posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *, int fd, int newfd)}. */
        private static final MethodHandle ACTIONS_ADDDUP2 =
                Native.bindPlain("posix_spawn_file_actions_adddup2", INT, POINTER, INT, INT);

        /** {@code int posix_spawn_file_actions_addclose(posix_spawn_file_actions_t *, int fd)}. */
        private static final MethodHandle ACTIONS_ADDCLOSE =
                Native.bindPlain("posix_spawn_file_actions_addclose", INT, POINTER, INT);

        /** {@code int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *, int)}, glibc 2.34. */
        private static final @Nullable MethodHandle ACTIONS_ADDCLOSEFROM =
                Native.bindPlainIfThere("posix_spawn_file_actions_addclosefrom_np", INT, POINTER, INT);

        /** {@code int posix_spawnattr_init(posix_spawnattr_t *)}. */
        private static final MethodHandle ATTR_INIT = Native.bindPlain("posix_spawnattr_init", INT, POINTER);

        /** {@code int posix_spawnattr_destroy(posix_spawnattr_t *)}. */
        private static final MethodHandle ATTR_DESTROY = Native.bindPlain("posix_spawnattr_destroy", INT, POINTER);

        /** {@code int posix_spawnattr_setflags(posix_spawnattr_t *, short flags)}. */
        private static final MethodHandle ATTR_SETFLAGS =
                Native.bindPlain("posix_spawnattr_setflags", INT, POINTER, ValueLayout.JAVA_SHORT);

        /** {@code int posix_spawnattr_setsigmask(posix_spawnattr_t *, const sigset_t *)}. */
        private static final MethodHandle ATTR_SETSIGMASK =
                Native.bindPlain("posix_spawnattr_setsigmask", INT, POINTER, POINTER);

        /**
         * {@code int posix_spawn(pid_t *, const char *path, const posix_spawn_file_actions_t *, const
         * posix_spawnattr_t *, char *const argv[], char *const envp[])}.
         */
        private static final MethodHandle POSIX_SPAWN =
                Native.bindPlain("posix_spawn", INT, POINTER, POINTER, POINTER, POINTER, POINTER, POINTER);

        static int spawn(String path, List<String> argv, List<String> env, int[] child, int[] copies, int firstFree) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment file = Native.string(arena, path);
                MemorySegment arguments = strings(arena, argv);
                MemorySegment environment = strings(arena, env);
                MemorySegment actions = arena.allocate(OPAQUE_SIZE, OPAQUE_ALIGNMENT);
                MemorySegment attributes = arena.allocate(OPAQUE_SIZE, OPAQUE_ALIGNMENT);
                MemorySegment pid = arena.allocate(INT);

                int error = (int) ACTIONS_INIT.invokeExact(actions);
                if (error != 0) {
                    return -error;
                }
                try {
                    error = (int) ATTR_INIT.invokeExact(attributes);
                    if (error != 0) {
                        return -error;
                    }
                    try {
                        error = fill(actions, child, copies, firstFree);
                        if (error == 0) {
                            error = unblockSignals(attributes);
                        }
                        if (error == 0) {
                            error = (int)
                                    POSIX_SPAWN.invokeExact(pid, file, actions, attributes, arguments, environment);
                        }
                        return error == 0 ? pid.get(INT, 0) : -error;
                    } finally {
                        int ignored = (int) ATTR_DESTROY.invokeExact(attributes);
                    }
                } finally {
                    int ignored = (int) ACTIONS_DESTROY.invokeExact(actions);
                }
            } catch (Throwable t) {
                throw Native.unexpected(t);
            }
        }

        /** What the child does with its descriptors, in this order: copies those of the list, closes all others. */
        private static int fill(MemorySegment actions, int[] child, int[] copies, int firstFree) throws Throwable {
            boolean[] wanted = new boolean[firstFree];
            for (int i = 0; i < child.length; i++) {
                int error = (int) ACTIONS_ADDDUP2.invokeExact(actions, copies[i], child[i]);
                if (error != 0) {
                    return error;
                }
                wanted[child[i]] = true;
            }
            for (int fd = Unistd.STDERR_FILENO + 1; fd < firstFree; fd++) {
                if (!wanted[fd]) {
                    int error = (int) ACTIONS_ADDCLOSE.invokeExact(actions, fd);
                    if (error != 0) {
                        return error;
                    }
                }
            }
            return ACTIONS_ADDCLOSEFROM == null ? 0 : (int) ACTIONS_ADDCLOSEFROM.invokeExact(actions, firstFree);
        }

        /** A program expects to be ended by SIGTERM, whatever the thread that starts it has blocked. */
        private static int unblockSignals(MemorySegment attributes) throws Throwable {
            int error = (int) ATTR_SETSIGMASK.invokeExact(attributes, SignalFd.set(CallState.current(), 0));
            return error != 0 ? error : (int) ATTR_SETFLAGS.invokeExact(attributes, POSIX_SPAWN_SETSIGMASK);
        }

        /** C's {@code char *const[]}: the strings, then a null pointer. */
        private static MemorySegment strings(Arena arena, List<String> strings) {
            MemorySegment array = arena.allocate(POINTER, strings.size() + 1L);
            for (int i = 0; i < strings.size(); i++) {
                array.setAtIndex(POINTER, i, Native.string(arena, strings.get(i)));
            }
            return array;
        }
    }
}
