// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import dev.sysgenid.daemon.ExitCodes;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.OptionSpec;

/** {@code sysgenid watch}: a watchdog for programs that do not watch the device themselves. */
final class WatchCommand extends Command {
    private static final String VARIABLE = "SYSGENID_GENERATION";

    private final DeviceOption device;
    private final OptionSpec exec = OptionSpec.builder("--exec")
            .type(String.class)
            .paramLabel("COMMAND")
            .description("At each change run COMMAND by sh -c, with the generation in " + VARIABLE
                    + ". When it exits with 0 the generation is acknowledged; when not, it is not, and those who"
                    + " wait go on waiting until a later change is handled.")
            .build();
    private final OptionSpec once =
            flag("--once", "End after the first change. A watcher that has ended is not waited for.");
    private final OptionSpec noAck = flag("--no-ack", "Only look: never acknowledge, and do not be waited for.");

    WatchCommand(Context context) {
        super(
                context,
                "watch",
                "Print each new generation, and acknowledge it.",
                "Others wait for this watcher, as for any program that watches the device.");
        device = new DeviceOption(context);
        accept(device.spec(), device.domainSpec(), exec, once, noAck);
        examples(
                "sysgenid watch --exec 'systemctl restart my-service'",
                "sysgenid watch --once --exec './renew-secrets $SYSGENID_GENERATION'",
                "sysgenid watch --no-ack | logger -t generation");
        exitCodes(
                ExitCodes.OK, "with --once: a change was handled",
                ExitCodes.FAILURE, "with --once: COMMAND failed, the change is not acknowledged",
                ExitCodes.USAGE, "a wrong command line",
                ExitCodes.UNAVAILABLE, "no device, or its daemon is gone",
                ExitCodes.NO_PERMISSION, "you may not open the device");
    }

    @Override
    int run() throws Failure {
        try (Device opened = Device.open(device.path(), context.opener())) {
            int generation = opened.generation();
            if (!isSet(noAck)) {
                opened.track(true);
            }
            context.err().println("watching " + opened.path() + ", at generation " + Device.show(generation));
            // The generation that was handled last: it may be left unacknowledged, and is not handled again.
            long last = -1;
            while (true) {
                long newest = opened.unacknowledged();
                if (newest < 0 || newest == last) {
                    opened.awaitChange(-1);
                    continue;
                }
                boolean handled = handle((int) newest);
                if (handled && !isSet(noAck) && !opened.acknowledge((int) newest)) {
                    continue; // the generation changed again meanwhile: what was done is out of date
                }
                last = newest;
                if (isSet(once)) {
                    return handled ? ExitCodes.OK : ExitCodes.FAILURE;
                }
            }
        }
    }

    /** Returns whether the program is renewed for that generation. */
    private boolean handle(int generation) throws Failure {
        String number = Device.show(generation);
        context.out().println(number);
        if (context.out().checkError()) {
            throw new Failure(ExitCodes.FAILURE, "standard output is closed", "");
        }
        @Nullable String command = exec.getValue();
        if (command == null) {
            return true;
        }
        int exitCode = execute(command, number);
        if (exitCode != 0) {
            context.err()
                    .println("sysgenid: the command ended with " + exitCode + ": generation " + number
                            + (isSet(noAck) ? "" : " is not acknowledged"));
        }
        return exitCode == 0;
    }

    private int execute(String command, String generation) throws Failure {
        ProcessBuilder builder = new ProcessBuilder("sh", "-c", command).inheritIO();
        builder.environment().put(VARIABLE, generation);
        try {
            return builder.start().waitFor();
        } catch (IOException e) {
            throw new Failure(ExitCodes.UNAVAILABLE, "cannot run sh: " + e.getMessage(), "is /bin in PATH?", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Failure(ExitCodes.FAILURE, "interrupted while the command ran", "", e);
        }
    }
}
