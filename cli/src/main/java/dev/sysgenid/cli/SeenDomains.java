// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import dev.sysgenid.daemon.DomainName;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * What of a device a process can see: that of which its mount namespace has a mount, as {@code /proc/PID/mountinfo} tells. That is the
 * kernel's word; no path of the process's own is followed. A container that may unmount can give its domain up, and has the
 * machine bumped then; it can name no other domain.
 *
 * @param machine whether it sees the machine's device
 * @param all whether it sees the machine's directory, and so each domain
 * @param names the domains of which it has a mount
 */
record SeenDomains(boolean machine, boolean all, Set<String> names) {
    private static final String TYPE = "fuse.sysgenid";
    private static final int DEVICE = 2;
    private static final int ROOT = 3;
    private static final int POINT = 4;
    /** Behind the path of what has no name any more. */
    private static final String DELETED = "//deleted";

    /** Where nothing can be known: then it is the machine that bumps, and nobody is left out. */
    private static final SeenDomains UNKNOWN = new SeenDomains(true, false, Set.of());

    /**
     * What a process sees of the mount at {@code root}.
     *
     * @param proc {@code /proc}
     */
    static SeenDomains of(Path proc, String process, Path root) {
        Set<String> names = new LinkedHashSet<>();
        boolean machine = false;
        boolean all = false;
        try {
            String device = null;
            for (List<String> mount : mounts(proc.resolve("self"))) {
                if (mount.get(ROOT).equals("/") && mount.get(POINT).equals(root.toString())) {
                    device = mount.get(DEVICE);
                }
            }
            for (List<String> mount : mounts(proc.resolve(process))) {
                if (!mount.get(DEVICE).equals(device)) {
                    continue;
                }
                String path = mount.get(ROOT);
                all |= path.equals("/");
                if (path.endsWith(DELETED)) {
                    path = path.substring(0, path.length() - DELETED.length());
                }
                int end = path.indexOf('/', 1);
                String first = path.isEmpty() ? "" : path.substring(1, end < 0 ? path.length() : end);
                if (DomainName.refusal(first) == 0) {
                    names.add(first);
                } else {
                    machine = true;
                }
            }
        } catch (IOException e) {
            return UNKNOWN;
        }
        return machine || !names.isEmpty() ? new SeenDomains(machine, all, names) : UNKNOWN;
    }

    /** The fields of those mounts that are of this program's type. */
    private static List<List<String>> mounts(Path process) throws IOException {
        List<List<String>> mounts = new ArrayList<>();
        for (String line : Files.readAllLines(process.resolve("mountinfo"), StandardCharsets.ISO_8859_1)) {
            List<String> fields = List.of(line.split(" "));
            int behind = fields.indexOf("-");
            if (behind > POINT
                    && fields.size() > behind + 1
                    && fields.get(behind + 1).equals(TYPE)) {
                mounts.add(fields);
            }
        }
        return mounts;
    }
}
