// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StatTest {
    @TempDir
    Path dir;

    /** Compares with what the JDK knows of the file, which it reads by stat and lstat. */
    private static void assertSame(Stat stat, Path path, LinkOption... options) throws IOException {
        Map<String, Object> known = Files.readAttributes(path, "unix:dev,ino,mode,nlink,uid,gid,rdev,size", options);
        assertThat(stat.dev()).as("dev").isEqualTo(known.get("dev"));
        assertThat(stat.ino()).as("ino").isEqualTo(known.get("ino"));
        assertThat(stat.mode()).as("mode").isEqualTo(known.get("mode"));
        assertThat(stat.nlink()).as("nlink").isEqualTo(known.get("nlink"));
        assertThat(stat.uid()).as("uid").isEqualTo(known.get("uid"));
        assertThat(stat.gid()).as("gid").isEqualTo(known.get("gid"));
        assertThat(stat.rdev()).as("rdev").isEqualTo(known.get("rdev"));
        assertThat(stat.size()).as("size").isEqualTo(known.get("size"));
        Instant time = Files.getLastModifiedTime(path, options).toInstant();
        assertThat(stat.mtimeNanos()).as("mtime").isEqualTo(time.getEpochSecond() * 1_000_000_000 + time.getNano());
    }

    @Test
    void describesAFile() throws IOException {
        Path file = Files.writeString(dir.resolve("file"), "12345");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-x--x"));
        Files.createLink(dir.resolve("second"), file);

        Stat stat = Stat.of(file.toString(), true);

        assertSame(stat, file);
        assertThat(stat.is(Stat.S_IFREG)).isTrue();
        assertThat(stat.is(Stat.S_IFDIR)).isFalse();
        assertThat(stat.permissions()).isEqualTo(0751);
        assertThat(stat.nlink()).isEqualTo(2);
        assertThat(stat.mountRoot()).isFalse();
    }

    @Test
    void describesDirectoriesAndDevices() throws IOException {
        assertSame(Stat.of(dir.toString(), true), dir);
        Stat device = Stat.of("/dev/null", true);
        assertSame(device, Path.of("/dev/null"));
        assertThat(device.is(Stat.S_IFCHR)).isTrue();
        assertThat(device.rdev()).isEqualTo(0x103);
    }

    @Test
    void followsALinkOrNot() throws IOException {
        Path file = Files.writeString(dir.resolve("file"), "12345");
        Path link = Files.createSymbolicLink(dir.resolve("link"), Path.of("file"));

        assertSame(Stat.of(link.toString(), true), file);
        assertSame(Stat.of(link.toString(), false), link, LinkOption.NOFOLLOW_LINKS);
        assertThat(Stat.of(link.toString(), false).is(Stat.S_IFLNK)).isTrue();
    }

    @Test
    void describesAnOpenFile() throws IOException {
        Path file = Files.writeString(dir.resolve("file"), "12345");
        try (Fds fds = new Fds()) {
            int fd = fds.own(Unistd.open(file.toString(), Unistd.O_CLOEXEC, 0));
            assertThat(Stat.of(fd)).isEqualTo(Stat.of(file.toString(), true));
        }
    }

    @Test
    void knowsMountsAndTheirFileSystems() throws SystemCallException {
        Stat proc = Stat.of("/proc", true);
        assertThat(proc.mountRoot()).isTrue();
        assertThat(proc.mountId()).isNotEqualTo(Stat.of("/", true).mountId()).isPositive();
        assertThat(Stat.filesystemType("/proc")).isEqualTo(Stat.PROC_SUPER_MAGIC);
        assertThat(Stat.filesystemType("/sys")).isEqualTo(Stat.SYSFS_MAGIC);
        try (Fds fds = new Fds()) {
            int memory = fds.own(Mman.memfd_create("test", Mman.MFD_CLOEXEC));
            assertThat(Stat.filesystemType(memory)).isEqualTo(Stat.TMPFS_MAGIC);
        }
    }

    @Test
    void failuresSayWhy() {
        String none = dir.resolve("none").toString();
        assertThatThrownBy(() -> Stat.of(none, true))
                .isInstanceOf(SystemCallException.class)
                .hasMessage("stat " + none + ": ENOENT (No such file or directory)");
        assertThatThrownBy(() -> Stat.of(1_000_000)).hasMessage("stat descriptor 1000000: EBADF (Bad file descriptor)");
        assertThat(Stat.filesystemType(none)).isEqualTo(-Errno.ENOENT);
        assertThat(Stat.filesystemType(1_000_000)).isEqualTo(-Errno.EBADF);
    }
}
