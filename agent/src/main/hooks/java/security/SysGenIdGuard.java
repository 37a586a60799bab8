// SPDX-License-Identifier: Apache-2.0
package java.security;

import java.util.function.BiPredicate;
import java.util.function.ObjIntConsumer;

/** Where {@link SecureRandom} asks the agent, once the agent has added that to it. */
final class SysGenIdGuard {
    /** An instance that needs no care, in its field {@code randomBytesUsed}, which nothing else uses. */
    static final int SAFE = 0x53474944;

    /** Draws instead; false: the instance shall draw itself. */
    static volatile BiPredicate<SecureRandom, byte[]> draw;

    /** Is told what happens to an instance. */
    static volatile ObjIntConsumer<SecureRandom> told;

    private SysGenIdGuard() {}

    static boolean draw(SecureRandom random, byte[] bytes) {
        BiPredicate<SecureRandom, byte[]> asked = draw;
        return asked != null && asked.test(random, bytes);
    }

    /** 0: about to be seeded, 1: made with a seed, 2: about to draw with parameters. */
    static void told(SecureRandom random, int what) {
        ObjIntConsumer<SecureRandom> asked = told;
        if (asked != null) {
            asked.accept(random, what);
        }
    }
}
