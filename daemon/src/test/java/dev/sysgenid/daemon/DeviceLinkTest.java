// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import static dev.sysgenid.daemon.Refusals.refused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sysgenid.linux.Sockets;
import dev.sysgenid.linux.Unistd;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DeviceLinkTest {
    @TempDir
    Path dir;

    private Path path;
    private Path target;

    @BeforeEach
    void names() {
        path = dir.resolve("link");
        target = dir.resolve("mount/sysgenid");
    }

    private List<String> names(Path directory) throws IOException {
        try (var files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    // As it should be.

    @Test
    void isThereFromCreateToClose() throws Exception {
        try (DeviceLink link = DeviceLink.prepare(path, target)) {
            assertThat(names(dir)).isEmpty();
            link.create();
            assertThat(Files.readSymbolicLink(path)).isEqualTo(target);
            assertThat(names(dir)).containsExactly("link");
        }
        assertThat(names(dir)).isEmpty();
    }

    @Test
    void closingTwiceIsHarmlessAndTakesNothingOfOthers() throws Exception {
        DeviceLink link = DeviceLink.prepare(path, target);
        link.create();
        link.close();
        Files.createSymbolicLink(path, target);
        link.close();
        assertThat(path).isSymbolicLink();
    }

    @Test
    void aLinkThatWasNeverMadeIsNotRemoved() throws Exception {
        DeviceLink link = DeviceLink.prepare(path, target);
        Files.createSymbolicLink(path, target);
        link.close();
        assertThat(path).isSymbolicLink();
    }

    @Test
    void theLinkOfADeadPredecessorIsReplaced() throws Exception {
        Files.createSymbolicLink(path, target);
        try (DeviceLink link = DeviceLink.prepare(path, target)) {
            // Gone at once: it would lead to a mount that nobody serves yet.
            assertThat(names(dir)).isEmpty();
            link.create();
            assertThat(Files.readSymbolicLink(path)).isEqualTo(target);
        }
        assertThat(names(dir)).isEmpty();
    }

    @Test
    void whatTookThePlaceOfTheLinkMeanwhileStays() throws Exception {
        DeviceLink link = DeviceLink.prepare(path, target);
        link.create();
        Files.delete(path);
        Files.writeString(path, "mine");
        link.close();
        assertThat(path).hasContent("mine");
    }

    @Test
    void aLinkThatWasLedElsewhereMeanwhileStays() throws Exception {
        DeviceLink link = DeviceLink.prepare(path, target);
        link.create();
        Files.delete(path);
        Files.createSymbolicLink(path, dir.resolve("elsewhere"));
        link.close();
        assertThat(Files.readSymbolicLink(path)).isEqualTo(dir.resolve("elsewhere"));
    }

    @Test
    void aLinkThatIsGoneAlreadyIsNoTrouble() throws Exception {
        DeviceLink link = DeviceLink.prepare(path, target);
        link.create();
        Files.delete(path);
        link.close();
        assertThat(names(dir)).isEmpty();
    }

    // What is in the way: refused, and untouched.

    @Test
    void anotherLink() throws Exception {
        Path elsewhere = dir.resolve("elsewhere");
        Files.createSymbolicLink(path, elsewhere);
        refused(() -> DeviceLink.prepare(path, target), ExitCodes.CANNOT_CREATE, path, elsewhere, target);
        assertThat(Files.readSymbolicLink(path)).isEqualTo(elsewhere);
    }

    /** The same file by another name is another link: somebody made it so. */
    @Test
    void aRelativeLinkToTheSamePlace() throws Exception {
        Files.createSymbolicLink(path, Path.of("mount/sysgenid"));
        refused(() -> DeviceLink.prepare(path, target), ExitCodes.CANNOT_CREATE, path, "mount/sysgenid");
        assertThat(Files.readSymbolicLink(path)).isEqualTo(Path.of("mount/sysgenid"));
    }

    @Test
    void aKernelDevice() {
        refused(
                () -> DeviceLink.prepare(Path.of("/dev/null"), target),
                ExitCodes.CANNOT_CREATE,
                "/dev/null",
                "device of this kernel");
        StartException refusal =
                catchThrowableOfType(StartException.class, () -> DeviceLink.prepare(Path.of("/dev/null"), target));
        assertThat(refusal.remedy()).contains("sysgenid status", "rmmod", "--device PATH", "--device none");
        assertThat(Path.of("/dev/null")).exists();
    }

    @Test
    void aDirectory() throws Exception {
        Files.createDirectory(path);
        refused(() -> DeviceLink.prepare(path, target), ExitCodes.CANNOT_CREATE, path, "directory");
        assertThat(path).isDirectory();
    }

    @Test
    void aFile() throws Exception {
        Files.writeString(path, "mine");
        refused(() -> DeviceLink.prepare(path, target), ExitCodes.CANNOT_CREATE, path, "in use");
        assertThat(path).hasContent("mine");
    }

    @Test
    void aSocket() throws Exception {
        int socket = Sockets.socket(Sockets.AF_UNIX, Sockets.SOCK_STREAM | Sockets.SOCK_CLOEXEC, 0);
        assertThat(Sockets.bindUnix(socket, path.toString())).isZero();
        Unistd.close(socket);
        refused(() -> DeviceLink.prepare(path, target), ExitCodes.CANNOT_CREATE, path, "in use");
        assertThat(path).exists();
    }

    // Where it cannot be.

    @Test
    void underAFile() throws Exception {
        Files.writeString(path, "mine");
        Path under = path.resolve("link");
        refused(() -> DeviceLink.prepare(under, target), ExitCodes.CANNOT_CREATE, under, "ENOTDIR");
    }

    @Test
    void inADirectoryThatIsNotThere() throws Exception {
        Path under = dir.resolve("missing/link");
        try (DeviceLink link = DeviceLink.prepare(under, target)) {
            refused(link::create, ExitCodes.CANNOT_CREATE, under, "ENOENT");
        }
        assertThat(names(dir)).isEmpty();
    }

    @Test
    void withANameThatIsTooLong() {
        Path under = dir.resolve("l".repeat(256));
        refused(() -> DeviceLink.prepare(under, target), ExitCodes.CANNOT_CREATE, under, "ENAMETOOLONG");
    }

    /** Somebody was faster between the look and the making. */
    @Test
    void wherePrepareFoundNothingAndCreateFindsSomething() throws Exception {
        DeviceLink link = DeviceLink.prepare(path, target);
        Files.writeString(path, "mine");
        refused(link::create, ExitCodes.CANNOT_CREATE, path, "EEXIST");
        link.close();
        assertThat(path).hasContent("mine");
    }

    @Test
    void whereTheUserMayNotLook() throws Exception {
        Path secret = Files.createDirectory(dir.resolve("secret"));
        assertThat(Unistd.chmod(secret.toString(), 0700)).isZero();
        assertThat(Unistd.chmod(dir.toString(), 0755)).isZero();
        refused(() -> DeviceLink.prepare(Path.of("/dev/null"), target), ExitCodes.CANNOT_CREATE); // loads the classes
        Path under = secret.resolve("link");
        Refusals.check(
                OwnThread.asNobody(
                        () -> catchThrowableOfType(StartException.class, () -> DeviceLink.prepare(under, target))),
                ExitCodes.NO_PERMISSION,
                under,
                "EACCES");
    }

    @Test
    void whereTheUserMayNotWrite() throws Exception {
        assertThat(Unistd.chmod(dir.toString(), 0755)).isZero();
        DeviceLink link = DeviceLink.prepare(path, target);
        Files.writeString(path, "");
        refused(link::create, ExitCodes.CANNOT_CREATE); // loads the classes
        Files.delete(path);
        Refusals.check(
                OwnThread.asNobody(() -> catchThrowableOfType(StartException.class, link::create)),
                ExitCodes.NO_PERMISSION,
                path,
                "EACCES");
        link.close();
        assertThat(Files.exists(path, LinkOption.NOFOLLOW_LINKS)).isFalse();
    }
}
