// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.bench.random;

import dev.sysgenid.SysGenId;
import dev.sysgenid.security.SnapshotSafeRandom;
import java.security.SecureRandom;

/**
 * What the first random bytes of a JVM take: prints one line of microseconds. To be run in a fresh JVM for each figure,
 * with {@code sysgenid} or {@code jdk} as the argument.
 */
public final class FirstByte {
    private FirstByte() {}

    /** Draws 16 bytes, once. */
    public static void main(String[] arguments) {
        byte[] out = new byte[16];
        long start = System.nanoTime();
        long mapped = start;
        switch (arguments[0]) {
            case "sysgenid" -> {
                SysGenId.open().stamp();
                mapped = System.nanoTime();
                SnapshotSafeRandom.instance().nextBytes(out);
            }
            case "jdk" -> new SecureRandom().nextBytes(out);
            default -> throw new IllegalArgumentException("sysgenid or jdk, not " + arguments[0]);
        }
        long end = System.nanoTime();
        System.out.println(arguments[0] + ": mapping the page " + (mapped - start) / 1_000 + " us, first bytes "
                + (end - mapped) / 1_000 + " us");
    }
}
