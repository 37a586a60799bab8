// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MountTest {
    @TempDir
    Path dir;

    @Test
    void mountsAndUnmounts() throws Exception {
        String target = dir.toString();
        OwnThread.callInOwnMounts(() -> {
            assertThat(Mount.mount("test", target, "tmpfs", Mount.MS_NOSUID | Mount.MS_NODEV, "size=64k,mode=0750"))
                    .isZero();
            assertThat(Stat.filesystemType(target)).isEqualTo(Stat.TMPFS_MAGIC);
            Stat root = Stat.of(target, true);
            assertThat(root.mountRoot()).isTrue();
            assertThat(root.permissions()).isEqualTo(0750);
            assertThat(mountLine(target)).contains(" rw,nosuid,nodev").contains(" - tmpfs test ");
            assertThat(Files.readString(Path.of("/proc/self/mountinfo")))
                    .as("what the JVM's first thread sees")
                    .doesNotContain(target);

            assertThat(Mount.mount(null, target, null, Mount.MS_REMOUNT | Mount.MS_BIND | Mount.MS_RDONLY, null))
                    .isZero();
            assertThat(mountLine(target)).contains(" ro");
            assertThat(Unistd.mkdir(target + "/x", 0700)).isEqualTo(-Errno.EROFS);

            assertThat(Mount.umount2(target, Mount.UMOUNT_NOFOLLOW)).isZero();
            assertThat(Stat.of(target, true).mountRoot()).isFalse();
            return true;
        });
    }

    @Test
    void aBusyMountIsDetachedOnDemand() throws Exception {
        String target = dir.toString();
        OwnThread.callInOwnMounts(() -> {
            Mount.mount("test", target, "tmpfs", 0, null);
            try (Fds fds = new Fds()) {
                fds.own(Unistd.open(target, Unistd.O_CLOEXEC, 0));
                assertThat(Mount.umount2(target, 0)).isEqualTo(-Errno.EBUSY);
                assertThat(Mount.umount2(target, Mount.MNT_DETACH)).isZero();
            }
            return true;
        });
    }

    @Test
    void mountsStepByStep() throws Exception {
        String target = dir.toString();
        OwnThread.callInOwnMounts(() -> {
            try (Fds fds = new Fds()) {
                int context = fds.own(Mount.fsopen("tmpfs", Mount.FSOPEN_CLOEXEC));
                assertThat(Mount.fsconfig(context, Mount.FSCONFIG_SET_STRING, "mode", "0711", 0))
                        .isZero();
                assertThat(Mount.fsconfig(context, Mount.FSCONFIG_SET_STRING, "nonsense", "1", 0))
                        .isEqualTo(-Errno.EINVAL);
                assertThat(Mount.fsconfig(context, Mount.FSCONFIG_CMD_CREATE, null, null, 0))
                        .isZero();
                int mount = fds.own(Mount.fsmount(
                        context, Mount.FSMOUNT_CLOEXEC, Mount.MOUNT_ATTR_NOSUID | Mount.MOUNT_ATTR_NODEV));
                assertThat(Stat.of(target, true).mountRoot()).isFalse();

                assertThat(Mount.move_mount(mount, "", Unistd.AT_FDCWD, target, Mount.MOVE_MOUNT_F_EMPTY_PATH))
                        .isZero();
            }
            assertThat(Stat.of(target, true).mountRoot()).isTrue();
            assertThat(Stat.of(target, true).permissions()).isEqualTo(0711);
            assertThat(mountLine(target)).contains("nosuid,nodev");
            return true;
        });
    }

    @Test
    void aThreadEntersAnotherNamespace() throws Exception {
        String target = dir.toString();
        OwnThread.callInOwnMounts(() -> {
            Mount.mount("test", target, "tmpfs", 0, null);
            try (Fds fds = new Fds()) {
                int outside = fds.own(Unistd.open("/proc/self/ns/mnt", Unistd.O_CLOEXEC, 0));
                assertThat(Processes.setns(outside, Processes.CLONE_NEWNET)).isEqualTo(-Errno.EINVAL);
                assertThat(Processes.setns(outside, Processes.CLONE_NEWNS)).isZero();
            }
            assertThat(Stat.of(target, true).mountRoot()).isFalse();
            return true;
        });
    }

    @Test
    void failuresComeBackAsNegatedNumbers() throws Exception {
        String target = dir.toString();
        OwnThread.callInOwnMounts(() -> {
            assertThat(Mount.mount("test", target + "/none", "tmpfs", 0, null)).isEqualTo(-Errno.ENOENT);
            assertThat(Mount.mount("test", target, "no-such-type", 0, null)).isEqualTo(-Errno.ENODEV);
            assertThat(Mount.umount2(target, 0)).isEqualTo(-Errno.EINVAL);
            assertThat(Mount.fsopen("no-such-type", 0)).isEqualTo(-Errno.ENODEV);
            assertThat(Mount.fsconfig(1_000_000, Mount.FSCONFIG_CMD_CREATE, null, null, 0))
                    .isEqualTo(-Errno.EBADF);
            assertThat(Mount.fsmount(1_000_000, 0, 0)).isEqualTo(-Errno.EBADF);
            assertThat(Mount.move_mount(1_000_000, "", Unistd.AT_FDCWD, target, Mount.MOVE_MOUNT_F_EMPTY_PATH))
                    .isEqualTo(-Errno.EBADF);
            return true;
        });
    }

    @Test
    void theNamespaceEndsWithItsThread() throws Exception {
        String target = dir.toString();
        OwnThread.callInOwnMounts(() -> Mount.mount("test", target, "tmpfs", 0, null));
        assertThat(Stat.of(target, true).mountRoot()).isFalse();
    }

    /** The line of /proc/thread-self/mountinfo for a mount. */
    private static String mountLine(String target) throws IOException {
        return Files.readAllLines(Path.of("/proc/thread-self/mountinfo")).stream()
                .filter(line -> line.split(" ", 6)[4].equals(target))
                .findFirst()
                .orElseThrow();
    }
}
