// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.daemon.source.FirmwareConfiguration;
import dev.sysgenid.daemon.source.KernelRandom;
import dev.sysgenid.daemon.source.Source;
import dev.sysgenid.daemon.source.VmClock;
import dev.sysgenid.daemon.source.VmGenId;
import dev.sysgenid.linux.SystemCallException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Where the sources are: this machine; in tests, a directory of files that stands in for one. */
class Machine {
    /** For tests: a directory to look for devices in, instead of this machine. */
    private static final String PROPERTY = "sysgenid.machine";

    private static final long SEARCH_NANOS = TimeUnit.SECONDS.toNanos(10);

    private final Path root;
    private final SourceRequirements requirements;

    Machine(Path root) {
        this.root = root;
        this.requirements = new SourceRequirements(root);
    }

    static Machine here() {
        return new Machine(Path.of(System.getProperty(PROPERTY, "/")));
    }

    /** What is there of each source, and what is missing. */
    final List<Requirements.Requirement> sources() {
        return requirements.all();
    }

    /** As {@link #sources}, of one that was missing; null while it still is, as far as a few calls tell. */
    final Requirements.@Nullable Requirement found(String name) {
        return requirements.mayBeThere(name) ? requirements.of(name) : null;
    }

    /** How long after a look for sources that are missing to look again. */
    long searchNanos() {
        return SEARCH_NANOS;
    }

    /**
     * Opens a source that is there.
     *
     * @param mark that of its predecessor; null to begin with what there is
     */
    Source open(String name, @Nullable String mark) throws SystemCallException {
        return switch (name) {
            case SourceChoice.VMCLOCK ->
                VmClock.open(root.resolve("dev/vmclock0").toString(), mark);
            case SourceChoice.VMGENID -> VmGenId.open(root.resolve("dev/kmsg").toString(), mark);
            case SourceChoice.FW_CFG ->
                FirmwareConfiguration.open(
                        root.resolve(SourceRequirements.FW_CFG_GUID).toString(), mark);
            default -> throw new IllegalArgumentException(name);
        };
    }

    /** The kernel's random numbers, and what there is to make them fresh. */
    KernelRandom random(Consumer<String> log) {
        return new KernelRandom(log, root.resolve("dev/hwrng").toString(), KernelRandom.isInTheProcessor());
    }
}
