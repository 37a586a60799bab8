// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.linux.Errno;
import java.util.Set;

/**
 * The names that a domain may have: those that container engines give (an id has 64 digits), and none that means something
 * in the mounted directory, a shell or a path.
 */
public final class DomainName {
    /** The most characters. */
    public static final int LONGEST = 64;

    private static final Set<String> TAKEN = Set.of(
            MountFileSystem.DEVICE_NAME,
            MountFileSystem.GENERATION_NAME,
            MountFileSystem.WATCHERS_NAME,
            MountFileSystem.SOURCES_NAME,
            MountFileSystem.HEALTH_NAME);

    private DomainName() {}

    /**
     * What is wrong with a name.
     *
     * @return 0 when nothing is; else a positive errno: ENAMETOOLONG, EEXIST for a file of the directory, EINVAL
     */
    public static int refusal(String name) {
        if (name.length() > LONGEST) {
            return Errno.ENAMETOOLONG;
        }
        if (TAKEN.contains(name)) {
            return Errno.EEXIST;
        }
        return !name.isEmpty() && name.charAt(0) != '.' && name.chars().allMatch(DomainName::allowed)
                ? 0
                : Errno.EINVAL;
    }

    private static boolean allowed(int c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || ".-_".indexOf(c) >= 0;
    }
}
