// SPDX-License-Identifier: Apache-2.0

import dev.sysgenid.SysGenId;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;

/**
 * Orchestrator: after a restore, changes the generation, waits until every watcher has renewed itself, and reports.
 *
 * <p>{@code java --enable-native-access=ALL-UNNAMED --class-path JARS Orchestrator.java [DEVICE [TIMEOUT_MS]]}
 *
 * <p>Exit status: 0 all have acknowledged, 124 the time is over and some have not, 1 anything else. It needs Java 22 or
 * newer, and CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN.
 */
public final class Orchestrator {
    private Orchestrator() {}

    public static void main(String[] arguments) throws InterruptedException {
        Path device = Path.of(arguments.length > 0 ? arguments[0] : "/dev/sysgenid");
        Duration timeout = Duration.ofMillis(arguments.length > 1 ? Long.parseLong(arguments[1]) : 10_000);
        try (SysGenId id = SysGenId.open(device)) {
            id.bump();
            boolean all = id.awaitAcknowledged(timeout);
            String generation = "generation " + Integer.toUnsignedString(id.generation()) + ": ";
            if (all) {
                System.out.println(generation + "all have renewed");
                return;
            }
            System.out.println(generation + id.outdatedWatchers() + " late after " + timeout.toMillis() + " ms");
            System.exit(124);
        } catch (IOException | UnsupportedOperationException e) {
            System.err.println("orchestrator: " + e.getMessage());
            System.exit(1);
        }
    }
}
