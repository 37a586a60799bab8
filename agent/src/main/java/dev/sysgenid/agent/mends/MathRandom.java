// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.mends;

import dev.sysgenid.agent.Jdk;
import dev.sysgenid.agent.Unsuitable;

/** The generators behind Math.random and StrictMath.random. */
final class MathRandom extends HeldRandoms {
    @Override
    public String name() {
        return "math-random";
    }

    @Override
    public String what() {
        return "Math.random and StrictMath.random";
    }

    @Override
    public void prepare(Jdk jdk) throws Unsuitable {
        add(jdk, "java.lang.Math$RandomNumberGeneratorHolder", "randomNumberGenerator");
        add(jdk, "java.lang.StrictMath$RandomNumberGeneratorHolder", "randomNumberGenerator");
    }
}
