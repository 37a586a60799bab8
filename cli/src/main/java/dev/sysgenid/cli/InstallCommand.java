// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import dev.sysgenid.daemon.ExitCodes;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.OptionSpec;

/** {@code sysgenid install}: puts this program in place, for everybody on this machine. */
final class InstallCommand extends Command {
    /** What the program needs of a runtime: for itself, to attach to programs, to be told to hand over. */
    private static final String RUNTIME_MODULES = "java.base,jdk.attach,jdk.unsupported";

    private static final OptionSpecs OPTIONS = new OptionSpecs();

    private final OptionSpec prefix = OPTIONS.prefix();
    private final OptionSpec root = OPTIONS.root();
    private final OptionSpec dryRun = flag("--dry-run", "Say what would be written, and write nothing.");
    private final OptionSpec force = flag("--force", "Replace files that this program did not write.");
    private final OptionSpec now = flag("--now", "Then enable and start the service; where it runs,", "take over.");
    private final OptionSpec runtime =
            flag("--runtime", "Bring a Java runtime along (jlink, 57 MB), so that no", "other Java is needed.");

    InstallCommand(Context context) {
        super(
                context,
                "install",
                "Install this program: command, systemd unit, manual pages, completion.",
                "What was installed before is replaced. Files that this program did not write",
                "are left alone, and then nothing is written. Nothing is started or enabled,",
                "unless --now says so.");
        accept(prefix, root, runtime, dryRun, force, now);
        examples(
                "sudo sysgenid install --dry-run",
                "sudo sysgenid install --now           and serve, now and at each boot",
                "sudo sysgenid install                 again, for a new version; then:",
                "sudo systemctl restart sysgenid       it takes over: nobody loses the device");
        exitCodes(
                ExitCodes.OK, "installed",
                ExitCodes.FAILURE, "a program that was needed has failed",
                ExitCodes.USAGE, "a wrong command line; nothing was done",
                ExitCodes.UNAVAILABLE, "--now without systemd, or --runtime without jlink",
                ExitCodes.CANNOT_CREATE, "a file cannot be written, or is somebody else's",
                ExitCodes.NO_PERMISSION, "you may not do this: be root");
    }

    /** The options that uninstall has too. */
    static final class OptionSpecs {
        OptionSpec prefix() {
            return OptionSpec.builder("--prefix")
                    .type(Path.class)
                    .paramLabel("DIR")
                    .converters(converter(OptionSpecs::absolute))
                    .description("Below which it is. Default: /usr/local.")
                    .build();
        }

        OptionSpec root() {
            return OptionSpec.builder("--root")
                    .type(Path.class)
                    .paramLabel("DIR")
                    .converters(converter(text -> Path.of(text).toAbsolutePath().normalize()))
                    .description("The root of the system, as of an image or a package that", "is made. Default: /.")
                    .build();
        }

        private static Path absolute(String text) {
            Path path = Path.of(text).normalize();
            if (!path.isAbsolute() || path.getNameCount() == 0) {
                throw new IllegalArgumentException("'" + text + "' is not an absolute path below /");
            }
            return path;
        }

        static Path valueOf(OptionSpec option, String usual) {
            @Nullable Path given = option.getValue();
            return given == null ? Path.of(usual) : given;
        }
    }

    @Override
    int run() throws Failure {
        Path system = OptionSpecs.valueOf(root, "/");
        Path below = OptionSpecs.valueOf(prefix, "/usr/local");
        Service service = new Service(system);
        if (isSet(now) && !service.isManaged()) {
            throw new Failure(
                    ExitCodes.UNAVAILABLE,
                    "systemd does not run " + (system.equals(Path.of("/")) ? "here" : "at " + system),
                    "install without --now");
        }
        Installation installation = new Installation(system, below, isSet(dryRun), context.out());
        if (isSet(runtime)) {
            withRuntime(image -> write(installation, below, image));
        } else {
            write(installation, below, null);
        }
        if (!isSet(dryRun)) {
            finish(installation, system, below, service);
        }
        context.out().flush();
        return ExitCodes.OK;
    }

    private void write(Installation installation, Path below, @Nullable Path image) throws Failure {
        Map<Path, PayloadFile> payload = Payload.of(below, image, context);
        installation.write(payload, isSet(force));
    }

    private void finish(Installation installation, Path system, Path below, Service service) throws Failure {
        if (system.equals(Path.of("/"))) {
            if (!isSet(runtime)) {
                installation.rememberJava(Path.of(System.getProperty("java.home"), "bin", "java"));
            }
            // So that it starts fast. Without that it works too, and it says why.
            programOrSilence(List.of(installation.launcher().toString(), "prepare"));
        }
        service.readUnitsAgain();
        if (isSet(now)) {
            service.enable();
            context.out().println("the service is enabled, and runs");
            return;
        }
        String next = service.isActive()
                ? "systemctl restart sysgenid         the new version takes over: nobody loses the device"
                : service.isManaged()
                        ? "systemctl enable --now sysgenid    serves the device, now and at each boot"
                        : below.resolve("bin/sysgenid") + " serve";
        context.out().println("next:  " + next);
    }

    /** What is done with a runtime image while it is there. */
    private interface WithImage {
        void use(Path image) throws Failure;
    }

    private void withRuntime(WithImage use) throws Failure {
        Path jlink = Path.of(System.getProperty("java.home"), "bin", "jlink");
        if (!Files.isExecutable(jlink)) {
            throw new Failure(
                    ExitCodes.UNAVAILABLE,
                    "this Java, " + System.getProperty("java.home") + ", has no jlink to make a runtime with",
                    "run it with a full JDK 25 (JAVA_HOME), or install without --runtime");
        }
        Path directory;
        try {
            directory = Files.createTempDirectory("sysgenid-runtime-");
        } catch (IOException e) {
            throw new Failure(ExitCodes.CANNOT_CREATE, "cannot make a temporary directory", e.toString(), e);
        }
        try {
            Path image = directory.resolve("image");
            int code = programOrSilence(List.of(
                    jlink.toString(),
                    "--add-modules",
                    RUNTIME_MODULES,
                    "--strip-debug",
                    "--no-header-files",
                    "--no-man-pages",
                    "--output",
                    image.toString()));
            if (code != 0) {
                throw new Failure(ExitCodes.FAILURE, jlink + " failed with exit code " + code, "see above");
            }
            use.use(image);
        } finally {
            delete(directory);
        }
    }

    private static void delete(Path directory) {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Runs a program whose messages the user is to see; its exit code, or -1 when it cannot be run. */
    private int programOrSilence(List<String> command) throws Failure {
        context.out().flush();
        try {
            return new ProcessBuilder(command)
                    .redirectInput(
                            ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start()
                    .waitFor();
        } catch (IOException e) {
            return -1;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Failure(ExitCodes.FAILURE, "interrupted", "", e);
        }
    }
}
