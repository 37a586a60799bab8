// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import dev.sysgenid.daemon.ExitCodes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The unit of this program, as systemd on this machine knows it. */
final class Service {
    private static final String UNIT = "sysgenid.service";
    private static final Path RUNNING = Path.of("run/systemd/system");

    private final Path root;

    /** In the system with that root directory. */
    Service(Path root) {
        this.root = root;
    }

    /** Whether systemd runs here, so that it can be told something. Another system's root says nothing of this one's. */
    boolean isManaged() {
        return root.equals(Path.of("/")) && Files.isDirectory(root.resolve(RUNNING));
    }

    boolean isActive() throws Failure {
        return isManaged() && systemctl("is-active", "--quiet", UNIT).code == 0;
    }

    boolean isEnabled() throws Failure {
        return isManaged() && systemctl("is-enabled", "--quiet", UNIT).code == 0;
    }

    void readUnitsAgain() throws Failure {
        if (isManaged()) {
            check("daemon-reload");
        }
    }

    /** Starts it now and at each boot; where it runs, the version that is installed now takes over. */
    void enable() throws Failure {
        boolean active = isActive();
        check("enable", "--now", UNIT);
        if (active) {
            check("restart", UNIT);
        }
    }

    void disable() throws Failure {
        check("disable", "--now", UNIT);
    }

    private static void check(String... arguments) throws Failure {
        Result result = systemctl(arguments);
        if (result.code != 0) {
            throw new Failure(
                    ExitCodes.FAILURE,
                    "systemctl " + String.join(" ", arguments) + " failed with exit code " + result.code,
                    result.said.strip());
        }
    }

    private record Result(int code, String said) {}

    private static Result systemctl(String... arguments) throws Failure {
        List<String> command = new ArrayList<>(List.of("systemctl"));
        command.addAll(List.of(arguments));
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            process.getOutputStream().close();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return new Result(process.waitFor(), said);
        } catch (IOException e) {
            throw new Failure(ExitCodes.UNAVAILABLE, "cannot run systemctl", e.toString(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Failure(ExitCodes.FAILURE, "interrupted", "", e);
        }
    }
}
