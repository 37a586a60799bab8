// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import dev.sysgenid.Phase;
import dev.sysgenid.SysGenId;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Looks at a device that a test names, and says what it sees: "refused: ..." and the end, or "opened ..." and then a line
 * for each line of standard input. Without a name it is the process-wide one. With a second argument a listener blocks
 * for ever beside one that does not.
 */
final class LookProgram {
    private LookProgram() {}

    /** Runs until standard input ends. */
    public static void main(String[] arguments) throws Exception {
        SysGenId id;
        try {
            id = arguments.length == 0 ? SysGenId.open() : SysGenId.open(Path.of(arguments[0]));
        } catch (IOException e) {
            System.out.println("refused: " + e.getClass().getSimpleName() + ": " + e.getMessage());
            return;
        }
        AtomicInteger calls = new AtomicInteger();
        id.watch(Phase.CACHES, "counts", generation -> {
            calls.incrementAndGet();
            System.out.println("told of generation " + Integer.toUnsignedString(generation));
        });
        if (arguments.length > 1) {
            CountDownLatch never = new CountDownLatch(1);
            id.watch(Phase.CACHES, "blocks", generation -> never.await());
        }
        System.out.println("opened " + id);
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        while (input.readLine() != null) {
            long stamp = id.stamp();
            System.out.println("sees generation " + Integer.toUnsignedString(id.generation()) + ", "
                    + (id.isKnown() ? "known" : "unknown") + ", the stamp "
                    + (id.stamp() == stamp ? "stands" : "moves") + ", a UUID of version "
                    + Uuids.v4().version());
        }
        System.out.println("the end");
    }
}
