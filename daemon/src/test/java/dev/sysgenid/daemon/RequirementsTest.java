// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sysgenid.core.Tracking;
import dev.sysgenid.daemon.Requirements.Requirement;
import dev.sysgenid.daemon.Requirements.Status;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Machines of all sorts, as directories. */
class RequirementsTest {
    @TempDir
    Path root;

    /** A machine on which root can serve: Linux 6.12, everything in order. */
    @BeforeEach
    void goodMachine() throws IOException {
        write("dev/fuse", "");
        write("proc/filesystems", "nodev\tsysfs\n\text4\n\tfuseblk\nnodev\tfuse\nnodev\tfusectl\n");
        write("proc/sys/kernel/osrelease", "6.12.1-amd64\n");
        write("proc/sys/fs/fuse/default_request_timeout", "0\n");
        write("proc/sys/fs/fuse/max_request_timeout", "0\n");
        write("proc/sys/vm/max_map_count", "65530\n");
        write("proc/self/status", "Name:\tjava\nCapPrm:\t0000000000000000\nCapEff:\t000001ffffffffff\n");
        write(
                "proc/self/limits",
                "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024    524288    files\n");
        Files.createDirectories(root.resolve("proc/self/ns"));
        link("proc/self/ns/user", "user:[4026531837]");
    }

    private void write(String path, String text) throws IOException {
        Path file = root.resolve(path);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    private void link(String path, String target) throws IOException {
        Files.deleteIfExists(root.resolve(path));
        Files.createSymbolicLink(root.resolve(path), Path.of(target));
    }

    private void delete(String path) throws IOException {
        Files.delete(root.resolve(path));
    }

    private void unprivileged() throws IOException {
        write("proc/self/status", "CapEff:\t0000000000000000\n");
    }

    private void installFusermount() throws IOException {
        write("usr/bin/fusermount3", "");
        Files.setPosixFilePermissions(
                root.resolve("usr/bin/fusermount3"), PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private List<Requirement> check() {
        return Requirements.of(root, List.of(root.resolve("usr/bin").toString()))
                .requirements();
    }

    private Requirement named(String name) {
        return check().stream()
                .filter(requirement -> requirement.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    private Requirement source(String name) {
        return new SourceRequirements(root)
                .all().stream()
                        .filter(requirement -> requirement.name().equals(name))
                        .findFirst()
                        .orElseThrow();
    }

    @Test
    void aGoodMachine() {
        assertThat(check()).allMatch(requirement -> requirement.status() == Status.OK && requirement.remedy() == null);
    }

    @Test
    void thisMachine() {
        assertThat(Requirements.check()).hasSameSizeAs(check());
        assertThat(Requirements.sources()).hasSizeGreaterThanOrEqualTo(3);
    }

    @Test
    void everythingThatIsNotInOrderHasARemedy() throws IOException {
        assertThat(Requirements.of(root.resolve("empty"), List.of()).requirements())
                .filteredOn(requirement -> requirement.status() != Status.OK)
                .hasSizeGreaterThan(3)
                .allMatch(requirement -> requirement.remedy() != null);
    }

    @Test
    void noFuse() throws IOException {
        delete("dev/fuse");
        assertThat(named("/dev/fuse"))
                .returns(Status.MISSING, Requirement::status)
                .returns("not there", Requirement::finding);
        write("proc/filesystems", "\tfuseblk\nnodev\tfusectl\n");
        assertThat(named("fuse in the kernel").status()).isEqualTo(Status.MISSING);
    }

    @Test
    void aNodeThatCannotBeOpened() throws IOException {
        delete("dev/fuse");
        Files.createDirectory(root.resolve("dev/fuse"));
        assertThat(named("/dev/fuse").status()).isEqualTo(Status.MISSING);
        assertThat(named("/dev/fuse").finding()).startsWith("cannot be opened: ");
    }

    @ParameterizedTest
    @CsvSource({
        "5.15.0-91-generic, MISSING",
        "6.0.19, MISSING",
        "6.1.176, WARNING",
        "6.5.13, WARNING",
        "6.6.0, WARNING",
        "6.8.12-amzn, WARNING",
        "6.9, OK",
        "6.10.3, OK",
        "7.0.0-rc1, OK",
        "10.1, OK",
        "unknown, MISSING",
    })
    void kernels(String release, Status status) throws IOException {
        write("proc/sys/kernel/osrelease", release + "\n");
        assertThat(named("kernel")).returns(status, Requirement::status);
        assertThat(named("kernel").finding()).contains(release);
    }

    @Test
    void kernelsBuiltWithoutPassthrough() throws IOException {
        write("boot/config-6.12.1-amd64", "CONFIG_FUSE_FS=m\n# CONFIG_FUSE_PASSTHROUGH is not set\n");
        assertThat(named("kernel").status()).isEqualTo(Status.WARNING);
        try (OutputStream packed = new GZIPOutputStream(Files.newOutputStream(root.resolve("proc/config.gz")))) {
            packed.write("CONFIG_FUSE_PASSTHROUGH=y\n".getBytes(StandardCharsets.UTF_8));
        }
        assertThat(named("kernel").status()).isEqualTo(Status.OK);
        write("proc/config.gz", "not packed");
        assertThat(named("kernel").status()).isEqualTo(Status.OK);
    }

    @Test
    void withoutPrivileges() throws IOException {
        unprivileged();
        assertThat(named("privileges").status()).isEqualTo(Status.WARNING);
        assertThat(named("privileges").finding()).startsWith("no CAP_SYS_ADMIN:");
        assertThat(named("fusermount3").status()).isEqualTo(Status.MISSING);
        installFusermount();
        assertThat(named("fusermount3").status()).isEqualTo(Status.WARNING);
        write("etc/fuse.conf", "# mount_max = 1000\n#user_allow_other\n");
        assertThat(named("fusermount3").status()).isEqualTo(Status.WARNING);
        // With a comment in Latin 1.
        Files.write(
                root.resolve("etc/fuse.conf"),
                "# f\u00fcr alle\n user_allow_other \n".getBytes(java.nio.charset.StandardCharsets.ISO_8859_1));
        assertThat(named("fusermount3").status()).isEqualTo(Status.OK);
    }

    @Test
    void rootOfAUserNamespaceIsNotRoot() throws IOException {
        link("proc/self/ns/user", "user:[4026532208]");
        assertThat(named("privileges").finding()).startsWith("CAP_SYS_ADMIN in a user namespace only:");
        delete("proc/self/ns/user");
        assertThat(named("privileges").status()).isEqualTo(Status.OK); // a kernel without user namespaces
    }

    @Test
    void requestTimeouts() throws IOException {
        write("proc/sys/fs/fuse/max_request_timeout", "120\n");
        assertThat(named("request timeout"))
                .returns(Status.MISSING, Requirement::status)
                .returns(
                        "sysctl -w fs.fuse.default_request_timeout=0 fs.fuse.max_request_timeout=0",
                        Requirement::remedy);
        assertThat(named("request timeout").finding()).startsWith("fs.fuse.max_request_timeout = 120 s: ");
        write("proc/sys/fs/fuse/default_request_timeout", "60\n");
        assertThat(named("request timeout").finding())
                .startsWith("fs.fuse.default_request_timeout = 60, fs.fuse.max_request_timeout = 120 s: ");
        delete("proc/sys/fs/fuse/default_request_timeout");
        delete("proc/sys/fs/fuse/max_request_timeout");
        assertThat(named("request timeout").status()).isEqualTo(Status.OK); // kernels before 6.14
    }

    @Test
    void limits() throws IOException {
        write("proc/sys/vm/max_map_count", "1000\n");
        assertThat(named("vm.max_map_count").status()).isEqualTo(Status.WARNING);
        assertThat(named("vm.max_map_count").finding()).startsWith("1000, ");
        write("proc/self/limits", "Max open files            256    512    files\n");
        assertThat(named("descriptors"))
                .returns(Status.WARNING, Requirement::status)
                .returns("512, few for a daemon", Requirement::finding);
        write("proc/self/limits", "Max open files            1024    unlimited    files\n");
        assertThat(named("descriptors")).returns(Status.OK, Requirement::status);
    }

    @Test
    void noSource() {
        assertThat(source("vmclock").finding()).startsWith("none");
        assertThat(source("any source")).returns(Status.WARNING, Requirement::status);
        assertThat(String.valueOf(source("any source").remedy())).contains("sysgenid bump");
    }

    @Test
    void vmgenid() throws IOException {
        write("sys/bus/acpi/devices/PNP0501:00/modalias", "acpi:PNP0501:\n");
        write("sys/bus/acpi/devices/HYPR0001:00/modalias", "acpi:HYPR0001:VM_GEN_COUNTER:\n");
        assertThat(source("vmgenid"))
                .returns(Status.WARNING, Requirement::status)
                .returns(
                        "/sys/bus/acpi/devices/HYPR0001:00, but the kernel has no driver for it", Requirement::finding);
        Files.createDirectories(root.resolve("sys/bus/acpi/drivers/vmgenid"));
        write("dev/kmsg", "");
        link("sys/bus/acpi/drivers/vmgenid/module", "../../../../module/vmgenid");
        assertThat(source("vmgenid"))
                .as("it is not bound")
                .returns(Status.WARNING, Requirement::status)
                .returns(
                        "/sys/bus/acpi/devices/HYPR0001:00, but the kernel's driver does not serve it",
                        Requirement::finding);
        delete("dev/kmsg");
        link("sys/bus/acpi/drivers/vmgenid/HYPR0001:00", "../../../../devices/LNXSYSTM:00/HYPR0001:00");
        assertThat(source("vmgenid"))
                .returns(Status.WARNING, Requirement::status)
                .returns(
                        "/sys/bus/acpi/devices/HYPR0001:00, but /dev/kmsg, in which the kernel tells of it: ENOENT (No such"
                                + " file or directory)",
                        Requirement::finding);
        write("dev/kmsg", "");
        assertThat(source("vmgenid"))
                .returns(Status.OK, Requirement::status)
                .returns("/sys/bus/acpi/devices/HYPR0001:00", Requirement::finding);
        assertThat(new SourceRequirements(root).all()).hasSize(3);
    }

    @ParameterizedTest
    @CsvSource({"VMGENCTR:00, acpi", "QEMUVGID:00, acpi", "VMGENCTR:00, platform"})
    void vmgenidByItsName(String name, String bus) throws IOException {
        Files.createDirectories(root.resolve("sys/bus/" + bus + "/devices/" + name));
        assertThat(source("vmgenid").finding()).startsWith("/sys/bus/" + bus + "/devices/" + name + ", but ");
        Files.createDirectories(root.resolve("sys/bus/" + bus + "/drivers/vmgenid"));
        link("sys/bus/" + bus + "/drivers/vmgenid/" + name, "../../../../devices/platform/" + name);
        write("dev/kmsg", "");
        assertThat(source("vmgenid").finding()).isEqualTo("/sys/bus/" + bus + "/devices/" + name);
    }

    @Test
    void vmclock() throws IOException {
        Files.createDirectories(root.resolve("sys/bus/acpi/devices/AMZNC10C:00"));
        assertThat(source("vmclock"))
                .returns(Status.WARNING, Requirement::status)
                .returns("/sys/bus/acpi/devices/AMZNC10C:00, but no /dev/vmclock0", Requirement::finding);
        write("dev/vmclock0", "");
        assertThat(source("vmclock"))
                .returns(Status.OK, Requirement::status)
                .returns("/dev/vmclock0", Requirement::finding);
    }

    @Test
    void firmwareConfiguration() throws IOException {
        String guid = "sys/firmware/qemu_fw_cfg/by_name/etc/vmgenid_guid/raw";
        assertThat(source("fw_cfg").finding()).startsWith("none");
        write(guid, "x");
        assertThat(source("fw_cfg").finding()).isEqualTo("/" + guid);
    }

    @Test
    void optionsAreChecked() {
        ServeOptions defaults = ServeOptions.defaults();
        assertThat(defaults.mount().isAbsolute()).isTrue();
        assertThat(ServeOptions.userMount("/run/user/7", 7)).isEqualTo(Path.of("/run/user/7/sysgenid"));
        assertThat(ServeOptions.userMount(null, -2)).isEqualTo(Path.of("/run/user/4294967294/sysgenid"));
        assertThat(ServeOptions.userMount("relative", 7)).isEqualTo(Path.of("/run/user/7/sysgenid"));
        assertThatThrownBy(() -> new ServeOptions(Path.of("/m"), null, 01000, 0, 0, Tracking.WRITERS, Mapping.AUTO))
                .hasMessage("mode out of range: 01000");
        assertThatThrownBy(() -> new ServeOptions(Path.of("m"), null, 0666, 0, 0, Tracking.WRITERS, Mapping.AUTO))
                .hasMessage("mount is not absolute: m");
        assertThatThrownBy(
                        () -> new ServeOptions(Path.of("/m"), Path.of("d"), 0666, 0, 0, Tracking.WRITERS, Mapping.AUTO))
                .hasMessage("device is not absolute: d");
    }
}
