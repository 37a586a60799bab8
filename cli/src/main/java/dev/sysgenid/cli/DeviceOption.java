// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.OptionSpec;

/** The option by which every client command is told which device it is about. */
final class DeviceOption {
    /** Where the driver's clients look for it. */
    static final String USUAL = "/dev/sysgenid";

    private static final String VARIABLE = "SYSGENID_PATH";

    private final Context context;
    private final OptionSpec option = OptionSpec.builder("--device")
            .type(Path.class)
            .paramLabel("PATH")
            .converters(Command.converter(Path::of))
            .description("The device. Default: the variable " + VARIABLE + ", else " + USUAL + ".")
            .build();

    DeviceOption(Context context) {
        this.context = context;
    }

    OptionSpec spec() {
        return option;
    }

    Path path() {
        @Nullable Path given = option.getValue();
        if (given != null) {
            return given;
        }
        String fromVariable = context.environment().get(VARIABLE);
        return Path.of(fromVariable == null || fromVariable.isEmpty() ? USUAL : fromVariable);
    }
}
