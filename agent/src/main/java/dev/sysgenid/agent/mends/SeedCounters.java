// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.mends;

import dev.sysgenid.agent.Fresh;
import dev.sysgenid.agent.Jdk;
import dev.sysgenid.agent.Mend;
import dev.sysgenid.agent.Unsuitable;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/** Counters from which new generators get their seeds: each is set to a new random number. */
abstract class SeedCounters implements Mend {
    private final List<Jdk.Static> counters = new ArrayList<>();

    /** Looks for the counter in a field. */
    final void add(Jdk jdk, String owner, String field) throws Unsuitable {
        counters.add(jdk.statics(owner, field, AtomicLong.class));
    }

    @Override
    public String expects() {
        return "a static AtomicLong in each class";
    }

    @Override
    public String verifies() {
        return "the counter is no longer what it was";
    }

    @Override
    public int renew() throws Exception {
        int count = 0;
        for (Jdk.Static each : counters) {
            if (each.get() instanceof AtomicLong counter) {
                long before = counter.getAndSet(Fresh.nonZeroLong());
                if (counter.get() == before) {
                    throw new IllegalStateException(each + " is what it was");
                }
                count++;
            }
        }
        return count;
    }
}
