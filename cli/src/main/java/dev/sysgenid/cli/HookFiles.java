// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import dev.sysgenid.daemon.ExitCodes;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The files through which CRIU comes to call the hook: a script, and a line in the configuration of whoever calls CRIU.
 *
 * <p>What else is in those files stays. Each file is replaced in one step, so nobody reads half of one.
 */
final class HookFiles {
    private static final String DIRECTORY = "etc/criu";
    private static final String SCRIPT = DIRECTORY + "/sysgenid-hook";
    private static final String DIRECT = DIRECTORY + "/default.conf";
    private static final String RUNC = DIRECTORY + "/runc.conf";
    /** Read by crun in place of runc's, where it is there. */
    private static final String CRUN = DIRECTORY + "/crun.conf";

    private static final List<String> ALL = List.of(DIRECT, RUNC, CRUN);

    private static final String COMMENT =
            "# Changes the System Generation ID at each restore. Written by: sysgenid hook install";
    private static final String LINE = "action-script /" + SCRIPT;
    private static final String MARK = "# Written by: sysgenid hook install";

    private final Path root;
    private final List<String> configurations;
    private final boolean dryRun;
    private final PrintStream out;

    private HookFiles(Path root, List<String> configurations, boolean dryRun, PrintStream out) {
        this.root = root;
        this.configurations = configurations;
        this.dryRun = dryRun;
        this.out = out;
    }

    /**
     * The files for one way to call CRIU.
     *
     * @param target criu, runc or podman
     * @param root the directory that is the root of the system with those files
     * @param dryRun whether nothing is to be written
     * @param out told what is written, a line each
     * @return null when there is no such target
     */
    static @Nullable HookFiles of(String target, Path root, boolean dryRun, PrintStream out) {
        return switch (target) {
            case "criu" -> new HookFiles(root, List.of(DIRECT), dryRun, out);
            case "runc" -> new HookFiles(root, List.of(RUNC), dryRun, out);
            case "podman" ->
                new HookFiles(
                        root, Files.exists(root.resolve(CRUN)) ? List.of(RUNC, CRUN) : List.of(RUNC), dryRun, out);
            default -> null;
        };
    }

    /** Writes the script and the lines, where they are not there yet. */
    void install(Path launcher, Path device, boolean allowMissing) throws Failure {
        String script = script(launcher.toAbsolutePath().normalize(), device, allowMissing);
        Path file = root.resolve(SCRIPT);
        @Nullable String old = read(file);
        if (old != null && !old.contains(MARK)) {
            throw new Failure(
                    ExitCodes.CANNOT_CREATE, file + " is not a script of this program", "move it away, then try again");
        }
        if (script.equals(old)) {
            out.println("unchanged  " + file);
        } else {
            write(file, script, "rwxr-xr-x");
        }
        for (String name : configurations) {
            Path configuration = root.resolve(name);
            @Nullable String text = read(configuration);
            if (text != null && text.lines().anyMatch(line -> line.strip().equals(LINE))) {
                out.println("unchanged  " + configuration);
            } else {
                String before = text == null || text.isEmpty() || text.endsWith("\n") ? text : text + "\n";
                write(configuration, (before == null ? "" : before) + COMMENT + "\n" + LINE + "\n", "rw-r--r--");
            }
        }
    }

    /** Whether the script is there and calls this launcher. */
    boolean calls(Path launcher) throws Failure {
        @Nullable String script = read(root.resolve(SCRIPT));
        return script != null && script.contains(MARK) && script.contains(quote(launcher.toString()));
    }

    /** Takes the lines away, and the script when no line is left that names it. */
    void uninstall() throws Failure {
        boolean needed = false;
        for (String name : ALL) {
            Path configuration = root.resolve(name);
            @Nullable String text = read(configuration);
            if (text == null || text.lines().noneMatch(line -> line.strip().equals(LINE))) {
                continue;
            }
            if (!configurations.contains(name)) {
                needed = true;
                continue;
            }
            List<String> rest = new ArrayList<>(text.lines()
                    .filter(line -> !line.equals(COMMENT) && !line.strip().equals(LINE))
                    .toList());
            if (rest.isEmpty()) {
                remove(configuration);
            } else {
                write(configuration, String.join("\n", rest) + "\n", "rw-r--r--");
            }
        }
        Path script = root.resolve(SCRIPT);
        @Nullable String text = read(script);
        if (text == null) {
            out.println("not there  " + script);
        } else if (needed || !text.contains(MARK)) {
            out.println("left       " + script);
        } else {
            remove(script);
        }
    }

    /** The hook as a script for these options. */
    static String script(Path launcher, Path device, boolean allowMissing) {
        try (InputStream template = HookFiles.class.getResourceAsStream("criu-hook.sh")) {
            if (template == null) {
                throw new IllegalStateException("criu-hook.sh is not in this module");
            }
            return new String(template.readAllBytes(), StandardCharsets.UTF_8)
                    .replace("@MARK@", MARK)
                    .replace("@COMMAND@", quote(launcher.toString()))
                    .replace("@DEVICE@", quote(device.toString()))
                    .replace("@OPTIONS@", allowMissing ? "--allow-missing" : "");
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static String quote(String text) {
        return "'" + text.replace("'", "'\\''") + "'";
    }

    private static @Nullable String read(Path file) throws Failure {
        try {
            // A file that is no text is not ours, and must come out as it went in.
            return Files.exists(file) ? Files.readString(file, StandardCharsets.ISO_8859_1) : null;
        } catch (IOException e) {
            throw failed("read", file, e);
        }
    }

    private void write(Path file, String text, String permissions) throws Failure {
        boolean there = Files.exists(file);
        if (dryRun) {
            out.println((there ? "would change " : "would write  ") + file + ":");
            out.print(text.indent(4));
            return;
        }
        try {
            Files.createDirectories(file.toAbsolutePath().getParent());
            // Whoever made it a link wants the link to stay.
            Path real = there ? file.toRealPath() : file.toAbsolutePath();
            Set<PosixFilePermission> mode = there
                    ? Files.getPosixFilePermissions(real, LinkOption.NOFOLLOW_LINKS)
                    : PosixFilePermissions.fromString(permissions);
            Path fresh = Files.createTempFile(real.getParent(), ".sysgenid-", ".new");
            try {
                Files.writeString(fresh, text, StandardCharsets.ISO_8859_1);
                Files.setPosixFilePermissions(fresh, mode);
                Files.move(fresh, real, StandardCopyOption.ATOMIC_MOVE);
            } finally {
                Files.deleteIfExists(fresh);
            }
        } catch (IOException e) {
            throw failed("write", file, e);
        }
        out.println((there ? "changed    " : "written    ") + file);
    }

    private void remove(Path file) throws Failure {
        if (dryRun) {
            out.println("would remove " + file);
            return;
        }
        try {
            Files.delete(file);
        } catch (IOException e) {
            throw failed("remove", file, e);
        }
        out.println("removed    " + file);
    }

    private static Failure failed(String what, Path file, IOException e) {
        if (e instanceof AccessDeniedException) {
            return new Failure(ExitCodes.NO_PERMISSION, "you may not " + what + " " + file, "run it as root", e);
        }
        return new Failure(ExitCodes.CANNOT_CREATE, "cannot " + what + " " + file, e.toString(), e);
    }
}
