// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import static dev.sysgenid.linux.Unistd.O_CLOEXEC;
import static dev.sysgenid.linux.Unistd.O_CREAT;
import static dev.sysgenid.linux.Unistd.O_EXCL;
import static dev.sysgenid.linux.Unistd.O_NONBLOCK;
import static dev.sysgenid.linux.Unistd.O_RDONLY;
import static dev.sysgenid.linux.Unistd.O_RDWR;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UnistdTest {
    private static final int BAD_FD = 1_000_000;
    private static final long FIONREAD = 0x541B;
    private static final long FIOCLEX = 0x5451;

    private final Fds fds = new Fds();
    private final Arena arena = Arena.ofShared();

    @TempDir
    Path dir;

    @AfterEach
    void release() {
        fds.close();
        arena.close();
    }

    private String path(String name) {
        return dir.resolve(name).toString();
    }

    private MemorySegment bytes(String text) {
        return arena.allocateFrom(ValueLayout.JAVA_BYTE, text.getBytes(StandardCharsets.UTF_8));
    }

    private static String text(MemorySegment segment, long length) {
        return new String(segment.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
    }

    private int newFile(String name) throws SystemCallException {
        return fds.own(Unistd.open(path(name), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    }

    @Test
    void writesAndReadsAFile() throws IOException {
        int fd = newFile("grüße");

        assertThat(Unistd.write(fd, bytes("hello world"), 5)).isEqualTo(5);
        assertThat(Unistd.pwrite(fd, bytes("J"), 1, 0)).isEqualTo(1);
        assertThat(Files.readString(dir.resolve("grüße"))).isEqualTo("Jello");

        MemorySegment buffer = arena.allocate(16);
        assertThat(Unistd.read(fd, buffer, 16)).as("at the end").isZero();
        assertThat(Unistd.pread(fd, buffer, 16, 1)).isEqualTo(4);
        assertThat(text(buffer, 4)).isEqualTo("ello");

        assertThat(Unistd.lseek(fd, -2, Unistd.SEEK_END)).isEqualTo(3);
        assertThat(Unistd.lseek(fd, -1, Unistd.SEEK_SET)).isEqualTo(-Errno.EINVAL);
        assertThat(Unistd.read(fd, buffer, 16)).isEqualTo(2);
        assertThat(text(buffer, 2)).isEqualTo("lo");

        assertThat(Unistd.ftruncate(fd, 2)).isZero();
        assertThat(Files.readString(dir.resolve("grüße"))).isEqualTo("Je");
    }

    @Test
    void theModeIsUsedWhenAFileIsMade() throws IOException {
        newFile("private");

        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(dir.resolve("private"))))
                .isEqualTo("rw-------");
        assertThat(Unistd.open(path("private"), O_RDWR | O_CREAT | O_EXCL, 0600))
                .isEqualTo(-Errno.EEXIST);
    }

    @Test
    void opensRelativeToADirectory() throws IOException {
        Files.writeString(dir.resolve("file"), "x");
        int directory = fds.own(Unistd.open(dir.toString(), O_RDONLY | Unistd.O_DIRECTORY | O_CLOEXEC, 0));

        int fd = fds.own(Unistd.openat(directory, "file", O_RDONLY | O_CLOEXEC, 0));

        assertThat(Stat.of(fd).ino()).isEqualTo(Stat.of(path("file"), true).ino());
        assertThat(Unistd.openat(fd, "file", O_RDONLY, 0)).isEqualTo(-Errno.ENOTDIR);
    }

    @Test
    void theFlagsThatDifferBetweenMachinesMeanWhatTheySay() throws IOException {
        Files.writeString(dir.resolve("file"), "x");
        Files.createSymbolicLink(dir.resolve("link"), Path.of("file"));

        assertThat(Unistd.open(path("file"), O_RDONLY | Unistd.O_DIRECTORY, 0)).isEqualTo(-Errno.ENOTDIR);
        assertThat(Unistd.open(path("link"), O_RDONLY | Unistd.O_NOFOLLOW, 0)).isEqualTo(-Errno.ELOOP);

        // O_DIRECT of a pipe keeps the messages apart.
        int[] pipe = new int[2];
        assertThat(Unistd.pipe2(pipe, Unistd.O_DIRECT | O_CLOEXEC)).isZero();
        fds.own(pipe[0]);
        fds.own(pipe[1]);
        Unistd.write(pipe[1], bytes("one"), 3);
        Unistd.write(pipe[1], bytes("two"), 3);
        assertThat(Unistd.read(pipe[0], arena.allocate(16), 16)).isEqualTo(3);

        // Makes a file without a name; without the directory flag in it this would open the directory to write.
        int unnamed = fds.own(Unistd.open(dir.toString(), O_RDWR | Unistd.O_TMPFILE | O_CLOEXEC, 0600));
        assertThat(Stat.of(unnamed).nlink()).isZero();
    }

    @Test
    void scattersAndGathers() throws SystemCallException {
        int[] pipe = fds.pipe();
        MemorySegment iov = arena.allocate(2 * IoVec.SIZE, IoVec.ALIGNMENT);

        IoVec.set(iov, 0, bytes("header"), 4);
        IoVec.set(iov, 1, bytes("body"), 4);
        assertThat(Unistd.writev(pipe[1], iov, 2)).isEqualTo(8);

        MemorySegment first = arena.allocate(3);
        MemorySegment second = arena.allocate(16);
        IoVec.set(iov, 0, first, 3);
        IoVec.set(iov, 1, second, 16);
        assertThat(Unistd.readv(pipe[0], iov, 2)).isEqualTo(8);
        assertThat(text(first, 3) + "|" + text(second, 5)).isEqualTo("hea|dbody");
    }

    @Test
    void aPipeHasTwoEnds() throws SystemCallException {
        int[] pipe = new int[2];
        assertThat(Unistd.pipe2(pipe, O_NONBLOCK | O_CLOEXEC)).isZero();
        fds.own(pipe[0]);
        fds.own(pipe[1]);

        MemorySegment buffer = arena.allocate(8);
        assertThat(Unistd.read(pipe[0], buffer, 8)).isEqualTo(-Errno.EAGAIN);
        assertThat(Unistd.write(pipe[0], buffer, 8)).isEqualTo(-Errno.EBADF);
        fds.close(pipe[1]);
        assertThat(Unistd.read(pipe[0], buffer, 8)).isZero();
    }

    @Test
    void fcntlReadsAndChangesFlags() throws SystemCallException {
        int fd = newFile("file");

        assertThat(Unistd.fcntl(fd, Unistd.F_GETFD, 0)).isEqualTo(Unistd.FD_CLOEXEC);
        assertThat(Unistd.fcntl(fd, Unistd.F_SETFD, 0)).isZero();
        assertThat(Unistd.fcntl(fd, Unistd.F_GETFD, 0)).isZero();
        assertThat(Unistd.fcntl(fd, Unistd.F_GETFL, 0) & Unistd.O_ACCMODE).isEqualTo(O_RDWR);
        assertThat(Unistd.fcntl(fd, 9999, 0)).isEqualTo(-Errno.EINVAL);
    }

    @Test
    void duplicatesShareTheFile() throws SystemCallException {
        int fd = newFile("file");
        int copy = fds.own(Unistd.dup(fd));
        int high = fds.own(Unistd.fcntl(fd, Unistd.F_DUPFD_CLOEXEC, 200));
        assertThat(high).isGreaterThanOrEqualTo(200);

        Unistd.write(copy, bytes("abc"), 3);
        assertThat(Unistd.dup3(fd, high, O_CLOEXEC)).isEqualTo(high);
        Unistd.write(high, bytes("def"), 3);

        assertThat(Stat.of(fd).size()).isEqualTo(6);
        assertThat(Unistd.dup(BAD_FD)).isEqualTo(-Errno.EBADF);
        assertThat(Unistd.dup3(fd, fd, 0)).isEqualTo(-Errno.EINVAL);
    }

    @Test
    void aLockBelongsToAnOpenFile() throws SystemCallException {
        int first = fds.own(Unistd.open(dir.toString(), O_RDONLY | O_CLOEXEC, 0));
        int second = fds.own(Unistd.open(dir.toString(), O_RDONLY | O_CLOEXEC, 0));
        assertThat(Unistd.flock(first, Unistd.LOCK_SH)).isZero();
        assertThat(Unistd.flock(second, Unistd.LOCK_SH | Unistd.LOCK_NB)).isZero();
        assertThat(Unistd.flock(second, Unistd.LOCK_EX | Unistd.LOCK_NB)).isEqualTo(-Errno.EAGAIN);

        assertThat(Unistd.flock(first, Unistd.LOCK_UN)).isZero();
        assertThat(Unistd.flock(second, Unistd.LOCK_EX | Unistd.LOCK_NB)).isZero();
        fds.close(second);
        assertThat(Unistd.flock(first, Unistd.LOCK_EX | Unistd.LOCK_NB)).isZero();
        assertThat(Unistd.flock(BAD_FD, Unistd.LOCK_EX)).isEqualTo(-Errno.EBADF);
    }

    @Test
    void ioctlTakesAValueOrMemory() throws SystemCallException {
        int[] pipe = fds.pipe();
        Unistd.write(pipe[1], bytes("12345"), 5);

        MemorySegment count = arena.allocate(ValueLayout.JAVA_INT);
        assertThat(Unistd.ioctl(pipe[0], FIONREAD, count)).isZero();
        assertThat(count.get(ValueLayout.JAVA_INT, 0)).isEqualTo(5);

        Unistd.fcntl(pipe[0], Unistd.F_SETFD, 0);
        assertThat(Unistd.ioctl(pipe[0], FIOCLEX, 0)).isZero();
        assertThat(Unistd.fcntl(pipe[0], Unistd.F_GETFD, 0)).isEqualTo(Unistd.FD_CLOEXEC);

        assertThat(Unistd.ioctl(pipe[0], 0x2d03, 0)).isEqualTo(-Errno.ENOTTY);
        assertThat(Unistd.ioctl(pipe[0], FIONREAD, 1)).as("address 1").isEqualTo(-Errno.EFAULT);
    }

    @Test
    void makesReadsAndRemovesLinks() throws IOException {
        assertThat(Unistd.symlink("../ziel/ä", path("link"))).isZero();

        assertThat(Files.readSymbolicLink(dir.resolve("link"))).hasToString("../ziel/ä");
        assertThat(Unistd.readlink(path("link"))).isEqualTo("../ziel/ä");
        int directory = fds.own(Unistd.open(dir.toString(), Unistd.O_PATH | O_CLOEXEC, 0));
        assertThat(Unistd.readlinkat(directory, "link")).isEqualTo("../ziel/ä");
        MemorySegment path = arena.allocateFrom("link");
        MemorySegment target = arena.allocate(5);
        assertThat(Unistd.readlinkat(directory, path, target)).as("cut off").isEqualTo(5);
        assertThat(target.toArray(ValueLayout.JAVA_BYTE)).isEqualTo("../zi".getBytes(StandardCharsets.UTF_8));
        assertThat(Unistd.readlinkat(directory, arena.allocateFrom("other"), target))
                .isEqualTo(-Errno.ENOENT);
        assertThat(Unistd.symlink("x", path("link"))).isEqualTo(-Errno.EEXIST);

        assertThat(Unistd.unlink(path("link"))).isZero();
        assertThat(Unistd.unlink(path("link"))).isEqualTo(-Errno.ENOENT);
        assertThatThrownBy(() -> Unistd.readlink(path("link")))
                .isInstanceOf(SystemCallException.class)
                .hasMessage("readlink " + path("link") + ": ENOENT (No such file or directory)");
    }

    @Test
    void aLongLinkIsReadWhole() throws SystemCallException {
        String target = "x".repeat(4095);
        assertThat(Unistd.symlink(target, path("link"))).isZero();
        assertThat(Unistd.readlink(path("link"))).isEqualTo(target);
        assertThat(Unistd.symlink(target + "x", path("longer"))).isEqualTo(-Errno.ENAMETOOLONG);
    }

    @Test
    void makesRenamesAndRemovesDirectories() {
        assertThat(Unistd.mkdir(path("a"), 0755)).isZero();
        assertThat(Unistd.mkdir(path("a"), 0755)).isEqualTo(-Errno.EEXIST);
        assertThat(Unistd.rename(path("a"), path("b"))).isZero();
        assertThat(dir.resolve("a")).doesNotExist();
        assertThat(dir.resolve("b")).isDirectory();
        assertThat(Unistd.rename(path("a"), path("c"))).isEqualTo(-Errno.ENOENT);
        assertThat(Unistd.mkdir(path("b/inner"), 0755)).isZero();
        assertThat(Unistd.rmdir(path("b"))).isEqualTo(-Errno.ENOTEMPTY);
        assertThat(Unistd.rmdir(path("b/inner"))).isZero();
        assertThat(Unistd.rmdir(path("b"))).isZero();
        assertThat(dir.resolve("b")).doesNotExist();
    }

    @Test
    void setsPermissions() throws IOException {
        newFile("file");
        assertThat(Unistd.chmod(path("file"), 0640)).isZero();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(dir.resolve("file"))))
                .isEqualTo("rw-r-----");
        assertThat(Unistd.chmod(path("none"), 0640)).isEqualTo(-Errno.ENOENT);
    }

    @Test
    void setsOwners() throws IOException {
        OwnThread.needRoot();
        newFile("file");
        Files.createSymbolicLink(dir.resolve("link"), Path.of("file"));

        assertThat(Unistd.chown(path("link"), 1001, 1002)).isZero();
        assertThat(Unistd.lchown(path("link"), 1003, -1)).isZero();

        Stat file = Stat.of(path("file"), true);
        Stat link = Stat.of(path("link"), false);
        assertThat(List.of(file.uid(), file.gid(), link.uid(), link.gid())).containsExactly(1001, 1002, 1003, 0);
        assertThat(Unistd.chown(path("none"), 0, 0)).isEqualTo(-Errno.ENOENT);
        assertThat(Unistd.lchown(path("none"), 0, 0)).isEqualTo(-Errno.ENOENT);
    }

    @Test
    void knowsWhoItIs() throws Exception {
        assertThat(Unistd.getpid()).isEqualTo((int) ProcessHandle.current().pid());
        assertThat(Unistd.getppid())
                .isEqualTo((int) ProcessHandle.current().parent().orElseThrow().pid());
        // Real, effective, saved, for file systems.
        assertThat(status("/proc/self/status", "Uid"))
                .startsWith(String.valueOf(Unistd.getuid()), String.valueOf(Unistd.geteuid()));
        assertThat(status("/proc/self/status", "Gid"))
                .startsWith(String.valueOf(Unistd.getgid()), String.valueOf(Unistd.getegid()));
        assertThat(OwnThread.call(Unistd::gettid)).isPositive().isNotEqualTo(OwnThread.call(Unistd::gettid));
        assertThat(status("/proc/thread-self/status", "Pid")).containsExactly(String.valueOf(Unistd.gettid()));
    }

    static List<String> status(String file, String key) throws IOException {
        return Files.readAllLines(Path.of(file)).stream()
                .filter(line -> line.startsWith(key + ":"))
                .map(line -> List.of(line.substring(key.length() + 1).strip().split("\\s+")))
                .findFirst()
                .orElseThrow();
    }

    /** The signals that the calling thread blocks, as a mask. */
    static long blockedSignals() throws IOException {
        return Long.parseUnsignedLong(
                status("/proc/thread-self/status", "SigBlk").getFirst(), 16);
    }

    @Test
    void failuresComeBackAsNegatedNumbers() {
        MemorySegment buffer = arena.allocate(16);
        assertThat(Unistd.open(path("none"), O_RDONLY, 0)).isEqualTo(-Errno.ENOENT);
        assertThat(Unistd.close(BAD_FD)).isEqualTo(-Errno.EBADF);
        assertThat(Unistd.read(BAD_FD, buffer, 1)).isEqualTo(-Errno.EBADF);
        assertThat(Unistd.write(BAD_FD, buffer, 1)).isEqualTo(-Errno.EBADF);
        assertThat(Unistd.pread(BAD_FD, buffer, 1, 0)).isEqualTo(-Errno.EBADF);
        assertThat(Unistd.pwrite(BAD_FD, buffer, 1, 0)).isEqualTo(-Errno.EBADF);
        assertThat(Unistd.readv(BAD_FD, buffer, 1)).isEqualTo(-Errno.EBADF);
        assertThat(Unistd.writev(BAD_FD, buffer, 1)).isEqualTo(-Errno.EBADF);
        assertThat(Unistd.ftruncate(BAD_FD, 0)).isEqualTo(-Errno.EBADF);
        assertThat(Unistd.ioctl(BAD_FD, FIONREAD, buffer)).isEqualTo(-Errno.EBADF);
        assertThat(Unistd.pipe2(new int[2], 1)).isEqualTo(-Errno.EINVAL);
    }

    @Test
    void refusesWhatCWouldMisread() {
        assertThatThrownBy(() -> Unistd.open("/tmp\0/x", O_RDONLY, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("character 0");
        MemorySegment small = arena.allocate(8);
        assertThatThrownBy(() -> Unistd.read(0, small, 9)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> Unistd.write(1, small, 9)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> Unistd.pread(0, small, -1, 0)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> Unistd.readv(0, small, 1)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> IoVec.set(arena.allocate(16, 8), 0, small, 9))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> IoVec.set(arena.allocate(16, 8), 1, small, 8))
                .isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void eachThreadSeesItsOwnErrors() throws ExecutionException, InterruptedException {
        Callable<Boolean> badDescriptor = () -> {
            for (int i = 0; i < 20_000; i++) {
                if (Unistd.close(BAD_FD) != -Errno.EBADF) {
                    return false;
                }
            }
            return true;
        };
        Callable<Boolean> noEntry = () -> {
            for (int i = 0; i < 20_000; i++) {
                if (Unistd.unlink("/none") != -Errno.ENOENT) {
                    return false;
                }
            }
            return true;
        };
        try (ExecutorService platform = Executors.newFixedThreadPool(2);
                ExecutorService virtual = Executors.newVirtualThreadPerTaskExecutor()) {
            for (Future<Boolean> right : List.of(
                    platform.submit(badDescriptor),
                    platform.submit(noEntry),
                    virtual.submit(badDescriptor),
                    virtual.submit(noEntry))) {
                assertThat(right.get()).isTrue();
            }
        }
    }

    @Test
    void otherSystemsAreRefused() {
        assertThat(Native.aarch64("Linux", "aarch64")).isTrue();
        assertThat(Native.aarch64("Linux", "amd64")).isFalse();
        assertThatThrownBy(() -> Native.aarch64("Linux", "riscv64"))
                .isInstanceOf(UnsupportedOperationException.class)
                .hasMessageContaining("runs on riscv64");
        assertThatThrownBy(() -> Native.aarch64("Mac OS X", "aarch64"))
                .isInstanceOf(UnsupportedOperationException.class)
                .hasMessageContaining("needs Linux");
    }
}
