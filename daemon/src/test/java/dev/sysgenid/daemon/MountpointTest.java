// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import static dev.sysgenid.daemon.Refusals.refused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sysgenid.linux.Mount;
import dev.sysgenid.linux.Poll;
import dev.sysgenid.linux.Stat;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Mounts only in namespaces of threads, which end with them. */
class MountpointTest {
    private static final String TYPE = "fuse.sysgenid";

    @TempDir
    Path dir;

    private Path path;
    private final List<String> log = new ArrayList<>();

    @BeforeEach
    void names() {
        assertThat(Unistd.chmod(dir.toString(), 0755)).isZero();
        path = dir.resolve("mount");
    }

    private Mountpoint prepare(Path path) throws StartException {
        return Mountpoint.prepare(path, true, log::add);
    }

    private static List<String> names(Path directory) throws IOException {
        try (var files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    // As it should be.

    @Test
    void theDirectoryIsMadeAndRemoved() throws Exception {
        try (Mountpoint _ = prepare(path)) {
            // Nobody is to find a file here that is not the device.
            assertThat(Stat.of(path.toString(), false).mode()).isEqualTo(Stat.S_IFDIR | 0700);
        }
        assertThat(names(dir)).isEmpty();
        assertThat(log).isEmpty();
    }

    @Test
    void aDirectoryThatWasThereStays() throws Exception {
        Files.createDirectory(path);
        prepare(path).close();
        assertThat(path).isEmptyDirectory();
    }

    @Test
    void mountsAndUnmounts() throws Exception {
        OwnThread.inOwnMounts(() -> {
            long before = Descriptors.leadingTo("/dev/fuse");
            Mountpoint mountpoint = prepare(path);
            int connection = mountpoint.mount();
            assertThat(Mountpoint.mountedType(path)).isEqualTo(TYPE);
            assertThat(Unistd.fcntl(connection, Unistd.F_GETFL, 0) & Unistd.O_NONBLOCK)
                    .isNotZero();
            assertThat(Unistd.fcntl(connection, Unistd.F_GETFD, 0)).isEqualTo(Unistd.FD_CLOEXEC);
            assertThat(Poll.poll(connection, Poll.POLLIN, -1))
                    .as("the handshake comes")
                    .isEqualTo(Poll.POLLIN);
            assertThat(mountLine(path)).contains("nosuid,nodev,noexec", "default_permissions,allow_other");
            mountpoint.close();
            assertThat(Mountpoint.mountedType(path)).isNull();
            assertThat(names(dir)).isEmpty();
            assertThat(Descriptors.leadingTo("/dev/fuse")).isEqualTo(before);
            assertThat(Descriptors.leadingTo(path.toString())).isZero();
        });
    }

    private static String mountLine(Path path) throws IOException {
        return Files.readAllLines(Path.of("/proc/thread-self/mountinfo")).stream()
                .filter(line -> line.contains(" " + path + " "))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void closingTwiceIsHarmlessAndTakesNothingOfOthers() throws Exception {
        OwnThread.inOwnMounts(() -> {
            Mountpoint mountpoint = prepare(path);
            mountpoint.mount();
            mountpoint.close();
            Files.createDirectory(path);
            assertThat(Mount.mount("other", path.toString(), "tmpfs", 0, null)).isZero();
            mountpoint.close();
            assertThat(Mountpoint.mountedType(path)).isEqualTo("tmpfs");
        });
    }

    /** What somebody mounted there after he had unmounted ours is his. */
    @Test
    void whatWasTakenAwayIsNotUnmountedAgain() throws Exception {
        OwnThread.inOwnMounts(() -> {
            Mountpoint mountpoint = prepare(path);
            mountpoint.mount();
            assertThat(Mount.umount2(path.toString(), Mount.MNT_DETACH)).isZero();
            assertThat(Mount.mount("other", path.toString(), "tmpfs", 0, null)).isZero();
            mountpoint.lost();
            mountpoint.close();
            assertThat(Mountpoint.mountedType(path)).isEqualTo("tmpfs");
        });
    }

    @Test
    void anUnmountByOthersThatWasNotNoticedIsNoTrouble() throws Exception {
        OwnThread.inOwnMounts(() -> {
            Mountpoint mountpoint = prepare(path);
            mountpoint.mount();
            assertThat(Mount.umount2(path.toString(), Mount.MNT_DETACH)).isZero();
            mountpoint.close();
            assertThat(names(dir)).isEmpty();
        });
    }

    // What is in the way: refused, and untouched.

    @Test
    void aFile() throws Exception {
        Files.writeString(path, "mine");
        refused(() -> prepare(path), ExitCodes.CANNOT_CREATE, path, "not a directory");
        assertThat(path).hasContent("mine");
    }

    @Test
    void aLinkToNowhere() throws Exception {
        Files.createSymbolicLink(path, dir.resolve("missing"));
        refused(() -> prepare(path), ExitCodes.CANNOT_CREATE, path, "not a directory");
        assertThat(names(dir)).containsExactly("mount");
    }

    @Test
    void aDirectoryWithAFile() throws Exception {
        Files.createDirectory(path);
        Files.writeString(path.resolve("data"), "mine");
        refused(() -> prepare(path), ExitCodes.CANNOT_CREATE, path, "not empty");
        assertThat(path.resolve("data")).hasContent("mine");
    }

    @Test
    void aDirectoryWhoseParentIsNotThere() throws Exception {
        Path deep = path.resolve("deep");
        StartException refusal = catchThrowableOfType(StartException.class, () -> prepare(deep));
        Refusals.check(refusal, ExitCodes.CANNOT_CREATE, deep, "ENOENT");
        assertThat(refusal.remedy()).contains("parent");
        assertThat(names(dir)).isEmpty();
    }

    @Test
    void aNameThatIsTooLong() {
        Path longest = dir.resolve("m".repeat(256));
        refused(() -> prepare(longest), ExitCodes.CANNOT_CREATE, longest, "ENAMETOOLONG");
    }

    @Test
    void aDirectoryThatTheUserMayNotMake() throws Exception {
        refused(() -> prepare(path.resolve("deep")), ExitCodes.CANNOT_CREATE); // loads the classes
        Refusals.check(
                OwnThread.asNobody(() -> catchThrowableOfType(StartException.class, () -> prepare(path))),
                ExitCodes.NO_PERMISSION,
                path,
                "EACCES");
        assertThat(names(dir)).isEmpty();
    }

    @Test
    void aDirectoryThatTheUserMayNotRead() throws Exception {
        refused(() -> prepare(path.resolve("deep")), ExitCodes.CANNOT_CREATE); // loads the classes
        Files.createDirectory(path);
        assertThat(Unistd.chmod(path.toString(), 0700)).isZero();
        Refusals.check(
                OwnThread.asNobody(() -> catchThrowableOfType(StartException.class, () -> prepare(path))),
                ExitCodes.NO_PERMISSION,
                path);
        assertThat(path).isEmptyDirectory();
    }

    // Other daemons.

    @Test
    void oneThatIsAboutToServe() throws Exception {
        try (Mountpoint _ = prepare(path)) {
            refused(() -> prepare(path), ExitCodes.CANNOT_CREATE, path, "another daemon");
            assertThat(path).isEmptyDirectory();
            refused(() -> prepare(path), ExitCodes.CANNOT_CREATE, path, "another daemon");
        }
        prepare(path).close();
        assertThat(names(dir)).isEmpty();
    }

    @Test
    void oneThatServes() throws Exception {
        OwnThread.inOwnMounts(() -> {
            Files.createDirectory(path);
            try (EmptyDirectory other = EmptyDirectory.mount(path, TYPE)) {
                other.serve();
                refused(() -> prepare(path), ExitCodes.CANNOT_CREATE, path, "another daemon is serving");
                assertThat(Mountpoint.mountedType(path)).isEqualTo(TYPE);
                assertThat(other.log).isEmpty();
                assertThat(Mount.umount2(path.toString(), Mount.MNT_DETACH)).isZero();
            }
        });
        assertThat(log).isEmpty();
    }

    /** It is stopped, or stands in a debugger: it can go on, so it is not dead. */
    @Test
    void oneThatDoesNotAnswer() throws Exception {
        OwnThread.inOwnMounts(() -> {
            Files.createDirectory(path);
            try (EmptyDirectory _ = EmptyDirectory.mount(path, TYPE)) {
                refused(() -> prepare(path), ExitCodes.CANNOT_CREATE, path, "does not answer");
                assertThat(Mountpoint.mountedType(path)).isEqualTo(TYPE);
            }
        });
        assertThat(log).isEmpty();
    }

    @Test
    void oneThatDiedIsCleanedUpAfter() throws Exception {
        OwnThread.inOwnMounts(() -> {
            Files.createDirectory(path);
            EmptyDirectory.mount(path, TYPE).close();
            assertThat(Mountpoint.mountedType(path)).isEqualTo(TYPE);
            try (Mountpoint mountpoint = prepare(path)) {
                assertThat(Mountpoint.mountedType(path)).isNull();
                assertThat(log).singleElement().asString().contains(path.toString(), "dead daemon");
                mountpoint.mount();
                assertThat(Mountpoint.mountedType(path)).isEqualTo(TYPE);
            }
            assertThat(Mountpoint.mountedType(path)).isNull();
            assertThat(path).isEmptyDirectory();
        });
    }

    /** {@code /var/run} is a link to {@code /run} nearly everywhere, and the kernel lists mounts by their real paths. */
    @ParameterizedTest
    @ValueSource(strings = {"link/mount", "real/../real/mount", "alias", "chain"})
    void oneThatDiedIsFoundByAnyNameOfItsPlace(String name) throws Exception {
        Path real = Files.createDirectories(dir.resolve("real/mount"));
        Files.createSymbolicLink(dir.resolve("link"), dir.resolve("real"));
        Files.createSymbolicLink(dir.resolve("alias"), real);
        Files.createSymbolicLink(dir.resolve("chain"), Path.of("link/../alias"));
        Path named = dir.resolve(name);
        OwnThread.inOwnMounts(() -> {
            EmptyDirectory.mount(real, TYPE).close();
            assertThat(Mountpoint.mountedType(named)).isEqualTo(TYPE);
            try (Mountpoint mountpoint = prepare(named)) {
                assertThat(log).singleElement().asString().contains(named.toString());
                mountpoint.mount();
                assertThat(Mountpoint.mountedType(real)).isEqualTo(TYPE);
                assertThat(Mountpoint.mountedType(named)).isEqualTo(TYPE);
            }
            assertThat(Mountpoint.mountedType(real)).isNull();
            assertThat(real).isEmptyDirectory();
        });
    }

    @Test
    void aDeadMountOfAnotherProgramIsNotTouched() throws Exception {
        OwnThread.inOwnMounts(() -> {
            Files.createDirectory(path);
            EmptyDirectory.mount(path, "fuse.other").close();
            refused(() -> prepare(path), ExitCodes.CANNOT_CREATE, path);
            assertThat(Mountpoint.mountedType(path)).isEqualTo("fuse.other");
        });
        assertThat(log).isEmpty();
    }

    // What a mount needs.

    @Test
    void theDeviceOfFuse() throws Exception {
        OwnThread.inOwnMounts(() -> {
            try (Mountpoint mountpoint = prepare(path)) {
                assertThat(Mount.mount("none", "/dev", "tmpfs", 0, null)).isZero();
                StartException refusal = catchThrowableOfType(StartException.class, mountpoint::mount);
                assertThat(Mount.umount2("/dev", 0)).isZero();
                Refusals.check(refusal, ExitCodes.UNAVAILABLE, "/dev/fuse", "ENOENT");
                assertThat(refusal.remedy()).contains("modprobe fuse", "--device /dev/fuse");
            }
            assertThat(names(dir)).isEmpty();
        });
    }

    @Test
    void theRightToMount() throws Exception {
        OwnThread.inOwnMounts(() -> {
            openFuseToEverybody();
            refused(() -> prepare(path.resolve("deep")), ExitCodes.CANNOT_CREATE); // loads the classes
            long before = Descriptors.leadingTo("/dev/fuse");
            try (Mountpoint mountpoint = prepare(path)) {
                assertThat(Unistd.chmod(path.toString(), 0777)).isZero();
                OwnThread.beNobody();
                StartException refusal;
                try {
                    refusal = catchThrowableOfType(StartException.class, mountpoint::mount);
                } finally {
                    OwnThread.beRootAgain();
                }
                Refusals.check(refusal, ExitCodes.NO_PERMISSION, path, "EPERM");
                assertThat(refusal.remedy()).contains("CAP_SYS_ADMIN");
                assertThat(Descriptors.leadingTo("/dev/fuse")).isEqualTo(before);
            }
            assertThat(names(dir)).isEmpty();
        });
    }

    /** In the calling thread's mount namespace only. */
    private void openFuseToEverybody() throws Exception {
        OwnThread.need(
                Files.isExecutable(Path.of("/usr/bin/fusermount3")) || Files.isExecutable(Path.of("/bin/fusermount3")),
                "there is no fusermount3: apt install fuse3");
        Path other = Files.createDirectories(dir.resolveSibling(dir.getFileName() + "-dev"));
        try {
            assertThat(Mount.mount("none", other.toString(), "tmpfs", 0, "mode=755"))
                    .isZero();
            Path fuse = other.resolve("fuse");
            assertThat(new ProcessBuilder("mknod", "-m", "666", fuse.toString(), "c", "10", "229")
                            .inheritIO()
                            .start()
                            .waitFor())
                    .isZero();
            assertThat(Mount.mount(fuse.toString(), "/dev/fuse", null, Mount.MS_BIND, null))
                    .isZero();
        } finally {
            Mount.umount2(other.toString(), Mount.MNT_DETACH);
            Unistd.rmdir(other.toString());
        }
    }

    // Without privileges.

    @Test
    void aUserMountsThroughFusermount() throws Exception {
        OwnThread.inOwnMounts(() -> {
            openFuseToEverybody();
            prepareUser();
            long before = Descriptors.leadingTo("/dev/fuse");
            long sockets = Descriptors.leadingTo("socket:[");
            OwnThread.beNobody();
            try {
                Mountpoint mountpoint = Mountpoint.prepare(path, false, log::add);
                int connection = mountpoint.mount();
                assertThat(connection).isNotNegative();
                assertThat(Unistd.fcntl(connection, Unistd.F_GETFL, 0) & Unistd.O_NONBLOCK)
                        .isNotZero();
                assertThat(Poll.poll(connection, Poll.POLLIN, -1)).isEqualTo(Poll.POLLIN);
                assertThat(mountLine(path))
                        .contains(" - " + TYPE + " sysgenid ", "nosuid,nodev,noexec", "user_id=65534");
                mountpoint.close();
                assertThat(Mountpoint.mountedType(path)).isNull();
            } finally {
                OwnThread.beRootAgain();
            }
            assertThat(path).isEmptyDirectory();
            assertThat(Descriptors.leadingTo("/dev/fuse")).isEqualTo(before);
            assertThat(Descriptors.leadingTo("socket:[")).isEqualTo(sockets);
        });
    }

    @Test
    void theDeadMountOfAUserIsCleanedUpThroughFusermount() throws Exception {
        List<String> types = new ArrayList<>();
        OwnThread.inOwnMounts(() -> {
            openFuseToEverybody();
            prepareUser();
            // The kernel lets a user look at a mount of his only when no part of him is somebody else.
            OwnThread.becomeNobody();
            Mountpoint dead = Mountpoint.prepare(path, false, log::add);
            // The connection ends, as if its process did; the number stays this object's to close.
            int nothing = Unistd.open("/dev/null", Unistd.O_CLOEXEC, 0);
            Unistd.dup3(nothing, dead.mount(), Unistd.O_CLOEXEC);
            Unistd.close(nothing);
            // So does its lock; what it would clean up itself stays.
            closeAllThatLeadTo(path);
            types.add(String.valueOf(Mountpoint.mountedType(path)));
            try (Mountpoint next = Mountpoint.prepare(path, false, log::add)) {
                types.add(String.valueOf(Mountpoint.mountedType(path)));
                next.mount();
                types.add(String.valueOf(Mountpoint.mountedType(path)));
            }
            types.add(String.valueOf(Mountpoint.mountedType(path)));
        });
        assertThat(types).containsExactly(TYPE, "null", TYPE, "null");
        assertThat(log).singleElement().asString().contains("dead daemon");
    }

    @Test
    void anAbortedConnectionLeavesNoMount() throws Exception {
        List<String> types = new ArrayList<>();
        OwnThread.inOwnMounts(() -> {
            Files.createDirectory(path);
            Mountpoint aborted = Mountpoint.prepare(path, true, log::add);
            int nothing = Unistd.open("/dev/null", Unistd.O_CLOEXEC, 0);
            Unistd.dup3(nothing, aborted.mount(), Unistd.O_CLOEXEC);
            Unistd.close(nothing);
            types.add(String.valueOf(Mountpoint.mountedType(path)));
            aborted.lost();
            aborted.close();
            types.add(String.valueOf(Mountpoint.mountedType(path)));
        });
        assertThat(types).containsExactly(TYPE, "null");
    }

    private static void closeAllThatLeadTo(Path path) {
        for (int descriptor = 3; descriptor < 1024; descriptor++) {
            try {
                if (Unistd.readlink("/proc/self/fd/" + descriptor).equals(path.toString())) {
                    Unistd.close(descriptor);
                }
            } catch (SystemCallException e) {
                // Not open.
            }
        }
    }

    /** A directory of the user's, and the classes loaded. */
    private void prepareUser() throws Exception {
        Files.createDirectory(path);
        try (Mountpoint mountpoint = Mountpoint.prepare(path, false, log::add)) {
            mountpoint.mount();
            mountLine(path);
        }
        assertThat(Unistd.chown(path.toString(), OwnThread.NOBODY, OwnThread.NOBODY))
                .isZero();
        assertThat(Unistd.chmod(path.toString(), 0700)).isZero();
    }

    @Test
    void aUserWhoMayNotMountThere() throws Exception {
        OwnThread.inOwnMounts(() -> {
            openFuseToEverybody();
            prepareUser();
            // Readable, so that it is fusermount3 that refuses.
            assertThat(Unistd.chown(path.toString(), 0, 0)).isZero();
            assertThat(Unistd.chmod(path.toString(), 0755)).isZero();
            OwnThread.beNobody();
            StartException refusal;
            try (Mountpoint mountpoint = Mountpoint.prepare(path, false, log::add)) {
                refusal = catchThrowableOfType(StartException.class, mountpoint::mount);
            } finally {
                OwnThread.beRootAgain();
            }
            Refusals.check(refusal, ExitCodes.UNAVAILABLE, path, "fusermount3");
            assertThat(Mountpoint.mountedType(path)).isNull();
            assertThat(path).isEmptyDirectory();
        });
    }

    @Test
    void aUserWithoutFusermount() throws Exception {
        OwnThread.inOwnMounts(() -> {
            for (String directory : List.of("/usr/bin", "/bin", "/usr/local/bin")) {
                if (Files.isDirectory(Path.of(directory))) {
                    assertThat(Mount.mount("none", directory, "tmpfs", 0, null)).isZero();
                }
            }
            StartException refusal =
                    catchThrowableOfType(StartException.class, () -> Mountpoint.prepare(path, false, log::add));
            Refusals.check(refusal, ExitCodes.UNAVAILABLE, "fusermount3");
            assertThat(refusal.remedy()).contains("root", "apt install fuse3");
            assertThat(names(dir)).isEmpty();
        });
    }

    // What is mounted where.

    @ParameterizedTest
    @ValueSource(strings = {"plain", "a b", "a\tb", "a\nb", "a\\b", "a\\040b", "a - tmpfs b", "\u00e4\u20ac", "a#b"})
    void mountedTypeOfAnyName(String name) throws Exception {
        Path any = Files.createDirectory(dir.resolve(name));
        OwnThread.inOwnMounts(() -> {
            assertThat(Mountpoint.mountedType(any)).isNull();
            assertThat(Mount.mount("a b", any.toString(), "tmpfs", 0, null)).isZero();
            assertThat(Mountpoint.mountedType(any)).isEqualTo("tmpfs");
            assertThat(Mountpoint.mountedType(dir)).isNull();
            assertThat(Mountpoint.mountedType(any.resolve("deeper"))).isNull();
        });
        assertThat(Mountpoint.mountedType(any)).isNull();
    }

    /** A name need not be text; any user can make such a mount. */
    @Test
    void aMountWhoseNameIsNoTextHidesNoOther() throws Exception {
        Files.createDirectory(path);
        OwnThread.inOwnMounts(() -> {
            assertThat(Mount.mount("one", path.toString(), "tmpfs", 0, null)).isZero();
            assertThat(new ProcessBuilder(
                                    "/bin/sh",
                                    "-euc",
                                    "d=$1/$(printf 'a\\377'); mkdir \"$d\"; mount --bind \"$d\" \"$d\"",
                                    "sh",
                                    path.toString())
                            .inheritIO()
                            .start()
                            .waitFor())
                    .isZero();
            assertThat(Mountpoint.mountedType(path)).isEqualTo("tmpfs");
        });
    }

    @Test
    void withoutProcNobodyKnowsWhatIsMounted() throws Exception {
        OwnThread.inOwnMounts(() -> {
            Mountpoint mountpoint = prepare(path);
            mountpoint.mount();
            assertThat(Mount.mount("none", "/proc", "tmpfs", 0, null)).isZero();
            StartException refusal =
                    catchThrowableOfType(StartException.class, () -> Mountpoint.takeOver(path, true, true, -1, 0));
            assertThat(Mount.umount2("/proc", 0)).isZero();
            Refusals.check(refusal, ExitCodes.FAILURE, "mountinfo");
            mountpoint.close();
        });
    }

    /** It is still there, under what somebody mounted over it; another connection's at the same place it is not. */
    @Test
    void itIsTakenOverFromUnderAnother() throws Exception {
        OwnThread.inOwnMounts(() -> {
            Mountpoint mountpoint = prepare(path);
            mountpoint.mount();
            long device = mountpoint.device();
            assertThat(device).isPositive();
            assertThat(Mount.mount("other", path.toString(), "tmpfs", 0, null)).isZero();
            assertThat(Mountpoint.takeOver(path, true, true, -1, device)).isNotNull();
            assertThat(Mountpoint.takeOver(path, true, true, -1, 0)).isNotNull();
            assertThat(Mountpoint.takeOver(path, true, true, -1, device + 1)).isNull();
            mountpoint.close();
            assertThat(Mountpoint.mountedType(path))
                    .as("nobody's but its owner's")
                    .isEqualTo("tmpfs");
            assertThat(Mount.umount2(path.toString(), 0)).isZero();
            assertThat(Mount.umount2(path.toString(), Mount.MNT_DETACH)).isZero();
            assertThat(Mountpoint.takeOver(path, true, true, -1, device)).isNull();
        });
    }

    @Test
    void mountedTypeIsThatOfTheTopmost() throws Exception {
        Files.createDirectory(path);
        OwnThread.inOwnMounts(() -> {
            assertThat(Mount.mount("one", path.toString(), "tmpfs", 0, null)).isZero();
            assertThat(Mount.mount("two", path.toString(), "ramfs", 0, null)).isZero();
            assertThat(Mountpoint.mountedType(path)).isEqualTo("ramfs");
            assertThat(Mount.mount("three", path.toString(), "tmpfs", 0, null)).isZero();
            assertThat(Mountpoint.mountedType(path)).isEqualTo("tmpfs");
        });
        assertThat(Mountpoint.mountedType(Path.of("/proc"))).isEqualTo("proc");
        assertThat(Mountpoint.mountedType(Path.of("/"))).isNotNull();
        assertThat(Mountpoint.mountedType(Path.of("/proc/self"))).isNull();
    }
}
