// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.criu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.it.Child;
import dev.sysgenid.it.ServedDevice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;

/** The hook, installed below a directory by the program itself. */
final class Hook {
    private Hook() {}

    /**
     * Installs it, and returns the action script.
     *
     * @param root below which {@code etc/criu} is made
     * @param device the device that it bumps
     */
    static Path install(Path root, Path device) throws IOException {
        List<String> install = new ArrayList<>(List.of("hook", "install", "criu", "--root", root.toString()));
        install.addAll(List.of(
                "--device", device.toString(), "--command", launcher(root).toString()));
        Child.Ended installed = ServedDevice.runCommand(install);
        assertThat(installed.status()).as(installed.output()).isZero();
        Path script = root.resolve("etc/criu/sysgenid-hook");
        assertThat(installed.output()).contains("written    " + script);
        return script;
    }

    /** In a directory, what the launcher is elsewhere. */
    static Path launcher(Path directory) throws IOException {
        Path launcher = directory.resolve("sysgenid");
        List<String> program = ServedDevice.command(List.of());
        Files.writeString(launcher, "#!/bin/sh\nexec " + Criu.quoted(program) + " \"$@\"\n");
        Files.setPosixFilePermissions(launcher, PosixFilePermissions.fromString("rwxr-xr-x"));
        return launcher;
    }
}
