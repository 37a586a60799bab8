// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import dev.sysgenid.daemon.ExitCodes;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.lang.module.ModuleDescriptor;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The {@code sysgenid} command. */
public final class Main {
    private static final String PROGRAM = "sysgenid";

    private Main() {}

    /** Runs a command line, and ends the process with its exit code. */
    public static void main(String[] arguments) {
        Context context = new Context(
                // Not the locale's encoding: in the C locale that would turn names into question marks.
                new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8),
                new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8),
                System.getenv(),
                LinuxDeviceFile::open,
                System::nanoTime);
        nameProcess();
        System.exit(run(context, arguments));
    }

    /** Lists of processes, and of late watchers, are to say "sysgenid" and not "java". */
    private static void nameProcess() {
        for (String file : new String[] {"/proc/self/comm", "/proc/thread-self/comm"}) {
            try (FileOutputStream comm = new FileOutputStream(file)) {
                comm.write(PROGRAM.getBytes(StandardCharsets.US_ASCII));
            } catch (IOException e) {
                return; // only a name
            }
        }
    }

    /** Runs a command line, and returns its exit code. */
    static int run(Context context, String... arguments) {
        try {
            if (arguments.length == 0) {
                all(context).usage(context.err());
                return ExitCodes.USAGE;
            }
            return commandLine(context, arguments[0]).execute(arguments);
        } catch (RuntimeException | Error e) {
            return unexpected(context, e);
        } finally {
            context.out().flush();
        }
    }

    /** The command line with all commands, for what is about all of them. */
    static CommandLine all(Context context) {
        CommandLine commandLine = root();
        for (String name : Commands.NAMES) {
            add(commandLine, Commands.make(name, context));
        }
        return configure(context, commandLine);
    }

    /** The command line with as many commands as are needed: the one that is named, or all when none is. */
    private static CommandLine commandLine(Context context, String name) {
        Command command = Commands.make(name, context);
        if (command == null) {
            return all(context);
        }
        CommandLine commandLine = root();
        add(commandLine, command);
        return configure(context, commandLine);
    }

    private static void add(CommandLine commandLine, @Nullable Command command) {
        if (command != null) {
            commandLine.addSubcommand(new CommandLine(command.spec()));
        }
    }

    private static CommandLine root() {
        CommandSpec spec = CommandSpec.create().name(PROGRAM);
        spec.addOption(Command.helpOption());
        spec.addOption(OptionSpec.builder("-V", "--version")
                .versionHelp(true)
                .description("Print the version and end.")
                .build());
        spec.version(version());
        spec.usageMessage()
                .customSynopsis("sysgenid COMMAND [OPTION]...", "sysgenid --help | --version")
                .description("Tells programs that the system they run in was restored from a snapshot.")
                .descriptionHeading("%n")
                .optionListHeading("%nOptions:%n")
                .commandListHeading("%nCommands:%n")
                .footerHeading("%nExamples:%n")
                .footer(
                        "  sudo sysgenid serve           serve /dev/sysgenid until Ctrl-C",
                        "  sysgenid status               the generation, and who watches",
                        "  sudo sysgenid bump --wait     tell everyone, and hold until all are ready",
                        "  sysgenid bump --help          options, examples and exit codes of a command",
                        "",
                        "The device is found by --device, else by the variable SYSGENID_PATH, else at "
                                + DeviceOption.USUAL + ".",
                        "Stack traces are shown when the variable SYSGENID_DEBUG is 1.");
        Command.exitCodes(
                spec,
                ExitCodes.OK,
                "done",
                ExitCodes.FAILURE,
                "it went wrong in a way that no other code names",
                ExitCodes.USAGE,
                "a wrong command line; nothing was done",
                ExitCodes.UNAVAILABLE,
                "something is not there: the device, its daemon, FUSE",
                ExitCodes.CANNOT_CREATE,
                "a path is in use, or is something else",
                ExitCodes.NO_PERMISSION,
                "you may not do this",
                ExitCodes.TIMEOUT,
                "the time is over, and somebody has not acknowledged");
        return new CommandLine(spec);
    }

    private static CommandLine configure(Context context, CommandLine commandLine) {
        return commandLine
                // To find out whether to use colours costs more than all the rest of a short command.
                .setColorScheme(CommandLine.Help.defaultColorScheme(Ansi.OFF))
                .setOut(new PrintWriter(context.out(), true, context.out().charset()))
                .setErr(new PrintWriter(context.err(), true, context.err().charset()))
                .setParameterExceptionHandler((e, arguments) -> misused(context, e))
                .setExecutionExceptionHandler((e, failing, parsed) -> failed(context, e));
    }

    private static int misused(Context context, ParameterException e) {
        String command = e.getCommandLine().getCommandSpec().qualifiedName();
        String message = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
        if (e instanceof UnmatchedArgumentException unmatched) {
            message = misused(unmatched);
        }
        context.err().println("sysgenid: " + message);
        context.err().println("  see: " + command + " --help");
        trace(context, e);
        return ExitCodes.USAGE;
    }

    private static String misused(UnmatchedArgumentException e) {
        String argument = e.getUnmatched().isEmpty() ? "" : e.getUnmatched().getFirst();
        boolean first = e.getCommandLine().getParent() == null;
        String what = argument.startsWith("-") ? "unknown option '" : first ? "no command '" : "unwanted argument '";
        List<String> suggestions = e.getSuggestions();
        return what + argument + "'"
                + (suggestions.isEmpty() ? "" : "; did you mean " + String.join(", ", suggestions) + "?");
    }

    private static int failed(Context context, Exception e) {
        if (!(e instanceof Failure failure)) {
            return unexpected(context, e);
        }
        context.err().println("sysgenid: " + failure.getMessage());
        if (!failure.remedy().isEmpty()) {
            context.err().println("  " + failure.remedy().replace("\n", "\n  "));
        }
        trace(context, e);
        return failure.exitCode();
    }

    private static int unexpected(Context context, Throwable e) {
        context.err().println("sysgenid: a defect of this program: " + e);
        context.err().println("  SYSGENID_DEBUG=1 shows where; please report it");
        trace(context, e);
        return ExitCodes.FAILURE;
    }

    private static void trace(Context context, Throwable e) {
        if (context.debug()) {
            e.printStackTrace(context.err());
        }
    }

    private static String version() {
        ModuleDescriptor descriptor = Main.class.getModule().getDescriptor();
        String version = descriptor == null ? null : descriptor.rawVersion().orElse(null);
        return "sysgenid " + (version == null ? "(unreleased)" : version);
    }
}
