// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import dev.sysgenid.daemon.ExitCodes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What our daemon tells of itself in the files beside the device. A kernel driver has no such files.
 *
 * @param device the device itself, where no symbolic link leads on
 * @param generation the current generation, unsigned
 * @param watchers all that have the device open, in order of opening
 * @param sources what tells the daemon of restores, and what does not; empty where the daemon does not say
 * @param pagesMended how many pages the daemon has found not to show the generation; -1 where it does not say
 */
record DaemonReport(Path device, int generation, List<Entry> watchers, List<SourceEntry> sources, long pagesMended) {
    private static final int MAX_LINKS = 40;
    private static final int MAX_READINGS = 5;

    /**
     * One watcher.
     *
     * @param id its number in order of opening
     * @param pid 0 when the daemon cannot see the process
     * @param access "rw" or "r"
     * @param tracked whether others wait for it
     * @param acknowledged the generation it acknowledged last, unsigned
     * @param outdatedMillis how long it has been outdated; -1 when it is up to date
     * @param command what runs in the process
     */
    record Entry(
            long id,
            long pid,
            long uid,
            String access,
            boolean tracked,
            int acknowledged,
            long outdatedMillis,
            String command) {
        /** Whether others wait for it now. */
        boolean isLate() {
            return tracked && outdatedMillis >= 0;
        }
    }

    /**
     * One source.
     *
     * @param state "active", "lost" or "off"
     * @param restores how many it has told of
     * @param detail what it watches, or why there is none
     */
    record SourceEntry(String name, String state, long restores, String detail) {}

    /**
     * Reads the report. The device is not opened, so nobody is disturbed.
     *
     * @return null when there is no daemon's report beside the device: a kernel driver serves it, or nobody, or
     *     something else is at the path
     */
    static @Nullable DaemonReport read(Path path) throws Failure {
        Path device = follow(path);
        Path generationFile = device.resolveSibling("generation");
        Path watchersFile = device.resolveSibling("watchers");
        try {
            String generation = Files.readString(generationFile).strip();
            List<String> watchers = lines(watchersFile);
            // One consistent view: both files as they were between two readings of the same generation.
            for (int readings = 1; readings < MAX_READINGS; readings++) {
                String again = Files.readString(generationFile).strip();
                if (again.equals(generation)) {
                    break;
                }
                generation = again;
                watchers = lines(watchersFile);
            }
            return new DaemonReport(
                    device,
                    Integer.parseUnsignedInt(generation),
                    parse(watchers),
                    sources(device),
                    pagesMended(device));
        } catch (IOException e) {
            return null; // opening the device will tell why
        } catch (IllegalArgumentException e) {
            throw new Failure(
                    ExitCodes.FAILURE,
                    "cannot understand " + watchersFile + ": " + e.getMessage(),
                    "are this command and the daemon of the same version?",
                    e);
        }
    }

    /** Those that others wait for now. */
    List<Entry> late() {
        List<Entry> late = new ArrayList<>();
        for (Entry entry : watchers) {
            if (entry.isLate()) {
                late.add(entry);
            }
        }
        return late;
    }

    int tracked() {
        int tracked = 0;
        for (Entry entry : watchers) {
            tracked += entry.tracked() ? 1 : 0;
        }
        return tracked;
    }

    /** Without those that {@code pid} opened after the watcher {@code id}: this process's own look. */
    DaemonReport without(long pid, long id) {
        List<Entry> others = new ArrayList<>(watchers.size());
        for (Entry entry : watchers) {
            if (entry.pid() != pid || entry.id() <= id || entry.tracked()) {
                others.add(entry);
            }
        }
        return new DaemonReport(device, generation, others, sources, pagesMended);
    }

    /** Where the last symbolic link leads: by names alone, as a file system without a server answers nothing else. */
    static Path follow(Path path) {
        Path at = path.toAbsolutePath();
        try {
            for (int links = 0; links < MAX_LINKS && Files.isSymbolicLink(at); links++) {
                at = at.resolveSibling(Files.readSymbolicLink(at));
            }
        } catch (IOException e) {
            return at; // it went away meanwhile
        }
        return at.normalize();
    }

    /** Names in it are those that processes give themselves. */
    private static List<String> lines(Path file) throws IOException {
        List<String> lines = Files.readAllLines(file);
        lines.replaceAll(Printable::of);
        return lines;
    }

    /** Columns are found by their names, so a later daemon may have more of them. The last one may hold spaces. */
    private static List<Entry> parse(List<String> lines) {
        if (lines.isEmpty()) {
            throw new IllegalArgumentException("it is empty");
        }
        List<String> columns = split(lines.getFirst(), Integer.MAX_VALUE);
        List<Entry> entries = new ArrayList<>(lines.size() - 1);
        for (String line : lines.subList(1, lines.size())) {
            List<String> fields = split(line, columns.size());
            if (fields.size() != columns.size()) {
                throw new IllegalArgumentException("'" + line + "' has not the columns of the header");
            }
            String late = field(columns, fields, "OUTDATED_MS");
            entries.add(new Entry(
                    Long.parseLong(field(columns, fields, "ID")),
                    Long.parseLong(field(columns, fields, "PID")),
                    Long.parseLong(field(columns, fields, "UID")),
                    field(columns, fields, "ACCESS"),
                    field(columns, fields, "TRACKED").equals("yes"),
                    Integer.parseUnsignedInt(field(columns, fields, "ACKED")),
                    late.equals("-") ? -1 : Long.parseLong(late),
                    field(columns, fields, "COMMAND")));
        }
        return entries;
    }

    private static long pagesMended(Path device) {
        try {
            for (String line : Files.readAllLines(device.resolveSibling("health"))) {
                if (line.startsWith("pages-mended ")) {
                    return Long.parseLong(line.substring(line.indexOf(' ') + 1));
                }
            }
        } catch (IOException e) {
            // An older daemon.
        }
        return -1;
    }

    private static List<SourceEntry> sources(Path device) {
        List<String> lines;
        try {
            lines = lines(device.resolveSibling("sources"));
        } catch (IOException e) {
            return List.of(); // an older daemon
        }
        List<String> columns = split(lines.isEmpty() ? "" : lines.getFirst(), Integer.MAX_VALUE);
        List<SourceEntry> entries = new ArrayList<>();
        for (String line : lines.subList(Math.min(1, lines.size()), lines.size())) {
            List<String> fields = split(line, columns.size());
            entries.add(new SourceEntry(
                    field(columns, fields, "SOURCE"),
                    field(columns, fields, "STATE"),
                    Long.parseLong(field(columns, fields, "RESTORES")),
                    field(columns, fields, "DETAIL")));
        }
        return entries;
    }

    private static String field(List<String> columns, List<String> fields, String name) {
        int index = columns.indexOf(name);
        if (index < 0 || index >= fields.size()) {
            throw new IllegalArgumentException("it has no column " + name);
        }
        return fields.get(index);
    }

    private static List<String> split(String line, int limit) {
        List<String> fields = new ArrayList<>();
        int start = 0;
        for (int space = line.indexOf(' '); space >= 0 && fields.size() < limit - 1; space = line.indexOf(' ', start)) {
            fields.add(line.substring(start, space));
            start = space + 1;
        }
        fields.add(line.substring(start));
        return fields;
    }
}
