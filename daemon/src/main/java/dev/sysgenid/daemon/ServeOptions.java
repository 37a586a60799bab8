// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.core.Tracking;
import dev.sysgenid.linux.Unistd;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What one run of the daemon serves, and where.
 *
 * @param mount the directory that is mounted; absolute
 * @param device the symlink that is made to the device in that directory, absolute; null for none
 * @param mode the permission bits of the device, 0 to 0777
 * @param uid the owner of the device
 * @param gid the group of the device
 * @param tracking who counts as a watcher
 * @param mapping how mmap is served
 * @param watchersPerUser how many watchers each user may have who may not bump
 * @param sources what tells of restores
 */
public record ServeOptions(
        Path mount,
        @Nullable Path device,
        int mode,
        int uid,
        int gid,
        Tracking tracking,
        Mapping mapping,
        int watchersPerUser,
        SourceChoice sources) {
    /** Where the machine's domain is mounted. */
    public static final Path SYSTEM_MOUNT = Path.of("/run/sysgenid");

    /** Where the driver's clients look for the device. */
    public static final Path SYSTEM_DEVICE = Path.of("/dev/sysgenid");

    /** The name of the device inside the mounted directory. */
    public static final String DEVICE_NAME = "sysgenid";

    /**
     * Everyone may open the device, for reading and writing: to be a watcher is no privilege, and a client that may not
     * open the device would go on using stale secrets.
     */
    public static final int DEFAULT_MODE = 0666;

    /** Far more than any user needs, and a quarter of what there can be. */
    public static final int DEFAULT_WATCHERS_PER_USER = 16_384;

    /** With the usual number of watchers per user, and whatever tells of restores. */
    public ServeOptions(
            Path mount, @Nullable Path device, int mode, int uid, int gid, Tracking tracking, Mapping mapping) {
        this(mount, device, mode, uid, gid, tracking, mapping, DEFAULT_WATCHERS_PER_USER, SourceChoice.AUTO);
    }

    /** Checks ranges. */
    public ServeOptions {
        Objects.requireNonNull(tracking);
        Objects.requireNonNull(mapping);
        Objects.requireNonNull(sources);
        if (!mount.isAbsolute()) {
            throw new IllegalArgumentException("mount is not absolute: " + mount);
        }
        if (device != null && !device.isAbsolute()) {
            throw new IllegalArgumentException("device is not absolute: " + device);
        }
        if ((mode & ~0777) != 0) {
            throw new IllegalArgumentException("mode out of range: 0" + Integer.toOctalString(mode));
        }
        if (watchersPerUser < 1) {
            throw new IllegalArgumentException("no watcher per user: " + watchersPerUser);
        }
    }

    /**
     * What is served when nothing else is asked for: root serves {@code /run/sysgenid} with the symlink {@code
     * /dev/sysgenid}; others serve {@code $XDG_RUNTIME_DIR/sysgenid}, their own, without a symlink.
     */
    public static ServeOptions defaults() {
        int uid = Unistd.geteuid();
        if (uid == 0) {
            return new ServeOptions(SYSTEM_MOUNT, SYSTEM_DEVICE, DEFAULT_MODE, 0, 0, Tracking.WRITERS, Mapping.AUTO);
        }
        Path mount = userMount(System.getenv("XDG_RUNTIME_DIR"), uid);
        return new ServeOptions(mount, null, DEFAULT_MODE, uid, Unistd.getegid(), Tracking.WRITERS, Mapping.AUTO);
    }

    /** The default mount of a user who is not root; the specification of XDG_RUNTIME_DIR ignores a relative one. */
    static Path userMount(@Nullable String runtimeDirectory, int uid) {
        Path directory = Path.of(runtimeDirectory == null ? "" : runtimeDirectory);
        if (!directory.isAbsolute()) {
            directory = Path.of("/run/user", Integer.toUnsignedString(uid));
        }
        return directory.resolve("sysgenid");
    }
}
