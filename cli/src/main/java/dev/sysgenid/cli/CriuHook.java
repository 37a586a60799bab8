// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import dev.sysgenid.daemon.ExitCodes;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What is done at the stages at which CRIU calls its action script.
 *
 * <ul>
 *   <li>{@code post-dump}: all is dumped and frozen. The generation is noted in a file beside the images.
 *   <li>{@code post-restore}: files are open again and nothing restored has run yet. The generation is bumped, above the
 *       noted one: the machine may be another, whose generation is lower, or just what the restored programs remember.
 *   <li>any other: nothing.
 * </ul>
 *
 * <p>It is the generation of the domain that was named, or of the machine and the domains that the dumped or restored processes can
 * see ({@link SeenDomains}). Of several the highest one is noted, and all are bumped above it.
 *
 * <p>The script that {@link HookFiles} installs does the same without a JVM where it can, and calls this where it cannot.
 */
final class CriuHook {
    /** The note: the generation in decimal, and a line end. */
    static final String NOTE = "sysgenid.generation";

    private static final int LONGEST_NOTE = 16;

    /** Above it there is none. It counts where no other is seen: whoever may bump one domain is not to free all others of the bound. */
    private static final int HIGHEST = 0xffffffff;

    private final Context context;
    private final Path machine;
    private final @Nullable String domain;
    private final boolean allowMissing;

    /**
     * A hook.
     *
     * @param machine the machine's device
     * @param domain the domain; null for what the processes see
     * @param allowMissing whether a restore goes on where there is no device
     */
    CriuHook(Context context, Path machine, @Nullable String domain, boolean allowMissing) {
        this.context = context;
        this.machine = machine;
        this.domain = domain;
        this.allowMissing = allowMissing;
    }

    /** Does what is to be done at that stage. CRIU aborts the restore unless it returns {@link ExitCodes#OK}. */
    int run(String stage) throws Failure {
        switch (stage) {
            case "post-dump" -> note();
            case "post-restore" -> bump();
            default -> {
                // Nothing has changed yet, or all has been said.
            }
        }
        return ExitCodes.OK;
    }

    /** The devices that it is about. */
    private List<Path> devices() {
        if (domain != null) {
            return List.of(DeviceOption.of(machine, domain));
        }
        String process = context.environment().get("CRTOOLS_INIT_PID");
        Path root = DaemonReport.follow(machine).getParent();
        if (process == null || !process.matches("[1-9][0-9]{0,9}") || root == null) {
            return List.of(machine);
        }
        SeenDomains seen = SeenDomains.of(Path.of("/proc"), process, root);
        Set<String> names = new LinkedHashSet<>(seen.names());
        if (seen.all()) {
            names.addAll(domains(root));
        }
        List<Path> devices = new ArrayList<>();
        if (seen.machine()) {
            devices.add(machine);
        }
        for (String name : names) {
            Path device = DeviceOption.of(machine, name);
            // What was removed meanwhile is seen by nobody who sees more than that.
            if (!seen.machine() || Files.exists(device)) {
                devices.add(device);
            }
        }
        return devices;
    }

    private static List<String> domains(Path root) {
        List<String> names = new ArrayList<>();
        try (DirectoryStream<Path> directories = Files.newDirectoryStream(root, Files::isDirectory)) {
            directories.forEach(directory -> names.add(String.valueOf(directory.getFileName())));
        } catch (IOException | DirectoryIteratorException e) {
            return List.of(); // no daemon of ours, as the machine's device will tell
        }
        return names;
    }

    private Path noteFile() throws Failure {
        String images = context.environment().get("CRTOOLS_IMAGE_DIR");
        if (images == null || images.isEmpty()) {
            throw new Failure(ExitCodes.USAGE, "CRTOOLS_IMAGE_DIR is not set", "CRIU sets it when it calls this");
        }
        return Path.of(images, NOTE);
    }

    private void note() throws Failure {
        Path file = noteFile();
        int generation = HIGHEST;
        try {
            for (Path device : devices()) {
                try (Device opened = Device.openToLook(device, context.opener())) {
                    int seen = opened.generation();
                    if (generation == HIGHEST || (seen != HIGHEST && isAbove(seen, generation))) {
                        generation = seen;
                    }
                }
            }
        } catch (Failure e) {
            if (e.exitCode() != ExitCodes.UNAVAILABLE) {
                throw e;
            }
            // Then nobody who is dumped remembers a generation of this machine.
            context.err()
                    .println("sysgenid: " + e.getMessage() + "; the dump goes on, without a note of the generation");
            return;
        }
        try {
            NoteFile.write(file, Device.show(generation) + "\n");
        } catch (IOException e) {
            throw new Failure(
                    ExitCodes.CANNOT_CREATE,
                    "cannot note the generation in " + file,
                    "the dump would not tell above which generation to restore: " + e.getMessage(),
                    e);
        }
    }

    private void bump() throws Failure {
        @Nullable Integer dumped = dumped(noteFile());
        // Above the highest one there is none: then zero, no wish.
        int minimum = dumped == null ? 0 : dumped + 1;
        boolean withMachine = false; // a bump of the machine was one of each domain
        try {
            for (Path device : devices()) {
                try (Device opened = Device.open(device, context.opener())) {
                    if (withMachine && (minimum == 0 || isAbove(opened.generation(), minimum - 1))) {
                        continue;
                    }
                    int generation = opened.bump(minimum);
                    withMachine |= device.equals(machine);
                    String of = device.equals(machine) ? "" : " of " + device;
                    context.err().println("sysgenid: restored; the generation" + of + " is " + Device.show(generation));
                }
            }
        } catch (Failure e) {
            if (e.exitCode() == ExitCodes.UNAVAILABLE && allowMissing) {
                context.err()
                        .println("sysgenid: " + e.getMessage() + "; the restore goes on, and nobody is told of it");
                return;
            }
            throw new Failure(
                    e.exitCode(),
                    "the restore is aborted: " + e.getMessage(),
                    e.remedy()
                            + (e.exitCode() == ExitCodes.UNAVAILABLE
                                    ? "\nto restore without it, use: sysgenid hook criu --allow-missing"
                                    : ""),
                    e);
        }
    }

    private static boolean isAbove(int generation, int other) {
        return Integer.compareUnsigned(generation, other) > 0;
    }

    /** The noted generation; null where there is no note, as beside images that were dumped without this hook. */
    private static @Nullable Integer dumped(Path file) throws Failure {
        try {
            String text = NoteFile.read(file, LONGEST_NOTE);
            if (text.matches("[0-9]{1,10}\n?")) {
                return Integer.parseUnsignedInt(text.strip());
            }
        } catch (NoSuchFileException e) {
            return null;
        } catch (IOException | NumberFormatException e) {
            throw noSense(file, e);
        }
        throw noSense(file, null);
    }

    private static Failure noSense(Path file, @Nullable Exception cause) {
        String message = "the restore is aborted: " + file + " is not the note of a generation";
        String remedy = "if the images are whole, remove that file: the restore then bumps by one";
        return cause == null
                ? new Failure(ExitCodes.FAILURE, message, remedy)
                : new Failure(ExitCodes.FAILURE, message, remedy, cause);
    }
}
