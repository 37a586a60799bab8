// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.mends;

import dev.sysgenid.agent.Jdk;
import dev.sysgenid.agent.Unsuitable;

/** The generators that the cryptography of the JDK shares. */
final class JcaRandom extends HeldRandoms {
    @Override
    public String name() {
        return "jca";
    }

    @Override
    public String what() {
        return "keys, signatures and initialisation vectors for which the program names no SecureRandom";
    }

    @Override
    public void prepare(Jdk jdk) throws Unsuitable {
        add(jdk, "sun.security.jca.JCAUtil", "def");
        addIfThere(jdk, "sun.security.jca.JCAUtil$CachedSecureRandomHolder", "instance");
        add(jdk, "java.security.SecureRandom", "seedGenerator");
    }
}
