// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import dev.sysgenid.daemon.ExitCodes;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.AutoComplete;

/** What is installed: this program's own modules, and what is in its resources, each with the path where it belongs. */
final class Payload {
    /** Where the program is, below the prefix. */
    static final String LIB = "lib/sysgenid";

    /** Where its own Java runtime is, below {@link #LIB}. */
    static final String RUNTIME = "runtime";

    private static final Path USR = Path.of("/usr");
    private static final Path USR_LOCAL = Path.of("/usr/local");

    private final Path prefix;
    private final Map<Path, PayloadFile> files = new TreeMap<>();

    private Payload(Path prefix) {
        this.prefix = prefix;
    }

    /**
     * The files by their absolute paths.
     *
     * @param prefix below which most of them go
     * @param runtime a Java runtime to bring along; null for none
     */
    static Map<Path, PayloadFile> of(Path prefix, @Nullable Path runtime, Context context) throws Failure {
        Payload payload = new Payload(prefix);
        try {
            payload.collect(modules(), runtime, context);
        } catch (IOException e) {
            throw new Failure(ExitCodes.FAILURE, "cannot read this program's own files", e.toString(), e);
        }
        return payload.files;
    }

    private void collect(Path modules, @Nullable Path runtime, Context context) throws IOException {
        Path home = prefix.resolve(LIB);
        add(home.resolve("sysgenid"), text("sysgenid"), true);
        add(home.resolve("lib/jdks.sh"), text("jdks.sh"), false);
        copy(modules, home.resolve("lib"), ".jar");
        if (runtime != null) {
            copy(runtime, home.resolve(RUNTIME), "");
        }
        files.put(prefix.resolve("bin/sysgenid"), PayloadFile.link("../" + LIB + "/sysgenid"));
        String unit = text("sysgenid.service")
                .replace("/usr/bin/sysgenid", prefix.resolve("bin/sysgenid").toString());
        add(unitDirectory().resolve("sysgenid.service"), unit, false);
        add(prefix.resolve("share/man/man1/sysgenid.1"), text("sysgenid.1"), false);
        add(prefix.resolve("share/man/man4/sysgenid.4"), text("sysgenid.4"), false);
        add(prefix.resolve("include/sysgenid.h"), text("sysgenid.h"), false);
        add(
                prefix.resolve("share/bash-completion/completions/sysgenid"),
                // Sourced, not run.
                AutoComplete.bash("sysgenid", Main.all(context)).replaceFirst("^#!.*\n", ""),
                false);
    }

    /** Where systemd looks for the units of programs with this prefix. */
    private Path unitDirectory() {
        return prefix.equals(USR) || prefix.equals(USR_LOCAL)
                ? prefix.resolve("lib/systemd/system")
                : Path.of("/etc/systemd/system");
    }

    private void add(Path file, String text, boolean executable) {
        files.put(file, PayloadFile.of(text, executable));
    }

    private void copy(Path from, Path to, String suffix) throws IOException {
        try (Stream<Path> found = Files.walk(from)) {
            for (Path file : found.filter(at -> !Files.isDirectory(at)).toList()) {
                if (file.toString().endsWith(suffix)) {
                    files.put(
                            to.resolve(from.relativize(file).toString()),
                            PayloadFile.at(suffix.isEmpty() ? file : file.toRealPath()));
                }
            }
        }
    }

    /** The directory with the modules that this program runs from. */
    private static Path modules() throws IOException {
        Path path = Path.of(System.getProperty("jdk.module.path", ""));
        if (!Files.isDirectory(path.resolve("agent")) && !Files.isRegularFile(path.resolve("jdks.sh"))) {
            throw new IOException("not started by the sysgenid script, but from the modules '" + path + "'");
        }
        return path;
    }

    private static String text(String name) throws IOException {
        try (InputStream in = Payload.class.getResourceAsStream("install/" + name)) {
            if (in == null) {
                throw new IOException(name + " is not in this module");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
