// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.mends;

import dev.sysgenid.agent.Jdk;
import dev.sysgenid.agent.Unsuitable;

/** What new instances of java.util.Random begin with. */
final class RandomSeeds extends SeedCounters {
    @Override
    public String name() {
        return "random-seeds";
    }

    @Override
    public String what() {
        return "the seed of the next new Random()";
    }

    @Override
    public void prepare(Jdk jdk) throws Unsuitable {
        add(jdk, "java.util.Random", "seedUniquifier");
    }
}
