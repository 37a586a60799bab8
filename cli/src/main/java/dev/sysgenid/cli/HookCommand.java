// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import dev.sysgenid.daemon.ExitCodes;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code sysgenid hook}: what CRIU calls at a restore, and the configuration that makes it call. */
final class HookCommand extends Command {
    /** The property by which the launcher says where it is. */
    static final String LAUNCHER = "sysgenid.launcher";

    private final DeviceOption device;
    private final PositionalParamSpec action = PositionalParamSpec.builder()
            .index("0")
            .type(String.class)
            .paramLabel("ACTION")
            .arity("1")
            .required(true)
            .description("criu: the hook itself. install, uninstall: its configuration.")
            .build();
    private final PositionalParamSpec target = PositionalParamSpec.builder()
            .index("1")
            .type(String.class)
            .paramLabel("TARGET")
            .arity("0..1")
            .description("For install and uninstall: criu, runc or podman.")
            .build();
    private final OptionSpec allowMissing =
            flag("--allow-missing", "Let a restore go on where there is no device, or its", "daemon is gone.");
    private final OptionSpec dryRun = flag("--dry-run", "Say what would be written, and write nothing.");
    private final OptionSpec root = OptionSpec.builder("--root")
            .type(Path.class)
            .paramLabel("DIR")
            .converters(converter(Path::of))
            .description("The root of the system to configure. Default: /.")
            .build();
    private final OptionSpec command = OptionSpec.builder("--command")
            .type(Path.class)
            .paramLabel("PATH")
            .converters(converter(Path::of))
            .description("The sysgenid that the hook runs. Default: this one.")
            .build();

    HookCommand(Context context) {
        super(
                context,
                "hook",
                "Bump when CRIU restores a process or a container.",
                "Once installed, CRIU calls the hook at each dump and each restore. A dump",
                "notes the generation beside its images; a restore bumps above it before any",
                "restored process runs, and is aborted when that cannot be done.",
                "A container that sees the device of a domain only has that one bumped.");
        device = new DeviceOption(context);
        spec().addPositional(action);
        spec().addPositional(target);
        accept(device.spec(), device.domainSpec(), allowMissing, dryRun, root, command);
        examples(
                "sudo sysgenid hook install runc       every restore by runc, podman's too",
                "sudo sysgenid hook install criu --dry-run",
                "sudo sysgenid hook uninstall runc",
                "criu restore -D IMAGES --action-script 'sysgenid hook criu'");
        exitCodes(
                ExitCodes.OK, "done, or nothing to do at this stage of CRIU's",
                ExitCodes.FAILURE, "the note beside the images makes no sense",
                ExitCodes.USAGE, "a wrong command line; nothing was done",
                ExitCodes.UNAVAILABLE, "no device, or its daemon is gone: restore aborted",
                ExitCodes.CANNOT_CREATE, "a file cannot be written, or is somebody else's",
                ExitCodes.NO_PERMISSION, "you may not do this");
    }

    @Override
    int run() throws Failure {
        String wanted = action.<String>getValue();
        boolean hook = wanted.equals("criu");
        if (!hook && !wanted.equals("install") && !wanted.equals("uninstall")) {
            throw usageError("'" + wanted + "' is neither criu, install nor uninstall");
        }
        @Nullable String name = target.getValue();
        @Nullable Path otherRoot = root.getValue();
        @Nullable Path launcher = command.getValue();
        if (hook) {
            if (name != null || isSet(dryRun) || otherRoot != null || launcher != null) {
                throw usageError("hook criu takes --device, --domain and --allow-missing only");
            }
            return criu();
        }
        if (device.domain() != null) {
            throw usageError("--domain is for hook criu; what is installed finds the domain by itself");
        }
        if (name == null) {
            throw usageError("hook " + wanted + " what: criu, runc or podman?");
        }
        HookFiles files =
                HookFiles.of(name, otherRoot == null ? Path.of("/") : otherRoot, isSet(dryRun), context.out());
        if (files == null) {
            throw usageError("'" + name + "' is neither criu, runc nor podman");
        }
        if (wanted.equals("install")) {
            files.install(launcher == null ? thisLauncher() : launcher, device.path(), isSet(allowMissing));
        } else {
            files.uninstall();
        }
        context.out().flush();
        return ExitCodes.OK;
    }

    private Path thisLauncher() {
        String path = System.getProperty(LAUNCHER);
        if (path == null) {
            throw usageError("not started by the sysgenid script, so say where that is: --command PATH");
        }
        return Path.of(path);
    }

    private int criu() throws Failure {
        String stage = context.environment().get("CRTOOLS_SCRIPT_ACTION");
        if (stage == null) {
            throw usageError("CRIU calls this, with CRTOOLS_SCRIPT_ACTION; you want: hook install");
        }
        return new CriuHook(context, device.machine(), device.domain(), isSet(allowMissing)).run(stage);
    }
}
