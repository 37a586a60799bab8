// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import dev.sysgenid.daemon.ExitCodes;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.OptionSpec;

/** {@code sysgenid bump}: tells everybody that the system was restored. */
final class BumpCommand extends Command {
    private final DeviceOption device;
    private final Acknowledgements acknowledgements;
    private final OptionSpec minimum = OptionSpec.builder("--min-gen")
            .type(Integer.class)
            .paramLabel("N")
            .converters(converter(BumpCommand::parseGeneration))
            .description("Make the new generation at least N, from 0 to 4294967295.")
            .build();
    private final OptionSpec wait =
            flag("--wait", "Then wait until every tracked watcher has acknowledged the new generation.");

    BumpCommand(Context context) {
        super(
                context,
                "bump",
                "Change the generation, and print the new one.",
                "Every program that watches the device learns that the system was restored.");
        device = new DeviceOption(context);
        acknowledgements = new Acknowledgements(context);
        accept(device.spec(), device.domainSpec(), minimum, wait, acknowledgements.timeoutOption());
        examples(
                "sysgenid bump                         after restoring a snapshot",
                "sysgenid bump --wait --timeout 10s    and hold until all programs are ready");
        exitCodes(
                ExitCodes.OK, "done; with --wait, and acknowledged by all",
                ExitCodes.USAGE, "a wrong command line; nothing was done",
                ExitCodes.UNAVAILABLE, "no device, or its daemon is gone",
                ExitCodes.NO_PERMISSION, "you may not bump",
                ExitCodes.TIMEOUT, "bumped, but somebody is late; standard error tells who");
    }

    @Override
    int run() throws Failure {
        if (acknowledgements.hasTimeout() && !isSet(wait)) {
            throw usageError("--timeout is for waiting: add --wait");
        }
        @Nullable Integer atLeast = minimum.getValue();
        try (Device opened = Device.open(device.path(), context.opener())) {
            int generation = opened.bump(atLeast == null ? 0 : atLeast);
            context.out().println(Device.show(generation));
            context.out().flush();
            if (isSet(wait)) {
                acknowledgements.await(opened);
            }
        }
        return ExitCodes.OK;
    }

    private static int parseGeneration(String text) {
        try {
            return Integer.parseUnsignedInt(text);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("'" + text + "' is not a number from 0 to 4294967295", e);
        }
    }
}
