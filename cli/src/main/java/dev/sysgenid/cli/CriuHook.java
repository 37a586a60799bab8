// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import dev.sysgenid.daemon.ExitCodes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
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
 * <p>The script that {@link HookFiles} installs does the same without a JVM where it can, and calls this where it cannot.
 */
final class CriuHook {
    /** The note: the generation in decimal, and a line end. */
    static final String NOTE = "sysgenid.generation";

    private static final int LONGEST_NOTE = 16;

    private final Context context;
    private final Path device;
    private final boolean allowMissing;

    /**
     * A hook.
     *
     * @param allowMissing whether a restore goes on where there is no device
     */
    CriuHook(Context context, Path device, boolean allowMissing) {
        this.context = context;
        this.device = device;
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

    private Path noteFile() throws Failure {
        String images = context.environment().get("CRTOOLS_IMAGE_DIR");
        if (images == null || images.isEmpty()) {
            throw new Failure(ExitCodes.USAGE, "CRTOOLS_IMAGE_DIR is not set", "CRIU sets it when it calls this");
        }
        return Path.of(images, NOTE);
    }

    private void note() throws Failure {
        Path file = noteFile();
        int generation;
        try (Device opened = Device.openToLook(device, context.opener())) {
            generation = opened.generation();
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
            Files.writeString(file, Device.show(generation) + "\n");
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
        try (Device opened = Device.open(device, context.opener())) {
            int generation = opened.bump(minimum);
            context.err().println("sysgenid: restored; the generation is " + Device.show(generation));
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

    /** The noted generation; null where there is no note, as beside images that were dumped without this hook. */
    private static @Nullable Integer dumped(Path file) throws Failure {
        try {
            if (Files.size(file) <= LONGEST_NOTE) {
                String text = Files.readString(file);
                if (text.matches("[0-9]{1,10}\n?")) {
                    return Integer.parseUnsignedInt(text.strip());
                }
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
