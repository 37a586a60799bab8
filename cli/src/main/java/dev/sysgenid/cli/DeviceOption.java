// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import dev.sysgenid.daemon.DomainName;
import dev.sysgenid.linux.Errno;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.OptionSpec;

/** The options by which every client command is told which device it is about. */
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

    private final OptionSpec domain = OptionSpec.builder("--domain")
            .type(String.class)
            .paramLabel("NAME")
            .converters(Command.converter(DeviceOption::checkDomain))
            .description("Of that domain beside the device, see sysgenid domain.")
            .build();

    DeviceOption(Context context) {
        this.context = context;
    }

    OptionSpec spec() {
        return option;
    }

    OptionSpec domainSpec() {
        return domain;
    }

    /** The name of the domain; null when none is given. */
    @Nullable
    String domain() {
        return domain.getValue();
    }

    /** The device: the machine's, or that of the domain. */
    Path path() {
        String name = domain();
        return name == null ? machine() : of(machine(), name);
    }

    /** The device of a domain that is a directory beside another device. */
    static Path of(Path machine, String domain) {
        return DaemonReport.follow(machine).resolveSibling(domain).resolve("sysgenid");
    }

    /** The machine's device, whatever domain is given. */
    Path machine() {
        @Nullable Path given = option.getValue();
        if (given != null) {
            return given;
        }
        String fromVariable = context.environment().get(VARIABLE);
        return Path.of(fromVariable == null || fromVariable.isEmpty() ? USUAL : fromVariable);
    }

    /** A name that a domain can have; a message for the user otherwise. */
    static String checkDomain(String name) {
        return switch (DomainName.refusal(name)) {
            case 0 -> name;
            case Errno.ENAMETOOLONG ->
                throw new IllegalArgumentException("a domain's name has at most " + DomainName.LONGEST
                        + " characters, and this one has " + name.length());
            case Errno.EEXIST ->
                throw new IllegalArgumentException(
                        "'" + name + "' is a file of the directory, so no domain can be called so");
            default ->
                throw new IllegalArgumentException("'" + name
                        + "' is not a name for a domain: letters, digits, '-', '_' and '.', the last not in front");
        };
    }
}
