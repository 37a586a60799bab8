// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import dev.sysgenid.daemon.ExitCodes;
import picocli.AutoComplete;

/** {@code sysgenid completion}: a script by which a shell completes the commands and options. */
final class CompletionCommand extends Command {
    CompletionCommand(Context context) {
        super(context, "completion", "Print a script by which bash and zsh complete commands and options.");
        examples(
                "source <(sysgenid completion)         in ~/.bashrc or ~/.zshrc",
                "sysgenid completion > /etc/bash_completion.d/sysgenid");
        exitCodes(ExitCodes.OK, "printed", ExitCodes.USAGE, "a wrong command line");
    }

    @Override
    int run() {
        context.out().print(AutoComplete.bash("sysgenid", Main.all(context)));
        context.out().flush();
        return ExitCodes.OK;
    }
}
