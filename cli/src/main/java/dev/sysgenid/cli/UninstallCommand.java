// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import dev.sysgenid.daemon.ExitCodes;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Model.OptionSpec;

/** {@code sysgenid uninstall}: takes away what {@code install} has written. */
final class UninstallCommand extends Command {
    private final OptionSpec prefix = new InstallCommand.OptionSpecs().prefix();
    private final OptionSpec root = new InstallCommand.OptionSpecs().root();
    private final OptionSpec dryRun = flag("--dry-run", "Say what would be removed, and remove nothing.");
    private final OptionSpec now = flag("--now", "Stop and disable the service first.");

    UninstallCommand(Context context) {
        super(
                context,
                "uninstall",
                "Take away what sysgenid install has written.",
                "Files that were changed since stay. So does everything, while the service is",
                "enabled or runs, unless --now stops it.");
        accept(prefix, root, dryRun, now);
        examples("sudo sysgenid uninstall --dry-run", "sudo sysgenid uninstall --now");
        exitCodes(
                ExitCodes.OK, "it is gone",
                ExitCodes.FAILURE, "systemctl has failed",
                ExitCodes.USAGE, "a wrong command line; nothing was done",
                ExitCodes.UNAVAILABLE, "nothing was installed there by sysgenid install",
                ExitCodes.CANNOT_CREATE, "the service is in use, or a file cannot be removed",
                ExitCodes.NO_PERMISSION, "you may not do this: be root");
    }

    @Override
    int run() throws Failure {
        Path system = InstallCommand.OptionSpecs.valueOf(root, "/");
        Path below = InstallCommand.OptionSpecs.valueOf(prefix, "/usr/local");
        boolean dry = isSet(dryRun);
        Installation installation = new Installation(system, below, dry, context.out());
        if (!installation.isThere()) {
            throw new Failure(
                    ExitCodes.UNAVAILABLE,
                    "nothing was installed at " + below + " by sysgenid install",
                    "say where with --prefix; a package is removed by its package manager");
        }
        Service service = new Service(system);
        if (service.isActive() || service.isEnabled()) {
            if (!isSet(now)) {
                throw new Failure(
                        ExitCodes.CANNOT_CREATE,
                        "the service is in use",
                        "systemctl disable --now sysgenid, or say --now here; whoever has the device open loses it");
            }
            if (!dry) {
                service.disable();
            }
        }
        // A hook that calls what is gone would abort each restore.
        for (String target : List.of("criu", "podman")) {
            HookFiles hooks = HookFiles.of(target, system, dry, context.out());
            if (hooks != null && hooks.calls(installation.launcher())) {
                hooks.uninstall();
            }
        }
        installation.remove();
        if (!dry) {
            service.readUnitsAgain();
        }
        context.out().flush();
        return ExitCodes.OK;
    }
}
