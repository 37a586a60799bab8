// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What is known of a device at one moment, and how it is shown.
 *
 * @param path as the user named it
 * @param generation unsigned
 * @param outdated how many tracked watchers are outdated; -1 when the driver does not tell
 * @param report what our daemon tells; null with a kernel driver
 */
record Status(
        Path path, int generation, int outdated, @Nullable DaemonReport report) {
    static Status of(Path path, DaemonReport report) {
        return new Status(path, report.generation(), report.late().size(), report);
    }

    boolean isSomebodyLate() {
        return outdated > 0;
    }

    /** For people: several lines. */
    String text() {
        StringBuilder text = new StringBuilder();
        text.append("device      ").append(path);
        if (report == null) {
            text.append(", of the kernel's driver");
        } else if (!report.device().equals(path)) {
            text.append(" -> ").append(report.device());
        }
        text.append("\ngeneration  ").append(Device.show(generation));
        if (report == null) {
            String count = outdated < 0 ? "unknown: this driver does not tell" : Integer.toString(outdated);
            return text.append("\noutdated    ").append(count).append('\n').toString();
        }
        for (DaemonReport.SourceEntry source : report.sources()) {
            text.append(source.equals(report.sources().getFirst()) ? "\nsources     " : "\n            ");
            text.append(source.name())
                    .append(": ")
                    .append(source.state())
                    .append(", ")
                    .append(source.detail());
            if (source.restores() > 0) {
                text.append("; restores: ").append(source.restores());
            }
        }
        if (report.pagesMended() > 0) {
            text.append("\nself-check  ").append(report.pagesMended());
            text.append(" pages did not show the generation, and were mended");
        }
        text.append("\nwatchers    ").append(report.watchers().size());
        text.append(", ").append(report.tracked()).append(" tracked");
        text.append(", ").append(outdated).append(" late\n");
        if (!report.watchers().isEmpty()) {
            Table table = new Table().row("ID", "PID", "UID", "ACCESS", "TRACKED", "ACKED", "OUTDATED", "COMMAND");
            for (DaemonReport.Entry entry : report.watchers()) {
                table.row(
                        Long.toString(entry.id()),
                        entry.pid() == 0 ? "?" : Long.toString(entry.pid()),
                        Long.toString(entry.uid()),
                        entry.access(),
                        entry.tracked() ? "yes" : "no",
                        Device.show(entry.acknowledged()),
                        entry.outdatedMillis() < 0 ? "-" : Durations.rough(entry.outdatedMillis()),
                        entry.command());
            }
            text.append('\n').append(table);
        }
        return text.toString();
    }

    /** For programs: one line. The names are documented in sysgenid(1) and only ever added to. */
    String json() {
        Json json = new Json().object();
        json.key("device").value(path.toString());
        json.key("server").value(report == null ? "kernel" : "daemon");
        json.key("generation").value(Integer.toUnsignedLong(generation));
        json.key("outdated");
        if (outdated < 0) {
            json.nothing();
        } else {
            json.value(outdated);
        }
        if (report != null) {
            json.key("resolved").value(report.device().toString());
            json.key("tracked").value(report.tracked());
            json.key("pagesMended");
            if (report.pagesMended() < 0) {
                json.nothing();
            } else {
                json.value(report.pagesMended());
            }
            json.key("sources").array();
            for (DaemonReport.SourceEntry source : report.sources()) {
                json.object();
                json.key("name").value(source.name());
                json.key("state").value(source.state());
                json.key("restores").value(source.restores());
                json.key("detail").value(source.detail());
                json.endObject();
            }
            json.endArray();
            json.key("watchers").array();
            for (DaemonReport.Entry entry : report.watchers()) {
                json.object();
                json.key("id").value(entry.id());
                json.key("pid");
                if (entry.pid() == 0) {
                    json.nothing();
                } else {
                    json.value(entry.pid());
                }
                json.key("uid").value(entry.uid());
                json.key("access").value(entry.access());
                json.key("tracked").value(entry.tracked());
                json.key("acknowledged").value(Integer.toUnsignedLong(entry.acknowledged()));
                json.key("outdatedMillis");
                if (entry.outdatedMillis() < 0) {
                    json.nothing();
                } else {
                    json.value(entry.outdatedMillis());
                }
                json.key("command").value(entry.command());
                json.endObject();
            }
            json.endArray();
        }
        return json.endObject().toString() + "\n";
    }
}
