// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import dev.sysgenid.daemon.ExitCodes;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.OptionSpec;

/** Waiting until all watchers have acknowledged, as {@code wait} and {@code bump --wait} do it. */
final class Acknowledgements {
    private final Context context;
    private final OptionSpec timeout;

    Acknowledgements(Context context) {
        this.context = context;
        timeout = OptionSpec.builder("--timeout")
                .type(Duration.class)
                .paramLabel("DURATION")
                .converters(Command.converter(Durations::parse))
                .description("Wait no longer than this: " + Durations.FORM + ". 0s only looks. Default: no limit.")
                .build();
    }

    OptionSpec timeoutOption() {
        return timeout;
    }

    boolean hasTimeout() {
        return timeout() != null;
    }

    private @Nullable Duration timeout() {
        return timeout.getValue();
    }

    /**
     * Waits, and says who is late when the time is over.
     *
     * @return the generation that all have acknowledged, as an unsigned number
     * @throws Failure with {@link ExitCodes#TIMEOUT}
     */
    long await(Device device) throws Failure {
        Duration time = timeout();
        long acknowledged = device.awaitAcknowledgements(Deadline.in(time, context.nanoTime()));
        if (acknowledged >= 0) {
            return acknowledged;
        }
        String after = time == null || time.isZero() ? "" : " after " + Durations.format(time);
        DaemonReport report = DaemonReport.read(device.path());
        if (report == null) {
            int count = device.outdatedWatchers();
            String who = count <= 0 ? "at least one watcher" : count + (count == 1 ? " watcher" : " watchers");
            throw new Failure(
                    ExitCodes.TIMEOUT, "not acknowledged by " + who + after, "a kernel driver does not tell by whom");
        }
        List<DaemonReport.Entry> late = report.late();
        if (late.isEmpty()) {
            return Integer.toUnsignedLong(report.generation()); // the last one acknowledged a moment ago
        }
        StringBuilder names = new StringBuilder();
        for (DaemonReport.Entry entry : late) {
            names.append(names.isEmpty() ? "" : "\n")
                    .append(entry.command())
                    .append(" (pid ")
                    .append(entry.pid() == 0 ? "unknown" : entry.pid())
                    .append(", uid ")
                    .append(entry.uid())
                    .append(") has been late for ")
                    .append(Durations.rough(entry.outdatedMillis()))
                    .append(", is at generation ")
                    .append(Device.show(entry.acknowledged()));
        }
        throw new Failure(
                ExitCodes.TIMEOUT,
                "generation " + Device.show(report.generation()) + " is not acknowledged by " + late.size() + " of "
                        + report.tracked() + " tracked watchers" + after,
                names.toString());
    }
}
