// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.mends;

import dev.sysgenid.agent.Jdk;
import dev.sysgenid.agent.Unsuitable;
import java.util.List;

/** What new instances of the ten generators of {@code java.util.random} begin with. */
final class GeneratorSeeds extends SeedCounters {
    /** Where they are: a module of their own before 25. */
    private static final List<String> PACKAGES = List.of("jdk.internal.random.", "jdk.random.");

    private static final List<String> NAMES = List.of(
            "L32X64MixRandom",
            "L64X128MixRandom",
            "L64X128StarStarRandom",
            "L64X256MixRandom",
            "L64X1024MixRandom",
            "L128X128MixRandom",
            "L128X256MixRandom",
            "L128X1024MixRandom",
            "Xoroshiro128PlusPlus");

    @Override
    public String name() {
        return "generator-seeds";
    }

    @Override
    public String what() {
        return "the seeds of the next generators by RandomGenerator.of(...), all ten";
    }

    @Override
    public void prepare(Jdk jdk) throws Unsuitable {
        for (String each : PACKAGES) {
            if (jdk.findOrNull(each + NAMES.get(0)) != null) {
                for (String name : NAMES) {
                    add(jdk, each + name, "defaultGen");
                }
                add(jdk, each + "Xoshiro256PlusPlus", "DEFAULT_GEN");
                return;
            }
        }
        jdk.find("jdk.random." + NAMES.get(0));
    }
}
