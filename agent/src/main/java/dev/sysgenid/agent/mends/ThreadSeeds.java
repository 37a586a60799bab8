// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.mends;

import dev.sysgenid.agent.Jdk;
import dev.sysgenid.agent.Unsuitable;

/** What the ThreadLocalRandom of new threads begins with. */
final class ThreadSeeds extends SeedCounters {
    @Override
    public String name() {
        return "thread-seeds";
    }

    @Override
    public String what() {
        return "the seed of ThreadLocalRandom in threads that start later";
    }

    @Override
    public void prepare(Jdk jdk) throws Unsuitable {
        add(jdk, "java.util.concurrent.ThreadLocalRandom", "seeder");
    }
}
