// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import dev.sysgenid.daemon.ExitCodes;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Model.OptionSpec;

/** {@code sysgenid status}: the generation, and who watches. */
final class StatusCommand extends Command {
    /** How often {@code --watch} looks whether somebody came, went or acknowledged, which no driver announces. */
    private static final int LOOK_MILLIS = 1000;

    private final DeviceOption device;
    private final OptionSpec json = flag("--json", "Print one line of JSON.");
    private final OptionSpec watch = flag("--watch", "Print again whenever something changes, until interrupted.");

    StatusCommand(Context context) {
        super(
                context,
                "status",
                "Show the generation, who watches the device, and who is late.",
                "Of a kernel driver only the generation is known, and of some the number of those who are late.");
        device = new DeviceOption(context);
        accept(device.spec(), device.domainSpec(), json, watch);
        examples(
                "sysgenid status",
                "sysgenid status --json | jq .generation",
                "sysgenid status --json | jq -r '.watchers[] | select(.outdatedMillis > 1000) | .command'");
        exitCodes(
                ExitCodes.OK, "shown",
                ExitCodes.USAGE, "a wrong command line",
                ExitCodes.UNAVAILABLE, "no device, or its daemon is gone",
                ExitCodes.NO_PERMISSION, "you may not open the device");
    }

    @Override
    int run() throws Failure {
        Path path = device.path();
        if (isSet(watch)) {
            return watch(path);
        }
        DaemonReport report = DaemonReport.read(path);
        if (report != null) {
            print(Status.of(path, report));
            return ExitCodes.OK;
        }
        try (Device opened = Device.openToLook(path, context.opener())) {
            print(ofDriver(opened));
        }
        return ExitCodes.OK;
    }

    private int watch(Path path) throws Failure {
        DaemonReport before = DaemonReport.read(path);
        long lastBefore = 0;
        if (before != null) {
            List<DaemonReport.Entry> watchers = before.watchers();
            lastBefore = watchers.isEmpty() ? 0 : watchers.getLast().id();
        }
        long self = ProcessHandle.current().pid();
        try (Device opened = Device.openToLook(path, context.opener())) {
            String shown = "";
            while (!context.out().checkError()) {
                DaemonReport report = DaemonReport.read(path);
                Status status = report == null ? ofDriver(opened) : Status.of(path, report.without(self, lastBefore));
                String text = isSet(json) ? status.json() : status.text();
                if (!text.equals(shown)) {
                    context.out().print(shown.isEmpty() || isSet(json) ? text : "\n" + text);
                    context.out().flush();
                    shown = text;
                }
                opened.awaitChange(LOOK_MILLIS);
            }
        }
        return ExitCodes.OK;
    }

    private static Status ofDriver(Device opened) throws Failure {
        int generation = opened.generation();
        return new Status(opened.path(), generation, opened.outdatedWatchers(), null);
    }

    private void print(Status status) {
        context.out().print(isSet(json) ? status.json() : status.text());
        context.out().flush();
    }
}
