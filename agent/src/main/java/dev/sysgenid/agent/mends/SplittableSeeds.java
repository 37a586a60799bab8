// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.mends;

import dev.sysgenid.agent.Jdk;
import dev.sysgenid.agent.Unsuitable;

/** What new instances of SplittableRandom begin with. */
final class SplittableSeeds extends SeedCounters {
    @Override
    public String name() {
        return "splittable-seeds";
    }

    @Override
    public String what() {
        return "the seed of the next new SplittableRandom()";
    }

    @Override
    public void prepare(Jdk jdk) throws Unsuitable {
        add(jdk, "java.util.SplittableRandom", "defaultGen");
    }
}
