// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.mends;

import dev.sysgenid.agent.Jdk;
import dev.sysgenid.agent.Unsuitable;

/** The generator that the SunJCE provider uses where the program names none. */
final class SunJceRandom extends HeldRandoms {
    @Override
    public String name() {
        return "sun-jce";
    }

    @Override
    public String what() {
        return "keys, initialisation vectors and padding of the SunJCE provider";
    }

    @Override
    public void prepare(Jdk jdk) throws Unsuitable {
        add(jdk, "com.sun.crypto.provider.SunJCE$SecureRandomHolder", "RANDOM");
    }
}
