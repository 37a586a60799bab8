// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.linux.Mount;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What somebody may have planted where the daemon serves, before it starts or while it runs: links, directories, mounts. In
 * {@code /run} and {@code /dev} only root can do that; {@code --mount} may name worse places.
 */
class PlantedIT {
    private static final int CANNOT_CREATE = 73;
    private static final Path MOUNT = Path.of("/run/sysgenid");
    private static final Path STATE = Path.of("/run/sysgenid.state");
    private static final Path DEVICE = Path.of("/dev/sysgenid");

    private Path elsewhere = Path.of("");

    @BeforeEach
    void needsPrivilege() throws IOException {
        Namespace.require();
        // A test before this one may have killed a daemon there, which leaves its directory.
        takeAway();
        elsewhere = Files.createTempDirectory(Path.of("/run"), "planted-");
    }

    @AfterEach
    void takeAwayAll() throws IOException {
        takeAway();
        Files.delete(elsewhere);
    }

    private static void takeAway() {
        for (Path planted : List.of(MOUNT, STATE, DEVICE)) {
            assertThat(Child.run(List.of("rm", "-rf", planted.toString())).status())
                    .isZero();
        }
    }

    private static void refused(String... said) {
        Child.Ended refused = ServedDevice.runCommand(List.of("serve"));
        assertThat(refused.output()).contains(said);
        assertThat(refused.status()).isEqualTo(CANNOT_CREATE);
        assertThat(Namespace.mounts()).noneMatch(line -> line.contains(" /run/" + "sysgenid"));
    }

    private void nothingWasMadeElsewhere() throws IOException {
        assertThat(elsewhere).isEmptyDirectory();
        assertThat(Files.getPosixFilePermissions(elsewhere)).isEqualTo(PosixFilePermissions.fromString("rwx------"));
    }

    /** The state would lie where its owner can change it. */
    @Test
    void aLinkInPlaceOfTheState() throws IOException {
        Files.createSymbolicLink(STATE, elsewhere);
        refused("/run/sysgenid.state");
        assertThat(STATE).isSymbolicLink();
        nothingWasMadeElsewhere();
    }

    @Test
    void aStateThatIsSomebodyElses() throws IOException {
        Files.createDirectory(STATE);
        Files.setAttribute(STATE, "unix:uid", 65534);
        refused("/run/sysgenid.state is not a directory of this user's that is closed to others");
        Files.setAttribute(STATE, "unix:uid", 0);
        Files.setPosixFilePermissions(STATE, PosixFilePermissions.fromString("rwxr-xrwx"));
        refused("/run/sysgenid.state is not a directory of this user's that is closed to others");
        assertThat(STATE).isEmptyDirectory();
    }

    /** Whoever planted it would be followed by all clients. */
    @Test
    void aLinkInPlaceOfTheDevice() throws IOException {
        Path trap = elsewhere.resolve("trap");
        Files.createSymbolicLink(DEVICE, trap);
        refused("/dev/sysgenid");
        assertThat(Files.readSymbolicLink(DEVICE)).isEqualTo(trap);
        nothingWasMadeElsewhere();
    }

    @Test
    void aLinkToNowhereInPlaceOfTheMount() throws IOException {
        Files.createSymbolicLink(MOUNT, elsewhere.resolve("nowhere"));
        refused("/run/sysgenid");
        nothingWasMadeElsewhere();
    }

    /** The mount goes where the link leads; whoever can plant a link in /run is root. The link itself stays. */
    @Test
    void aLinkInPlaceOfTheMountIsFollowed() throws IOException {
        Path target = Files.createDirectory(elsewhere.resolve("target"));
        Files.createSymbolicLink(MOUNT, target);
        try (ServedDevice device = ServedDevice.startAtDefaultPaths()) {
            assertThat(device.generation()).isZero();
            assertThat(Namespace.mounts()).anyMatch(line -> line.contains(" " + target + " "));
            device.stop();
        }
        assertThat(MOUNT).isSymbolicLink();
        Files.delete(target);
    }

    /**
     * Another file system mounted over ours, as root can do: those who have the device open notice nothing, the daemon serves
     * on, and at its end takes away no mount but its own.
     */
    @Test
    void aMountOverOurs() throws Exception {
        try (ServedDevice device = ServedDevice.startAtDefaultPaths();
                Child reader = Child.start(
                        List.of("/bin/sh", "-c", "exec 3<>/dev/sysgenid; echo open; head -c 4 <&3 | od -An -tu4"))) {
            reader.awaitLine("open");
            Path generation = MOUNT.resolve("generation");
            // Through the directory as it is now, which is found under whatever is mounted over it.
            try (Child bumper = Child.start(List.of(
                    "/bin/sh", "-c", "cd /run/sysgenid; echo there; read line; echo 0 >generation; cat generation"))) {
                bumper.awaitLine("there");
                assertThat(Child.run(List.of("mount", "-t", "tmpfs", "planted", MOUNT.toString()))
                                .status())
                        .isZero();
                assertThat(Files.exists(generation, LinkOption.NOFOLLOW_LINKS)).isFalse();
                bumper.send("go");
                bumper.awaitLine("1");
            }
            assertThat(reader.awaitLine("the generation", line -> line.strip().equals("1")))
                    .isNotNull();
            Child.Ended second = ServedDevice.runCommand(List.of("serve"));
            assertThat(second.status()).as(second.output()).isEqualTo(CANNOT_CREATE);
            assertThat(Mount.umount2(MOUNT.toString(), 0)).isZero();
            assertThat(device.generation()).isEqualTo(1);
        }
    }

    /** The same, and then the daemon is killed: ours is still there under the other one. */
    @Test
    void aMountOverOursAndTheDaemonDies() throws Exception {
        try (KeptDevice device = KeptDevice.start();
                Child reader = Child.start(List.of(
                        "/bin/sh",
                        "-c",
                        "exec 3<>$0; cd $1; echo open; read line; echo 0 >generation; head -c 4 <&3 | od -An -tu4",
                        device.device().toString(),
                        device.mount().toString()))) {
            reader.awaitLine("open");
            String mount = device.mount().toString();
            assertThat(Child.run(List.of("mount", "-t", "tmpfs", "planted", mount))
                            .status())
                    .isZero();
            device.killDaemon();
            device.awaitServed();
            reader.send("go");
            assertThat(reader.awaitLine("the generation", line -> line.strip().equals("1")))
                    .isNotNull();
            assertThat(Mount.umount2(mount, 0)).isZero();
            device.stop();
        }
    }
}
