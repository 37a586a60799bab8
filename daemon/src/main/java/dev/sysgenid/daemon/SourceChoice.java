// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Which sources tell the daemon of restores. Whoever may bump is always one: the operator.
 *
 * @param names those that were chosen by name, and must work; null to use what there is
 * @param bumpOnDisruption whether a disruption that is no sign of a clone (a live migration, and every restore where the
 *     hypervisor does not count clones) bumps too
 */
public record SourceChoice(@Nullable Set<String> names, boolean bumpOnDisruption) {
    /** The hypervisor's page: {@code /dev/vmclock0}. */
    public static final String VMCLOCK = "vmclock";

    /** The kernel's driver, by the kernel's log and uevents. */
    public static final String VMGENID = "vmgenid";

    /** QEMU's firmware configuration. */
    public static final String FW_CFG = "fw_cfg";

    /** Whoever has the right to bump. */
    public static final String OPERATOR = "operator";

    /** All of them, the quickest first. */
    public static final List<String> ALL = List.of(VMCLOCK, VMGENID, FW_CFG, OPERATOR);

    /** Why a source is off that is there, where somebody wants it so. */
    public static final String NOT_CHOSEN = "not among the chosen ones";

    /** Why the firmware's identifier is off that is there. */
    public static final String NOT_NEEDED = "not needed beside vmgenid";

    /** What there is, and no bump without a sign of a clone. */
    public static final SourceChoice AUTO = new SourceChoice(null, false);

    /**
     * Reads {@code auto}, {@code none}, or names with commas between them.
     *
     * @throws IllegalArgumentException for anything else, with a message for the user
     */
    public static SourceChoice parse(String text) {
        if (text.equals("auto")) {
            return AUTO;
        }
        Set<String> names = new TreeSet<>();
        if (!text.equals("none")) {
            for (String name : text.split(",", -1)) {
                if (!ALL.contains(name)) {
                    throw new IllegalArgumentException(
                            "'" + name + "' is no source: auto, none, or some of " + String.join(",", ALL));
                }
                names.add(name);
            }
        }
        return new SourceChoice(names, false);
    }
}
