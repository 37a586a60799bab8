// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.mends;

import dev.sysgenid.agent.Jdk;
import dev.sysgenid.agent.Unsuitable;

/** The generator behind Collections.shuffle. */
final class ShuffleRandom extends HeldRandoms {
    @Override
    public String name() {
        return "shuffle";
    }

    @Override
    public String what() {
        return "Collections.shuffle";
    }

    @Override
    public void prepare(Jdk jdk) throws Unsuitable {
        add(jdk, "java.util.Collections", "r");
    }
}
