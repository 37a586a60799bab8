// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import dev.sysgenid.daemon.ExitCodes;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The files of an installed program below one prefix, and the note of what was written there: with it, what is not
 * ours, or was changed by somebody, is told from what is.
 *
 * <p>Each file is replaced in one step, so a daemon that runs keeps the old one and nobody reads half of one.
 */
final class Installation {
    /** What the program makes for itself in {@link Payload#LIB}, beside what is installed. */
    private static final List<String> GENERATED = List.of("lib/sysgenid.aot", "lib/sysgenid.java");

    private static final String NOTE = "installed";
    private static final String HEAD = "# Written by: sysgenid install. What is here it may replace, and takes away.";

    private final Path root;
    private final Path prefix;
    private final boolean dryRun;
    private final PrintStream out;

    /**
     * An installation, which may not be there yet.
     *
     * @param root the directory that is the root of the system
     * @param prefix below which it is, absolute, as that system sees it
     * @param dryRun whether nothing is to be written
     * @param out told what is written
     */
    Installation(Path root, Path prefix, boolean dryRun, PrintStream out) {
        this.root = root;
        this.prefix = prefix;
        this.dryRun = dryRun;
        this.out = out;
    }

    /** The launcher, as that system sees it. */
    Path launcher() {
        return prefix.resolve(Payload.LIB).resolve("sysgenid");
    }

    private Path home() {
        return inRoot(prefix.resolve(Payload.LIB));
    }

    private Path inRoot(Path path) {
        return root.resolve(path.toString().substring(1));
    }

    boolean isThere() {
        return Files.isReadable(home().resolve(NOTE));
    }

    /**
     * Writes what differs, and removes what an earlier version had and this one has not.
     *
     * @param force also over files that it did not write
     * @throws Failure before anything is written, when there are such files
     */
    void write(Map<Path, PayloadFile> payload, boolean force) throws Failure {
        Map<Path, String> noted = noted();
        Map<Path, PayloadFile> fresh = new LinkedHashMap<>();
        Map<Path, String> note = new LinkedHashMap<>();
        List<Path> foreign = new ArrayList<>();
        for (Map.Entry<Path, PayloadFile> entry : payload.entrySet()) {
            Path file = entry.getKey();
            String wanted = fingerprint(entry.getValue(), file);
            note.put(file, wanted);
            @Nullable String found = fingerprint(inRoot(file));
            if (!wanted.equals(found)) {
                fresh.put(file, entry.getValue());
            }
            if (found != null && !found.equals(wanted) && !found.equals(noted.get(file))) {
                foreign.add(file);
            }
        }
        if (!foreign.isEmpty() && !force) {
            throw new Failure(
                    ExitCodes.CANNOT_CREATE,
                    inRoot(foreign.getFirst()) + " is not what this program wrote"
                            + (foreign.size() == 1 ? "" : ", nor are " + (foreign.size() - 1) + " other files"),
                    "move it away, or replace it with --force; a package is upgraded by its package manager");
        }
        Report report = new Report();
        payload.forEach((file, item) -> report.add(
                file, !fresh.containsKey(file) ? "unchanged" : exists(inRoot(file)) ? "changed" : "written"));
        for (Path file : noted.keySet()) {
            if (!payload.containsKey(file)) {
                report.add(file, removeIfOurs(file, noted.get(file)) ? "removed" : "left");
            }
        }
        if (!dryRun) {
            // First, so that what was begun can be taken away.
            Map<Path, String> both = new LinkedHashMap<>(noted);
            both.putAll(note);
            writeNote(both);
            for (Map.Entry<Path, PayloadFile> entry : fresh.entrySet()) {
                put(inRoot(entry.getKey()), entry.getValue());
            }
            writeNote(note);
        }
        report.print();
    }

    /** Has the launcher use this Java when no JAVA_HOME is set, as long as it is there; else it searches. */
    void rememberJava(Path java) throws Failure {
        Path file = home().resolve("lib/sysgenid.java");
        PayloadFile memory = PayloadFile.of("\n" + java + "\n", false);
        if (!fingerprint(memory, file).equals(fingerprint(file))) {
            put(file, memory);
        }
    }

    /** Takes away what it wrote, and the directories that are empty then. What somebody has changed stays. */
    void remove() throws Failure {
        Map<Path, String> noted = noted();
        Report report = new Report();
        for (Map.Entry<Path, String> entry : noted.entrySet()) {
            report.add(entry.getKey(), removeIfOurs(entry.getKey(), entry.getValue()) ? "removed" : "left");
        }
        if (!dryRun) {
            for (String name : GENERATED) {
                delete(home().resolve(name));
            }
            delete(home().resolve(NOTE));
            for (Path file : noted.keySet()) {
                removeEmpty(inRoot(file).getParent());
            }
            removeEmpty(home());
        }
        report.print();
    }

    private boolean removeIfOurs(Path file, @Nullable String noted) throws Failure {
        Path real = inRoot(file);
        @Nullable String found = fingerprint(real);
        if (found != null && !found.equals(noted)) {
            return false;
        }
        if (!dryRun) {
            delete(real);
        }
        return true;
    }

    /** Removes a directory and those above it, while they are empty. Those of the system are not, or stay as they were. */
    private void removeEmpty(@Nullable Path directory) throws Failure {
        Path top = inRoot(prefix);
        try {
            for (Path at = directory; at != null && at.startsWith(top) && !at.equals(top); at = at.getParent()) {
                Files.deleteIfExists(at);
            }
        } catch (DirectoryNotEmptyException e) {
            // Somebody else's files are in it.
        } catch (IOException e) {
            throw failed("remove", String.valueOf(directory), e);
        }
    }

    private void put(Path file, PayloadFile item) throws Failure {
        try {
            Path directory = file.toAbsolutePath().getParent();
            if (directory == null) {
                throw new NoSuchFileException(file.toString());
            }
            Files.createDirectories(directory);
            Path fresh =
                    directory.resolve(".sysgenid-" + ProcessHandle.current().pid() + ".new");
            try {
                item.writeTo(fresh);
                Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
            } finally {
                Files.deleteIfExists(fresh);
            }
        } catch (IOException e) {
            throw failed("write", file.toString(), e);
        }
    }

    private static void delete(Path file) throws Failure {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw failed("remove", file.toString(), e);
        }
    }

    private static boolean exists(Path file) {
        return Files.exists(file, LinkOption.NOFOLLOW_LINKS);
    }

    /** What was written when; by the path as that system sees it. */
    private Map<Path, String> noted() throws Failure {
        Map<Path, String> noted = new LinkedHashMap<>();
        Path file = home().resolve(NOTE);
        if (!exists(file)) {
            return noted;
        }
        try {
            for (String line : Files.readAllLines(file)) {
                int space = line.indexOf(' ');
                if (!line.startsWith("#") && space > 0) {
                    noted.put(Path.of(line.substring(space + 1)), line.substring(0, space));
                }
            }
            return noted;
        } catch (IOException e) {
            throw failed("read", file.toString(), e);
        }
    }

    private void writeNote(Map<Path, String> note) throws Failure {
        StringBuilder text = new StringBuilder(HEAD).append('\n');
        note.forEach((file, fingerprint) ->
                text.append(fingerprint).append(' ').append(file).append('\n'));
        put(home().resolve(NOTE), PayloadFile.of(text.toString(), false));
    }

    private static String fingerprint(PayloadFile item, Path file) throws Failure {
        try {
            return item.fingerprint();
        } catch (IOException e) {
            throw failed("read what is to become", file.toString(), e);
        }
    }

    /** Of the file that is there; null when there is none. */
    private static @Nullable String fingerprint(Path file) throws Failure {
        try {
            return exists(file) ? PayloadFile.at(file).fingerprint() : null;
        } catch (IOException e) {
            throw failed("read", file.toString(), e);
        }
    }

    private static Failure failed(String what, String file, IOException e) {
        boolean denied = e instanceof AccessDeniedException
                || (e instanceof FileSystemException system && "Permission denied".equals(system.getReason()));
        return denied
                ? new Failure(ExitCodes.NO_PERMISSION, "you may not " + what + " " + file, "run it as root", e)
                : new Failure(ExitCodes.CANNOT_CREATE, "cannot " + what + " " + file, e.toString(), e);
    }

    /** A line for each file, and one for all of the runtime that have the same fate. */
    private final class Report {
        private final Map<String, Integer> lines = new LinkedHashMap<>();

        void add(Path file, String fate) {
            String what = dryRun && !fate.equals("unchanged") && !fate.equals("left") ? wouldBe(fate) : fate;
            Path runtime = prefix.resolve(Payload.LIB).resolve(Payload.RUNTIME);
            Path shown = file.startsWith(runtime) ? runtime : file;
            lines.merge(what + " ".repeat(Math.max(1, 14 - what.length())) + inRoot(shown), 1, Integer::sum);
        }

        private static String wouldBe(String fate) {
            return switch (fate) {
                case "written" -> "would write";
                case "changed" -> "would change";
                default -> "would remove";
            };
        }

        void print() {
            lines.forEach((line, count) -> out.println(count == 1 ? line : line + " (" + count + " files)"));
        }
    }
}
