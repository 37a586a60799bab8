// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import dev.sysgenid.core.Tracking;
import dev.sysgenid.daemon.Daemon;
import dev.sysgenid.daemon.ExitCodes;
import dev.sysgenid.daemon.Mapping;
import dev.sysgenid.daemon.ServeOptions;
import dev.sysgenid.daemon.SourceChoice;
import dev.sysgenid.daemon.StartException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.OptionSpec;

/** {@code sysgenid serve}: the daemon. */
final class ServeCommand extends Command {
    private static final String NONE = "none";

    private final OptionSpec mount = OptionSpec.builder("--mount")
            .type(Path.class)
            .paramLabel("DIRECTORY")
            .converters(converter(Path::of))
            .description("Where to mount. Default: " + ServeOptions.SYSTEM_MOUNT
                    + " for root, $XDG_RUNTIME_DIR/sysgenid for others.")
            .build();
    private final OptionSpec device = OptionSpec.builder("--device")
            .type(String.class)
            .paramLabel("PATH")
            .description("The symbolic link to the device that programs open, or none. Default: "
                    + ServeOptions.SYSTEM_DEVICE + " for root, none for others.")
            .build();
    private final OptionSpec mode = OptionSpec.builder("--mode")
            .type(Integer.class)
            .paramLabel("OCTAL")
            .converters(converter(ServeCommand::parseMode))
            .description("Who may open the device. Default: 0666, everyone: to watch is no privilege, to bump is one.")
            .build();
    private final OptionSpec owner = OptionSpec.builder("--owner")
            .type(Accounts.Owner.class)
            .paramLabel("USER[:GROUP]")
            .converters(converter(text -> new Accounts(Path.of("/etc/passwd"), Path.of("/etc/group")).parse(text)))
            .description("Whom the device belongs to, by names or numbers. Default: whoever runs this.")
            .build();
    private final OptionSpec tracking = OptionSpec.builder("--tracking")
            .type(Tracking.class)
            .paramLabel("writers|opt-in")
            .converters(converter(ServeCommand::parseTracking))
            .completionCandidates(List.of("writers", "opt-in"))
            .description("Whom a wait waits for: those who open the device for writing (the default), or those who ask,"
                    + " as with Amazon Linux's driver.")
            .build();
    private final OptionSpec mapping = OptionSpec.builder("--mapping")
            .type(Mapping.class)
            .paramLabel("auto|passthrough|store")
            .converters(converter(ServeCommand::parseMapping))
            .completionCandidates(List.of("auto", "passthrough", "store"))
            .description("How mmap is served: memory shared with the daemon (Linux 6.9, root), or pages that the kernel"
                    + " caches. Default: auto, the first where it can be.")
            .build();
    private final OptionSpec watchersPerUser = OptionSpec.builder("--watchers-per-user")
            .type(Integer.class)
            .paramLabel("N")
            .converters(converter(ServeCommand::parseCount))
            .description(
                    "How many open files each user may have who may not bump; further ones are refused with EMFILE."
                            + " Default: " + ServeOptions.DEFAULT_WATCHERS_PER_USER + ".")
            .build();
    private final OptionSpec noSupervise = flag(
            "--no-supervise",
            "Without the keeper that starts the daemon again when it dies. Under systemd (NOTIFY_SOCKET is set) and"
                    + " without root there is none in any case.");
    private final OptionSpec source = OptionSpec.builder("--source")
            .type(SourceChoice.class)
            .paramLabel("auto|none|NAME,...")
            .converters(converter(SourceChoice::parse))
            .completionCandidates(List.of("auto", "none", "vmclock", "vmgenid", "fw_cfg", "operator"))
            .description("What tells that the system was restored: " + String.join(", ", SourceChoice.ALL)
                    + ". Those that are named must be there. Default: auto, what there is; whoever may bump always"
                    + " can.")
            .build();
    private final OptionSpec bumpOnDisruption = flag(
            "--bump-on-disruption",
            "Bump also when VMClock tells of a disruption and not of a clone: at live migrations, and at restores by a"
                    + " hypervisor that does not count clones.");
    private final OptionSpec foreground =
            flag("--foreground", "Accepted for scripts that say so: it always runs in the foreground.");

    ServeCommand(Context context) {
        super(
                context,
                "serve",
                "Serve the device until SIGTERM or Ctrl-C.",
                "Tells systemd when it is ready (Type=notify).");
        accept(
                mount,
                device,
                mode,
                owner,
                tracking,
                mapping,
                watchersPerUser,
                source,
                bumpOnDisruption,
                noSupervise,
                foreground);
        examples(
                "sudo sysgenid serve                   /dev/sysgenid, for the machine",
                "sysgenid serve                        for oneself, through fusermount3",
                "sudo sysgenid serve --source vmgenid  fail where the kernel cannot tell of restores",
                "sysgenid serve --mount /srv/box/sysgenid --device none --tracking opt-in");
        exitCodes(
                ExitCodes.OK, "stopped by a signal, and unmounted",
                ExitCodes.FAILURE, "a system call failed",
                ExitCodes.USAGE, "a wrong command line",
                ExitCodes.UNAVAILABLE, "FUSE, a kernel feature or a chosen source is missing; see: sysgenid doctor",
                ExitCodes.CANNOT_CREATE, "a path is in use: by another daemon, a kernel driver, a file",
                ExitCodes.TAKEN_AWAY, "the mount was taken away",
                ExitCodes.NO_PERMISSION, "no permission to mount, or to make the link");
    }

    @Override
    int run() throws Failure {
        try {
            Daemon.serve(options(), context.out());
            return ExitCodes.OK;
        } catch (StartException e) {
            if (e.exitCode() == ExitCodes.HAND_OVER || e.exitCode() == ExitCodes.BEGIN_ANEW) {
                return e.exitCode(); // for the keeper
            }
            throw new Failure(e.exitCode(), String.valueOf(e.getMessage()), e.remedy(), e);
        }
    }

    ServeOptions options() {
        ServeOptions defaults = ServeOptions.defaults();
        @Nullable Path givenMount = mount.getValue();
        @Nullable Integer givenMode = mode.getValue();
        Accounts.@Nullable Owner givenOwner = owner.getValue();
        @Nullable Tracking givenTracking = tracking.getValue();
        @Nullable Mapping givenMapping = mapping.getValue();
        @Nullable Integer givenWatchers = watchersPerUser.getValue();
        @Nullable SourceChoice givenSource = source.getValue();
        SourceChoice sources = givenSource == null ? defaults.sources() : givenSource;
        return new ServeOptions(
                givenMount == null ? defaults.mount() : absolute(givenMount),
                device(defaults.device()),
                givenMode == null ? defaults.mode() : givenMode,
                givenOwner == null ? defaults.uid() : givenOwner.uid(),
                givenOwner == null ? defaults.gid() : givenOwner.gid(),
                givenTracking == null ? defaults.tracking() : givenTracking,
                givenMapping == null ? defaults.mapping() : givenMapping,
                givenWatchers == null ? defaults.watchersPerUser() : givenWatchers,
                new SourceChoice(sources.names(), isSet(bumpOnDisruption)));
    }

    private @Nullable Path device(@Nullable Path otherwise) {
        @Nullable String given = device.getValue();
        if (given == null) {
            return otherwise;
        }
        if (given.isEmpty()) {
            throw usageError("--device wants a path, or " + NONE);
        }
        return given.equals(NONE) ? null : absolute(Path.of(given));
    }

    private static Path absolute(Path path) {
        return path.toAbsolutePath().normalize();
    }

    private static int parseMode(String text) {
        try {
            int mode = Integer.parseUnsignedInt(text, 8);
            if ((mode & ~0777) == 0) {
                return mode;
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        throw new IllegalArgumentException("'" + text + "' is not an octal mode from 0 to 777, as in 0660");
    }

    private static int parseCount(String text) {
        try {
            int count = Integer.parseInt(text);
            if (count > 0) {
                return count;
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        throw new IllegalArgumentException("'" + text + "' is not a number of files, as in 1000");
    }

    private static Tracking parseTracking(String text) {
        return switch (text) {
            case "writers" -> Tracking.WRITERS;
            case "opt-in" -> Tracking.OPT_IN;
            default -> throw new IllegalArgumentException("'" + text + "' is neither writers nor opt-in");
        };
    }

    private static Mapping parseMapping(String text) {
        return switch (text) {
            case "auto" -> Mapping.AUTO;
            case "passthrough" -> Mapping.PASSTHROUGH;
            case "store" -> Mapping.STORE;
            default -> throw new IllegalArgumentException("'" + text + "' is neither auto, passthrough nor store");
        };
    }
}
