// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import dev.sysgenid.daemon.ExitCodes;
import dev.sysgenid.daemon.Requirements;
import dev.sysgenid.daemon.Requirements.Requirement;
import dev.sysgenid.daemon.SourceChoice;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code sysgenid doctor}: what this machine needs to serve the device, and what it has. */
final class DoctorCommand extends Command {
    private final DeviceOption device;

    DoctorCommand(Context context) {
        super(
                context,
                "doctor",
                "Check what this machine needs to serve the device, and say what to do.",
                "Nothing is changed.");
        device = new DeviceOption(context);
        accept(device.spec(), device.domainSpec());
        examples("sysgenid doctor", "sudo sysgenid doctor                  as the daemon would see it");
        exitCodes(
                ExitCodes.OK, "the device can be served, or is",
                ExitCodes.USAGE, "a wrong command line",
                ExitCodes.UNAVAILABLE, "it cannot; what is missing is shown with its remedy");
    }

    @Override
    int run() {
        List<Requirement> found = new ArrayList<>(Requirements.check());
        found.add(whatIsThere());
        found.addAll(sources(Requirements.sources(), sourcesOfDaemon()));
        context.out().print(text(found));
        context.out().flush();
        return missing(found) == 0 ? ExitCodes.OK : ExitCodes.UNAVAILABLE;
    }

    private Requirement whatIsThere() {
        String name = "device";
        Path path = device.path();
        try {
            DaemonReport report = DaemonReport.read(path);
            if (report != null) {
                String count = report.watchers().size() == 1
                        ? "1 watcher"
                        : report.watchers().size() + " watchers";
                return new Requirement(
                        name,
                        Requirements.Status.OK,
                        path + " is served by a daemon: generation " + Device.show(report.generation()) + ", " + count,
                        null);
            }
            try (Device opened = Device.openToLook(path, context.opener())) {
                return new Requirement(
                        name,
                        Requirements.Status.OK,
                        path + " is served by the kernel: generation " + Device.show(opened.generation())
                                + "; no daemon is needed",
                        null);
            }
        } catch (Failure e) {
            boolean free = Files.notExists(path, LinkOption.NOFOLLOW_LINKS) || Files.isSymbolicLink(path);
            return new Requirement(
                    name,
                    free ? Requirements.Status.OK : Requirements.Status.WARNING,
                    String.valueOf(e.getMessage()),
                    e.remedy());
        }
    }

    /** What the daemon of this machine says of its sources; nothing when there is none. */
    private List<DaemonReport.SourceEntry> sourcesOfDaemon() {
        try {
            DaemonReport report = DaemonReport.read(device.machine());
            return report == null ? List.of() : report.sources();
        } catch (Failure e) {
            return List.of(); // told of the device
        }
    }

    /** What this machine has, and what a daemon that runs makes of it. */
    static List<Requirement> sources(List<Requirement> here, List<DaemonReport.SourceEntry> daemon) {
        List<Requirement> found = new ArrayList<>();
        boolean used = daemon.isEmpty();
        for (DaemonReport.SourceEntry entry : daemon) {
            used |= !entry.state().equals("off");
        }
        boolean warned = false;
        for (Requirement source : here) {
            DaemonReport.@Nullable SourceEntry entry = null;
            for (DaemonReport.SourceEntry each : daemon) {
                entry = each.name().equals(source.name()) ? each : entry;
            }
            // Who looks may have less rights than the daemon, so the daemon is believed.
            if (entry == null || (entry.state().equals("off") && !Requirements.isThere(source))) {
                found.add(source);
                warned |= !SourceChoice.ALL.contains(source.name());
            } else {
                found.add(asUsed(source, entry));
            }
        }
        found.add(
                used || warned
                        ? new Requirement(
                                SourceChoice.OPERATOR, Requirements.Status.OK, "can always bump: sysgenid bump", null)
                        : new Requirement(
                                SourceChoice.OPERATOR,
                                Requirements.Status.WARNING,
                                "the only one to tell the running daemon of restores",
                                "let whatever restores this machine run: sysgenid bump\n"
                                        + "or start the daemon without --source"));
        return found;
    }

    private static Requirement asUsed(Requirement source, DaemonReport.SourceEntry entry) {
        String name = source.name();
        String where = Requirements.isThere(source) ? source.finding() : entry.detail();
        return switch (entry.state()) {
            case "active" ->
                new Requirement(name, Requirements.Status.OK, where + ", and the running daemon uses it", null);
            case "lost" ->
                new Requirement(
                        name,
                        Requirements.Status.WARNING,
                        "the running daemon uses it, and has lost it: " + entry.detail(),
                        "it goes on trying");
            default -> {
                boolean wanted = entry.detail().equals(SourceChoice.NOT_CHOSEN)
                        || entry.detail().equals(SourceChoice.NOT_NEEDED);
                yield new Requirement(
                        name,
                        wanted ? Requirements.Status.OK : Requirements.Status.WARNING,
                        where + ", but the running daemon does not use it: " + entry.detail(),
                        wanted ? null : "its log may say more");
            }
        };
    }

    private static int missing(List<Requirement> found) {
        int missing = 0;
        for (Requirement requirement : found) {
            missing += requirement.status() == Requirements.Status.MISSING ? 1 : 0;
        }
        return missing;
    }

    static String text(List<Requirement> found) {
        int width = 0;
        for (Requirement requirement : found) {
            width = Math.max(width, requirement.name().length());
        }
        StringBuilder text = new StringBuilder();
        for (Requirement requirement : found) {
            text.append(
                    switch (requirement.status()) {
                        case OK -> "ok       ";
                        case WARNING -> "warning  ";
                        case MISSING -> "MISSING  ";
                    });
            text.append(requirement.name())
                    .repeat(' ', width - requirement.name().length());
            text.append("  ").append(requirement.finding()).append('\n');
            String remedy = requirement.remedy();
            if (remedy != null && !remedy.isEmpty()) {
                String indent = " ".repeat("warning  ".length() + width + 2) + "-> ";
                text.append(indent).append(remedy.replace("\n", "\n" + indent)).append('\n');
            }
        }
        int missing = missing(found);
        text.append(
                missing == 0
                        ? "\nThe device can be served here.\n"
                        : "\nThe device cannot be served here: " + missing + " missing.\n");
        return text.toString();
    }
}
