// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import dev.sysgenid.daemon.ExitCodes;
import dev.sysgenid.daemon.ServeOptions;
import dev.sysgenid.daemon.StartException;
import dev.sysgenid.daemon.Upgrade;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.OptionSpec;

/** {@code sysgenid upgrade}: lets the daemon hand over to the program as it is now. */
final class UpgradeCommand extends Command {
    private static final long LIMIT_MILLIS = 60_000;

    private final OptionSpec mount = OptionSpec.builder("--mount")
            .type(Path.class)
            .paramLabel("DIRECTORY")
            .converters(converter(Path::of))
            .description("Where the daemon serves. Default: as for sysgenid serve.")
            .build();

    UpgradeCommand(Context context) {
        super(
                context,
                "upgrade",
                "Let another daemon take over, of the version that is installed now.",
                "Whoever has the device open keeps it, and notices no more than a pause.");
        accept(mount);
        examples("sudo sysgenid upgrade    after a new version was installed");
        exitCodes(
                ExitCodes.OK, "the next daemon serves",
                ExitCodes.FAILURE, "a system call failed",
                ExitCodes.USAGE, "a wrong command line",
                ExitCodes.UNAVAILABLE, "there is no daemon, or nobody who would start another one",
                ExitCodes.NO_PERMISSION, "not the daemon's user",
                ExitCodes.TIMEOUT, "no daemon has taken over within a minute");
    }

    @Override
    int run() throws Failure {
        @Nullable Path given = mount.getValue();
        Path directory = given == null
                ? ServeOptions.defaults().mount()
                : given.toAbsolutePath().normalize();
        try {
            int pid = Upgrade.handOver(directory, LIMIT_MILLIS);
            context.out().println("process " + pid + " serves " + directory);
            return ExitCodes.OK;
        } catch (StartException e) {
            throw new Failure(e.exitCode(), String.valueOf(e.getMessage()), e.remedy(), e);
        }
    }
}
