// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** The subcommands by name. Making one loads its class; the names alone load none. */
final class Commands {
    /** All names, in the order of the help. */
    static final List<String> NAMES = List.of(
            "serve",
            "status",
            "bump",
            "wait",
            "watch",
            "domain",
            "hook",
            "attach",
            "upgrade",
            "install",
            "uninstall",
            "doctor",
            "completion",
            "help");

    private Commands() {}

    /** The command of that name, or null when there is none. */
    static @Nullable Command make(String name, Context context) {
        return switch (name) {
            case "serve" -> new ServeCommand(context);
            case "status" -> new StatusCommand(context);
            case "bump" -> new BumpCommand(context);
            case "wait" -> new WaitCommand(context);
            case "watch" -> new WatchCommand(context);
            case "domain" -> new DomainCommand(context);
            case "hook" -> new HookCommand(context);
            case "attach" -> new AttachCommand(context);
            case "upgrade" -> new UpgradeCommand(context);
            case "install" -> new InstallCommand(context);
            case "uninstall" -> new UninstallCommand(context);
            case "doctor" -> new DoctorCommand(context);
            case "completion" -> new CompletionCommand(context);
            case "help" -> new HelpCommand(context);
            default -> null;
        };
    }
}
