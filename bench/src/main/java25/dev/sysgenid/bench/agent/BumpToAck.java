// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.bench.agent;

import dev.sysgenid.SysGenId;
import java.io.IOException;
import java.time.Duration;

/**
 * {@code BumpToAck TIMES}: bumps so often, and prints for each time the nanoseconds until every watcher had acknowledged.
 * The first ones, in which this program itself becomes warm, are made and not printed.
 */
public final class BumpToAck {
    private static final int FIRST = 20;

    private BumpToAck() {}

    /** Bumps. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        int times = Integer.parseInt(arguments[0]);
        try (SysGenId id = SysGenId.open()) {
            for (int i = -FIRST; i < times; i++) {
                Thread.sleep(10);
                long start = System.nanoTime();
                id.bump();
                if (!id.awaitAcknowledged(Duration.ofSeconds(30))) {
                    throw new IOException("not acknowledged");
                }
                long nanos = System.nanoTime() - start;
                if (i >= 0) {
                    System.out.println(nanos);
                }
            }
        }
    }
}
