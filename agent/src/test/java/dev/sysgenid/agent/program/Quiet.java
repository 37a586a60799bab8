// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.program;

import java.security.SecureRandom;
import java.util.Random;
import java.util.UUID;

/** A program that draws, says so, and waits for a line on its standard input; as often as there are lines. */
public final class Quiet {
    private Quiet() {}

    public static void main(String[] arguments) throws Exception {
        do {
            SecureRandom fixed = SecureRandom.getInstance("SHA1PRNG");
            fixed.setSeed(42);
            System.out.println("drew " + UUID.randomUUID() + " by "
                    + new SecureRandom().getProvider().getName() + ", " + new Random(42).nextInt() + ", "
                    + fixed.nextInt());
        } while (System.in.read() == '\n');
        System.out.println("over");
    }
}
