// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.TypeConversionException;

/** One subcommand: what it accepts, and what it does. Made for one run. */
abstract class Command implements Callable<Integer> {
    /** Where it runs. */
    final Context context;

    private final CommandSpec spec;

    /**
     * A command without options but {@code --help}.
     *
     * @param name as it is typed
     * @param description for its help, its first line also for the list of commands; {@code %} is written {@code %%}
     */
    Command(Context context, String name, String... description) {
        this.context = context;
        spec = CommandSpec.wrapWithoutInspection(this).name(name);
        spec.usageMessage()
                .description(description)
                .descriptionHeading("%n")
                .optionListHeading("%nOptions:%n")
                .parameterListHeading("%nParameters:%n")
                .sortOptions(false);
        spec.addOption(helpOption());
    }

    /** Does it, and returns the exit code. */
    abstract int run() throws Failure;

    @Override
    public final Integer call() throws Failure {
        return run();
    }

    /** What it accepts, in picocli's words. */
    final CommandSpec spec() {
        return spec;
    }

    /** Adds options, in the order of the help. */
    final void accept(OptionSpec... options) {
        for (OptionSpec option : options) {
            spec.addOption(option);
        }
    }

    /** Sets the examples of the help, a line each. */
    final void examples(String... lines) {
        spec.usageMessage().footerHeading("%nExamples:%n").footer(indent(lines));
    }

    /** Sets the exit codes of the help: a code, its meaning, a code, its meaning, ... */
    final void exitCodes(Object... codesAndMeanings) {
        exitCodes(spec, codesAndMeanings);
    }

    static void exitCodes(CommandSpec spec, Object... codesAndMeanings) {
        Map<String, String> list = new LinkedHashMap<>();
        for (int i = 0; i < codesAndMeanings.length; i += 2) {
            list.put(" " + codesAndMeanings[i], codesAndMeanings[i + 1].toString());
        }
        spec.usageMessage().exitCodeListHeading("%nExit codes:%n").exitCodeList(list);
    }

    /** The error of a command line whose options do not go together. */
    final ParameterException usageError(String message) {
        CommandLine commandLine = spec.commandLine();
        return new ParameterException(commandLine == null ? new CommandLine(spec) : commandLine, message);
    }

    static OptionSpec helpOption() {
        return OptionSpec.builder("-h", "--help")
                .usageHelp(true)
                .description("Print this and end.")
                .build();
    }

    /** An option without a value. */
    static OptionSpec flag(String name, String... description) {
        return OptionSpec.builder(name)
                .type(boolean.class)
                .description(description)
                .build();
    }

    static boolean isSet(OptionSpec flag) {
        return Boolean.TRUE.equals(flag.<@Nullable Boolean>getValue());
    }

    /** Turns a parser whose IllegalArgumentException has a message for the user into one that picocli knows. */
    static <T> ITypeConverter<T> converter(Function<String, T> parser) {
        return text -> {
            try {
                return parser.apply(text);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(String.valueOf(e.getMessage()));
            }
        };
    }

    private static String[] indent(String[] lines) {
        String[] indented = new String[lines.length];
        for (int i = 0; i < lines.length; i++) {
            indented[i] = "  " + lines[i];
        }
        return indented;
    }
}
