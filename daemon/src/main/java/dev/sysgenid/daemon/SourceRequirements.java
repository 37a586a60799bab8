// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.daemon.Requirements.Requirement;
import dev.sysgenid.daemon.Requirements.Status;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Unistd;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Which sources a machine has, and what it lacks to have them. Nothing is changed by looking. */
final class SourceRequirements {
    static final String NONE = "none";

    /** Where QEMU's firmware configuration shows the identifier of the virtual machine, below the root. */
    static final String FW_CFG_GUID = "sys/firmware/qemu_fw_cfg/by_name/etc/vmgenid_guid/raw";

    private static final List<String> VMGENID_DRIVERS =
            List.of("sys/bus/platform/drivers/vmgenid", "sys/bus/acpi/drivers/vmgenid");

    private final Path root;

    /** Of the machine whose files lie under {@code root}. */
    SourceRequirements(Path root) {
        this.root = root;
    }

    /** One entry for each source, and a warning as the last one when there is none at all. */
    List<Requirement> all() {
        List<Requirement> sources = List.of(vmclock(), vmgenid(), firmwareConfiguration());
        for (Requirement source : sources) {
            if (Requirements.isThere(source)) {
                return sources;
            }
        }
        List<Requirement> found = new ArrayList<>(sources);
        found.add(new Requirement(
                "any source",
                Status.WARNING,
                "nothing tells this machine that it was restored",
                "let whatever restores it run: sysgenid bump\n"
                        + "QEMU tells it when started with: -device vmgenid,guid=auto"));
        return found;
    }

    /** That of one source. */
    Requirement of(String source) {
        return switch (source) {
            case SourceChoice.VMCLOCK -> vmclock();
            case SourceChoice.VMGENID -> vmgenid();
            case SourceChoice.FW_CFG -> firmwareConfiguration();
            default -> throw new IllegalArgumentException(source);
        };
    }

    /** Whether it is worth to look at {@link #of}: as far as a few calls tell, for who asks again and again. */
    boolean mayBeThere(String source) {
        return switch (source) {
            case SourceChoice.VMCLOCK -> Files.exists(under("dev/vmclock0"));
            case SourceChoice.VMGENID -> boundToVmgenid() != null;
            case SourceChoice.FW_CFG -> Files.exists(under(FW_CFG_GUID));
            default -> false;
        };
    }

    private Requirement vmclock() {
        String name = SourceChoice.VMCLOCK;
        String device = "/dev/vmclock0";
        if (Files.exists(under("dev/vmclock0"))) {
            return new Requirement(name, Status.OK, device, null);
        }
        String hardware = acpiDevice("AMZNC10C", "VMCLOCK");
        if (hardware == null) {
            return new Requirement(name, Status.OK, NONE + " offered by this hypervisor", null);
        }
        return new Requirement(
                name,
                Status.WARNING,
                hardware + ", but no " + device,
                "modprobe ptp_vmclock; it is in Linux 7 and later with CONFIG_PTP_1588_CLOCK_VMCLOCK");
    }

    private Requirement vmgenid() {
        String name = SourceChoice.VMGENID;
        String bound = boundToVmgenid();
        if (bound != null) {
            return kernelLog(name, bound);
        }
        String hardware = acpiDevice("VMGENCTR", "VM_GEN_COUNTER");
        if (hardware == null) {
            hardware = acpiDevice("QEMUVGID", "VM_GEN_COUNTER");
        }
        if (hardware == null) {
            return new Requirement(name, Status.OK, NONE + " offered by this hypervisor", null);
        }
        if (VMGENID_DRIVERS.stream().anyMatch(driver -> Files.exists(under(driver)))) {
            return new Requirement(
                    name,
                    Status.WARNING,
                    hardware + ", but the kernel's driver does not serve it",
                    "dmesg | grep -i vmgenid tells why, if anything does");
        }
        return new Requirement(
                name,
                Status.WARNING,
                hardware + ", but the kernel has no driver for it",
                "modprobe vmgenid; it is in Linux 5.18 and later with CONFIG_VMGENID");
    }

    /**
     * The device that the kernel's driver serves, one of ACPI on older kernels and of the platform on newer ones. That there
     * is a driver says nothing: most kernels have it, and it may have failed to serve the device.
     */
    private @Nullable String boundToVmgenid() {
        for (String driver : VMGENID_DRIVERS) {
            try (DirectoryStream<Path> links = Files.newDirectoryStream(under(driver))) {
                for (Path link : links) {
                    String name = String.valueOf(link.getFileName());
                    if (Files.isSymbolicLink(link) && !name.equals("module")) {
                        return "/" + driver.replace("drivers/vmgenid", "devices/") + name;
                    }
                }
            } catch (IOException | DirectoryIteratorException e) {
                // No such driver.
            }
        }
        return null;
    }

    /** The driver speaks in the kernel's log only. */
    private Requirement kernelLog(String name, String hardware) {
        // Not by Java's means, which would wait for ever where a container has put a pipe in its place.
        int log = Unistd.open(under("dev/kmsg").toString(), Unistd.O_RDONLY | Unistd.O_NONBLOCK | Unistd.O_CLOEXEC, 0);
        if (log >= 0) {
            Unistd.close(log);
            return new Requirement(name, Status.OK, hardware, null);
        }
        return new Requirement(
                name,
                Status.WARNING,
                hardware + ", but /dev/kmsg, in which the kernel tells of it: " + Errno.describe(-log),
                "run it as root, or with CAP_SYSLOG; in a container: run it with --device /dev/kmsg");
    }

    private Requirement firmwareConfiguration() {
        boolean there = Files.exists(under(FW_CFG_GUID));
        return new Requirement(
                SourceChoice.FW_CFG, Status.OK, there ? "/" + FW_CFG_GUID : NONE + " offered by this hypervisor", null);
    }

    /**
     * The device in sysfs with this hardware identifier, or with this compatible one, under which the kernel's drivers
     * know it whatever its maker calls it.
     */
    private @Nullable String acpiDevice(String hardwareId, String compatibleId) {
        for (String bus : new String[] {"sys/bus/acpi/devices", "sys/bus/platform/devices"}) {
            try (DirectoryStream<Path> devices = Files.newDirectoryStream(under(bus))) {
                for (Path device : devices) {
                    String name = String.valueOf(device.getFileName());
                    if (name.startsWith(hardwareId)
                            || firstLine(bus + "/" + name + "/modalias").contains(":" + compatibleId + ":")) {
                        return "/" + bus + "/" + name;
                    }
                }
            } catch (IOException | DirectoryIteratorException e) {
                // No such bus on this machine.
            }
        }
        return null;
    }

    private Path under(String path) {
        return root.resolve(path);
    }

    /** Nothing when it is not there or may not be read. */
    private String firstLine(String path) {
        try {
            List<String> lines = Files.readAllLines(under(path));
            return lines.isEmpty() ? "" : lines.getFirst().strip();
        } catch (IOException e) {
            return "";
        }
    }
}
