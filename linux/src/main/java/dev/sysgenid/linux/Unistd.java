// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import static dev.sysgenid.linux.Native.INT;
import static dev.sysgenid.linux.Native.LONG;
import static dev.sysgenid.linux.Native.POINTER;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;

/**
 * Files, descriptors and the identity of the process: {@code unistd.h}, {@code fcntl.h}, {@code sys/uio.h},
 * {@code sys/ioctl.h}.
 */
@SuppressWarnings("MemberName") // the names of C
public final class Unistd {
    public static final int STDIN_FILENO = 0;
    public static final int STDOUT_FILENO = 1;
    public static final int STDERR_FILENO = 2;

    public static final int O_RDONLY = 0;
    public static final int O_WRONLY = 1;
    public static final int O_RDWR = 2;
    public static final int O_ACCMODE = 3;
    public static final int O_CREAT = 0x40;
    public static final int O_EXCL = 0x80;
    public static final int O_NOCTTY = 0x100;
    public static final int O_TRUNC = 0x200;
    public static final int O_APPEND = 0x400;
    public static final int O_NONBLOCK = 0x800;
    public static final int O_DSYNC = 0x1000;
    public static final int O_ASYNC = 0x2000;
    public static final int O_NOATIME = 0x40000;
    public static final int O_CLOEXEC = 0x80000;
    public static final int O_SYNC = 0x100000 | O_DSYNC;
    public static final int O_PATH = 0x200000;
    /** Differs between the machines. */
    public static final int O_DIRECT = Native.AARCH64 ? 0x10000 : 0x4000;
    /** Differs between the machines. */
    public static final int O_DIRECTORY = Native.AARCH64 ? 0x4000 : 0x10000;
    /** Differs between the machines. */
    public static final int O_NOFOLLOW = Native.AARCH64 ? 0x8000 : 0x20000;
    /** Differs between the machines, as it includes {@link #O_DIRECTORY}. */
    public static final int O_TMPFILE = 0x400000 | O_DIRECTORY;

    public static final int F_DUPFD = 0;
    public static final int F_GETFD = 1;
    public static final int F_SETFD = 2;
    public static final int F_GETFL = 3;
    public static final int F_SETFL = 4;
    public static final int F_DUPFD_CLOEXEC = 1030;
    public static final int F_SETPIPE_SZ = 1031;
    public static final int F_GETPIPE_SZ = 1032;
    public static final int F_ADD_SEALS = 1033;
    public static final int F_GET_SEALS = 1034;

    /** The only flag of {@link #F_GETFD} and {@link #F_SETFD}. */
    public static final int FD_CLOEXEC = 1;

    public static final int F_SEAL_SEAL = 0x1;
    public static final int F_SEAL_SHRINK = 0x2;
    public static final int F_SEAL_GROW = 0x4;
    public static final int F_SEAL_WRITE = 0x8;
    public static final int F_SEAL_FUTURE_WRITE = 0x10;

    public static final int SEEK_SET = 0;
    public static final int SEEK_CUR = 1;
    public static final int SEEK_END = 2;

    public static final int LOCK_SH = 1;
    public static final int LOCK_EX = 2;
    public static final int LOCK_NB = 4;
    public static final int LOCK_UN = 8;

    public static final int AT_FDCWD = -100;
    public static final int AT_SYMLINK_NOFOLLOW = 0x100;
    public static final int AT_REMOVEDIR = 0x200;
    public static final int AT_SYMLINK_FOLLOW = 0x400;
    public static final int AT_NO_AUTOMOUNT = 0x800;
    public static final int AT_EMPTY_PATH = 0x1000;
    public static final int AT_RECURSIVE = 0x8000;

    /** The greatest length of a path, with its terminating 0. */
    private static final int PATH_MAX = 4096;

    private Unistd() {}

    /** Opens a file; {@code mode} counts only with {@link #O_CREAT} or {@link #O_TMPFILE}. Returns a descriptor. */
    public static int open(String path, int flags, int mode) {
        return openat(AT_FDCWD, path, flags, mode);
    }

    /** As {@link #open}, where a relative path starts at the directory {@code dirfd}. */
    public static int openat(int dirfd, String path, int flags, int mode) {
        CallState state = CallState.current();
        try (Arena arena = Arena.ofConfined()) {
            return state.result(
                    (int) Openat.HANDLE.invokeExact(state.errno, dirfd, Native.string(arena, path), flags, mode));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Closes a descriptor. It is closed even when this fails, so a failure must not be retried. */
    public static int close(int fd) {
        CallState state = CallState.current();
        try {
            return state.result((int) Close.HANDLE.invokeExact(state.errno, fd));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Reads up to {@code n} bytes into {@code buffer}. Returns how many; 0 at the end. */
    public static long read(int fd, MemorySegment buffer, long n) {
        Native.checkLength(buffer, n);
        CallState state = CallState.current();
        try {
            return state.result((long) Read.HANDLE.invokeExact(state.errno, fd, buffer, n));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Writes up to {@code n} bytes of {@code buffer}. Returns how many. */
    public static long write(int fd, MemorySegment buffer, long n) {
        Native.checkLength(buffer, n);
        CallState state = CallState.current();
        try {
            return state.result((long) Write.HANDLE.invokeExact(state.errno, fd, buffer, n));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** As {@link #read}, from {@code offset} of the file, in bytes. */
    public static long pread(int fd, MemorySegment buffer, long n, long offset) {
        Native.checkLength(buffer, n);
        CallState state = CallState.current();
        try {
            return state.result((long) Pread.HANDLE.invokeExact(state.errno, fd, buffer, n, offset));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** As {@link #write}, to {@code offset} of the file, in bytes. */
    public static long pwrite(int fd, MemorySegment buffer, long n, long offset) {
        Native.checkLength(buffer, n);
        CallState state = CallState.current();
        try {
            return state.result((long) Pwrite.HANDLE.invokeExact(state.errno, fd, buffer, n, offset));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /**
     * As {@link #read}, into the {@code n} buffers that {@code iov} points to (see {@link IoVec}). The caller keeps the
     * buffers alive until the return.
     */
    public static long readv(int fd, MemorySegment iov, int n) {
        Native.checkLength(iov, (long) n * IoVec.SIZE);
        CallState state = CallState.current();
        try {
            return state.result((long) Readv.HANDLE.invokeExact(state.errno, fd, iov, n));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** As {@link #write}, from the {@code n} buffers that {@code iov} points to. See {@link #readv}. */
    public static long writev(int fd, MemorySegment iov, int n) {
        Native.checkLength(iov, (long) n * IoVec.SIZE);
        CallState state = CallState.current();
        try {
            return state.result((long) Writev.HANDLE.invokeExact(state.errno, fd, iov, n));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Moves the position in a file; {@code whence} is one of the {@code SEEK_} constants. Returns the new position. */
    public static long lseek(int fd, long offset, int whence) {
        CallState state = CallState.current();
        try {
            return state.result((long) Lseek.HANDLE.invokeExact(state.errno, fd, offset, whence));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Makes a file {@code length} bytes long. Returns 0. */
    public static int ftruncate(int fd, long length) {
        CallState state = CallState.current();
        try {
            return state.result((int) Ftruncate.HANDLE.invokeExact(state.errno, fd, length));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Reads or changes what a descriptor is; {@code cmd} is one of the {@code F_} constants. */
    public static int fcntl(int fd, int cmd, long argument) {
        CallState state = CallState.current();
        try {
            return state.result((int) Fcntl.HANDLE.invokeExact(state.errno, fd, cmd, argument));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Locks an open file, also a directory; gone when its last descriptor is. {@code operation}: the LOCK_ constants. */
    public static int flock(int fd, int operation) {
        CallState state = CallState.current();
        try {
            return state.result((int) Flock.HANDLE.invokeExact(state.errno, fd, operation));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** A second descriptor of the same open file. It is not close-on-exec: see {@link #F_DUPFD_CLOEXEC}. */
    public static int dup(int fd) {
        CallState state = CallState.current();
        try {
            return state.result((int) Dup.HANDLE.invokeExact(state.errno, fd));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** As {@link #dup}, with the number {@code newfd}, which is closed first; flags are 0 or {@link #O_CLOEXEC}. */
    public static int dup3(int oldfd, int newfd, int flags) {
        CallState state = CallState.current();
        try {
            return state.result((int) Dup3.HANDLE.invokeExact(state.errno, oldfd, newfd, flags));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Makes a pipe: {@code fds[0]} is its reading end, {@code fds[1]} its writing end. Returns 0. */
    public static int pipe2(int[] fds, int flags) {
        CallState state = CallState.current();
        try {
            int result = state.result((int) Pipe2.HANDLE.invokeExact(state.errno, state.scratch, flags));
            if (result == 0) {
                fds[0] = state.scratch.getAtIndex(INT, 0);
                fds[1] = state.scratch.getAtIndex(INT, 1);
            }
            return result;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** A command to a device, whose argument travels by value. */
    public static int ioctl(int fd, long cmd, long argument) {
        CallState state = CallState.current();
        try {
            return state.result((int) IoctlValue.HANDLE.invokeExact(state.errno, fd, cmd, argument));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** A command to a device, whose argument is memory: as much of it as the device wants, which is not checked. */
    public static int ioctl(int fd, long cmd, MemorySegment argument) {
        CallState state = CallState.current();
        try {
            return state.result((int) IoctlPointer.HANDLE.invokeExact(state.errno, fd, cmd, argument));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** What a symbolic link says. Bytes that are not UTF-8 become U+FFFD. */
    public static String readlink(String path) throws SystemCallException {
        return readlinkat(AT_FDCWD, path);
    }

    /** As {@link #readlink}, where a relative path starts at the directory {@code dirfd}. */
    public static String readlinkat(int dirfd, String path) throws SystemCallException {
        CallState state = CallState.current();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment target = arena.allocate(PATH_MAX);
            long length;
            try {
                length = state.result((long) Readlinkat.HANDLE.invokeExact(
                        state.errno, dirfd, Native.string(arena, path), target, (long) PATH_MAX));
            } catch (Throwable t) {
                throw Native.unexpected(t);
            }
            SystemCallException.check(length, "readlink", path);
            return new String(target.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
        }
    }

    /**
     * As {@link #readlinkat(int, String)}, for those who do it often: allocates nothing.
     *
     * @param path a C string, with its terminating 0
     * @param target where the link's text is put, without a terminating 0; a longer text is cut off
     * @return the length of the text that was put, in bytes, or the negated error number
     */
    public static long readlinkat(int dirfd, MemorySegment path, MemorySegment target) {
        CallState state = CallState.current();
        try {
            return state.result(
                    (long) Readlinkat.HANDLE.invokeExact(state.errno, dirfd, path, target, target.byteSize()));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Makes the symbolic link {@code path}, which says {@code target}. Returns 0. */
    public static int symlink(String target, String path) {
        CallState state = CallState.current();
        try (Arena arena = Arena.ofConfined()) {
            return state.result((int)
                    Symlink.HANDLE.invokeExact(state.errno, Native.string(arena, target), Native.string(arena, path)));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Removes a name of a file that is not a directory. Returns 0. */
    public static int unlink(String path) {
        CallState state = CallState.current();
        try (Arena arena = Arena.ofConfined()) {
            return state.result((int) Unlink.HANDLE.invokeExact(state.errno, Native.string(arena, path)));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Removes a name in an open directory: of a file, or with {@link #AT_REMOVEDIR} of an empty directory. Returns 0. */
    public static int unlinkat(int dirfd, String path, int flags) {
        CallState state = CallState.current();
        try (Arena arena = Arena.ofConfined()) {
            return state.result(
                    (int) Unlinkat.HANDLE.invokeExact(state.errno, dirfd, Native.string(arena, path), flags));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Makes a directory; the process's umask applies to {@code mode}. Returns 0. */
    public static int mkdir(String path, int mode) {
        CallState state = CallState.current();
        try (Arena arena = Arena.ofConfined()) {
            return state.result((int) Mkdir.HANDLE.invokeExact(state.errno, Native.string(arena, path), mode));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Removes an empty directory. Returns 0. */
    public static int rmdir(String path) {
        CallState state = CallState.current();
        try (Arena arena = Arena.ofConfined()) {
            return state.result((int) Rmdir.HANDLE.invokeExact(state.errno, Native.string(arena, path)));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Renames a file, replacing what had the name {@code to}. Returns 0. */
    public static int rename(String from, String to) {
        CallState state = CallState.current();
        try (Arena arena = Arena.ofConfined()) {
            return state.result(
                    (int) Rename.HANDLE.invokeExact(state.errno, Native.string(arena, from), Native.string(arena, to)));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** As {@link #rename}, with names in open directories. Returns 0. */
    public static int renameat(int fromDirfd, String from, int toDirfd, String to) {
        CallState state = CallState.current();
        try (Arena arena = Arena.ofConfined()) {
            return state.result((int) Renameat.HANDLE.invokeExact(
                    state.errno, fromDirfd, Native.string(arena, from), toDirfd, Native.string(arena, to)));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Sets the permission bits of a file, following symbolic links. Returns 0. */
    public static int chmod(String path, int mode) {
        CallState state = CallState.current();
        try (Arena arena = Arena.ofConfined()) {
            return state.result((int) Chmod.HANDLE.invokeExact(state.errno, Native.string(arena, path), mode));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Sets the owner and group of a file, following symbolic links; -1 leaves one as it is. Returns 0. */
    public static int chown(String path, int uid, int gid) {
        CallState state = CallState.current();
        try (Arena arena = Arena.ofConfined()) {
            return state.result((int) Chown.HANDLE.invokeExact(state.errno, Native.string(arena, path), uid, gid));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** As {@link #chown}, of the symbolic link itself. Returns 0. */
    public static int lchown(String path, int uid, int gid) {
        CallState state = CallState.current();
        try (Arena arena = Arena.ofConfined()) {
            return state.result((int) Lchown.HANDLE.invokeExact(state.errno, Native.string(arena, path), uid, gid));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** The process id, as seen in the process's own pid namespace. */
    public static int getpid() {
        return identity(Getpid.HANDLE);
    }

    /** The parent's process id; 0 when the parent is in another pid namespace. */
    public static int getppid() {
        return identity(Getppid.HANDLE);
    }

    /** The calling thread's id. A virtual thread sees that of the thread that carries it at this moment. */
    public static int gettid() {
        return (int) Native.syscall(Native.number(186, 178), 0, 0, 0);
    }

    /** The real user id. */
    public static int getuid() {
        return identity(Getuid.HANDLE);
    }

    /** The effective user id. */
    public static int geteuid() {
        return identity(Geteuid.HANDLE);
    }

    /** The real group id. */
    public static int getgid() {
        return identity(Getgid.HANDLE);
    }

    /** The effective group id. */
    public static int getegid() {
        return identity(Getegid.HANDLE);
    }

    /** These cannot fail, and an id may be any 32-bit number. */
    private static int identity(MethodHandle handle) {
        try {
            return (int) handle.invokeExact();
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    private static final class Openat {
        /** {@code int openat(int dirfd, const char *path, int flags, ...)}. */
        static final MethodHandle HANDLE = Native.bindVariadic("openat", 3, INT, INT, POINTER, INT, INT);
    }

    private static final class Close {
        /** {@code int close(int fd)}. */
        static final MethodHandle HANDLE = Native.bind("close", INT, INT);
    }

    private static final class Read {
        /** {@code ssize_t read(int fd, void *buf, size_t count)}. */
        static final MethodHandle HANDLE = Native.bind("read", LONG, INT, POINTER, LONG);
    }

    private static final class Write {
        /** {@code ssize_t write(int fd, const void *buf, size_t count)}. */
        static final MethodHandle HANDLE = Native.bind("write", LONG, INT, POINTER, LONG);
    }

    private static final class Pread {
        /** {@code ssize_t pread(int fd, void *buf, size_t count, off_t offset)}. */
        static final MethodHandle HANDLE = Native.bind("pread", LONG, INT, POINTER, LONG, LONG);
    }

    private static final class Pwrite {
        /** {@code ssize_t pwrite(int fd, const void *buf, size_t count, off_t offset)}. */
        static final MethodHandle HANDLE = Native.bind("pwrite", LONG, INT, POINTER, LONG, LONG);
    }

    private static final class Readv {
        /** {@code ssize_t readv(int fd, const struct iovec *iov, int iovcnt)}. */
        static final MethodHandle HANDLE = Native.bind("readv", LONG, INT, POINTER, INT);
    }

    private static final class Writev {
        /** {@code ssize_t writev(int fd, const struct iovec *iov, int iovcnt)}. */
        static final MethodHandle HANDLE = Native.bind("writev", LONG, INT, POINTER, INT);
    }

    private static final class Lseek {
        /** {@code off_t lseek(int fd, off_t offset, int whence)}. */
        static final MethodHandle HANDLE = Native.bind("lseek", LONG, INT, LONG, INT);
    }

    private static final class Ftruncate {
        /** {@code int ftruncate(int fd, off_t length)}. */
        static final MethodHandle HANDLE = Native.bind("ftruncate", INT, INT, LONG);
    }

    private static final class Fcntl {
        /** {@code int fcntl(int fd, int cmd, ...)}. */
        static final MethodHandle HANDLE = Native.bindVariadic("fcntl", 2, INT, INT, INT, LONG);
    }

    private static final class Flock {
        /** {@code int flock(int fd, int operation)}. */
        static final MethodHandle HANDLE = Native.bind("flock", INT, INT, INT);
    }

    private static final class Dup {
        /** {@code int dup(int oldfd)}. */
        static final MethodHandle HANDLE = Native.bind("dup", INT, INT);
    }

    private static final class Dup3 {
        /** {@code int dup3(int oldfd, int newfd, int flags)}. */
        static final MethodHandle HANDLE = Native.bind("dup3", INT, INT, INT, INT);
    }

    private static final class Pipe2 {
        /** {@code int pipe2(int pipefd[2], int flags)}. */
        static final MethodHandle HANDLE = Native.bind("pipe2", INT, POINTER, INT);
    }

    private static final class IoctlValue {
        /** {@code int ioctl(int fd, unsigned long request, ...)}. */
        static final MethodHandle HANDLE = Native.bindVariadic("ioctl", 2, INT, INT, LONG, LONG);
    }

    private static final class IoctlPointer {
        /** {@code int ioctl(int fd, unsigned long request, ...)}. */
        static final MethodHandle HANDLE = Native.bindVariadic("ioctl", 2, INT, INT, LONG, POINTER);
    }

    private static final class Readlinkat {
        /** {@code ssize_t readlinkat(int dirfd, const char *path, char *buf, size_t bufsiz)}. */
        static final MethodHandle HANDLE = Native.bind("readlinkat", LONG, INT, POINTER, POINTER, LONG);
    }

    private static final class Symlink {
        /** {@code int symlink(const char *target, const char *linkpath)}. */
        static final MethodHandle HANDLE = Native.bind("symlink", INT, POINTER, POINTER);
    }

    private static final class Unlink {
        /** {@code int unlink(const char *path)}. */
        static final MethodHandle HANDLE = Native.bind("unlink", INT, POINTER);
    }

    private static final class Unlinkat {
        /** {@code int unlinkat(int dirfd, const char *path, int flags)}. */
        static final MethodHandle HANDLE = Native.bind("unlinkat", INT, INT, POINTER, INT);
    }

    private static final class Mkdir {
        /** {@code int mkdir(const char *path, mode_t mode)}. */
        static final MethodHandle HANDLE = Native.bind("mkdir", INT, POINTER, INT);
    }

    private static final class Rmdir {
        /** {@code int rmdir(const char *path)}. */
        static final MethodHandle HANDLE = Native.bind("rmdir", INT, POINTER);
    }

    private static final class Rename {
        /** {@code int rename(const char *oldpath, const char *newpath)}. */
        static final MethodHandle HANDLE = Native.bind("rename", INT, POINTER, POINTER);
    }

    private static final class Renameat {
        /** {@code int renameat(int olddirfd, const char *oldpath, int newdirfd, const char *newpath)}. */
        static final MethodHandle HANDLE = Native.bind("renameat", INT, INT, POINTER, INT, POINTER);
    }

    private static final class Chmod {
        /** {@code int chmod(const char *path, mode_t mode)}. */
        static final MethodHandle HANDLE = Native.bind("chmod", INT, POINTER, INT);
    }

    private static final class Chown {
        /** {@code int chown(const char *path, uid_t owner, gid_t group)}. */
        static final MethodHandle HANDLE = Native.bind("chown", INT, POINTER, INT, INT);
    }

    private static final class Lchown {
        /** {@code int lchown(const char *path, uid_t owner, gid_t group)}. */
        static final MethodHandle HANDLE = Native.bind("lchown", INT, POINTER, INT, INT);
    }

    private static final class Getpid {
        /** {@code pid_t getpid(void)}. */
        static final MethodHandle HANDLE = Native.bindPlain("getpid", INT);
    }

    private static final class Getppid {
        /** {@code pid_t getppid(void)}. */
        static final MethodHandle HANDLE = Native.bindPlain("getppid", INT);
    }

    private static final class Getuid {
        /** {@code uid_t getuid(void)}. */
        static final MethodHandle HANDLE = Native.bindPlain("getuid", INT);
    }

    private static final class Geteuid {
        /** {@code uid_t geteuid(void)}. */
        static final MethodHandle HANDLE = Native.bindPlain("geteuid", INT);
    }

    private static final class Getgid {
        /** {@code gid_t getgid(void)}. */
        static final MethodHandle HANDLE = Native.bindPlain("getgid", INT);
    }

    private static final class Getegid {
        /** {@code gid_t getegid(void)}. */
        static final MethodHandle HANDLE = Native.bindPlain("getegid", INT);
    }
}
