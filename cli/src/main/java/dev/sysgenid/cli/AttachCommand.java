// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import dev.sysgenid.daemon.ExitCodes;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code sysgenid attach}: puts the agent into a Java program that runs. */
final class AttachCommand extends Command {
    /** What it takes, of the JDK that this runs on. */
    private static final String MODULE = "jdk.attach";

    private static final int LONGEST_STATE = 200;

    private final PositionalParamSpec pid = PositionalParamSpec.builder()
            .index("0")
            .arity("1")
            .paramLabel("PID")
            .type(long.class)
            .description("The process id of the Java program.")
            .build();
    private final PositionalParamSpec options = PositionalParamSpec.builder()
            .index("1..*")
            .arity("0..*")
            .paramLabel("OPTION")
            .type(List.class)
            .auxiliaryTypes(String.class)
            .description(
                    "The agent's options: report, dry-run, only=NAME+NAME, without=NAME+NAME, sha1prng, provider=no,"
                            + " off, help. What they print is printed by the program.")
            .build();
    private final OptionSpec agent = OptionSpec.builder("--agent")
            .type(Path.class)
            .paramLabel("FILE")
            .description("sysgenid-agent.jar, as the program sees it. Default: the one of this installation.")
            .build();

    AttachCommand(Context context) {
        super(
                context,
                "attach",
                "Put the agent into a Java program that runs, so that it is safe to clone.",
                "Its random numbers, ids and keys are then renewed at each change of the generation, without a change"
                        + " of the program. To have it from the start: java -javaagent:sysgenid-agent.jar ...");
        accept(agent);
        spec().addPositional(pid).addPositional(options);
        examples(
                "sysgenid attach 4711",
                "sysgenid attach 4711 report           the program's standard error tells what is renewed",
                "sysgenid attach 4711 off              take it out again");
        exitCodes(
                ExitCodes.OK, "the agent is in the program; with off, it no longer is",
                ExitCodes.FAILURE, "the program did not take it",
                ExitCodes.USAGE, "a wrong command line",
                ExitCodes.UNAVAILABLE, "no such program, no agent, or this Java cannot attach",
                ExitCodes.NO_PERMISSION, "the program belongs to somebody else");
    }

    @Override
    int run() throws Failure {
        Path jar = jar();
        long process = pid.getValue();
        @Nullable List<String> given = options.getValue();
        String joined = given == null ? "" : String.join(",", given);
        if (ModuleLayer.boot().findModule(MODULE).isEmpty()) {
            throw new Failure(
                    ExitCodes.UNAVAILABLE,
                    "this Java runtime has no module " + MODULE + ", and cannot attach to programs",
                    "run it on a full JDK 25 (JAVA_HOME), or start the program with -javaagent:" + jar);
        }
        String state = Attachment.attach(process, jar, joined);
        context.out().println(line(process, state));
        context.out().flush();
        return ExitCodes.OK;
    }

    /** What is said of it: the state is a line of whatever that process is. */
    static String line(long process, String state) {
        return state.isEmpty()
                ? "no agent in process " + process
                : "process " + process + ": " + Printable.of(state, LONGEST_STATE);
    }

    /** The agent's jar, absolute. */
    private Path jar() throws Failure {
        @Nullable Path named = agent.getValue();
        if (named != null) {
            return named.toAbsolutePath();
        }
        Path own = ofThisInstallation();
        if (own == null || !Files.isReadable(own)) {
            throw new Failure(
                    ExitCodes.UNAVAILABLE,
                    "sysgenid-agent.jar is not " + (own == null ? "in this installation" : "at " + own),
                    "name it with --agent");
        }
        return own;
    }

    private static @Nullable Path ofThisInstallation() {
        CodeSource source = AttachCommand.class.getProtectionDomain().getCodeSource();
        if (source == null || !source.getLocation().getProtocol().equals("file")) {
            return null;
        }
        try {
            Path program = Path.of(source.getLocation().toURI());
            return program.resolveSibling("agent").resolve("sysgenid-agent.jar");
        } catch (URISyntaxException e) {
            return null;
        }
    }
}
