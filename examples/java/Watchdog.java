// SPDX-License-Identifier: Apache-2.0

import dev.sysgenid.Phase;
import dev.sysgenid.SysGenId;
import dev.sysgenid.Watch;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;

/**
 * Watchdog: is told when the system was restored from a snapshot, renews what must not exist twice, and says so.
 *
 * <p>{@code java --class-path JARS Watchdog.java [DEVICE]}
 *
 * <p>When the daemon goes away the library waits until it is back, and then has everything renewed.
 */
public final class Watchdog {
    private Watchdog() {}

    /** What a real program does here: reseed its random numbers, draw new session ids, drop cached secrets, reconnect. */
    private static void renew(int generation) {
        System.out.println("renewed for generation " + Integer.toUnsignedString(generation));
    }

    public static void main(String[] arguments) throws InterruptedException {
        Path device = Path.of(arguments.length > 0 ? arguments[0] : "/dev/sysgenid");
        try (SysGenId id = SysGenId.open(device);
                // Acknowledged when renew returns; not when it throws.
                Watch watch = id.watch(Phase.CACHES, "watchdog", Watchdog::renew)) {
            System.out.println("watching, " + (watch.isUpToDate() ? "up to date" : "outdated"));
            new CountDownLatch(1).await(); // the rest of the program
        } catch (IOException e) {
            System.err.println("watchdog: " + e);
            System.exit(1);
        }
    }
}
