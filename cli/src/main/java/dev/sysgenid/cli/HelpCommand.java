// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import dev.sysgenid.daemon.ExitCodes;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code sysgenid help COMMAND}: another way to say {@code sysgenid COMMAND --help}. */
final class HelpCommand extends Command {
    private final PositionalParamSpec about = PositionalParamSpec.builder()
            .type(String.class)
            .paramLabel("COMMAND")
            .arity("0..1")
            .description("The command to explain. Default: all of them, a line each.")
            .build();

    HelpCommand(Context context) {
        super(context, "help", "Explain a command.");
        spec().addPositional(about);
        examples("sysgenid help bump");
        exitCodes(ExitCodes.OK, "printed", ExitCodes.USAGE, "there is no such command");
    }

    @Override
    int run() {
        @Nullable String name = about.getValue();
        CommandLine all = Main.all(context);
        CommandLine explained = name == null ? all : all.getSubcommands().get(name);
        if (explained == null) {
            throw usageError("no command '" + name + "'");
        }
        explained.usage(context.out());
        context.out().flush();
        return ExitCodes.OK;
    }
}
