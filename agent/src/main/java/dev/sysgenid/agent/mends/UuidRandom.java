// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.mends;

import dev.sysgenid.agent.Jdk;
import dev.sysgenid.agent.Unsuitable;

/** The generator behind UUID.randomUUID. */
final class UuidRandom extends HeldRandoms {
    @Override
    public String name() {
        return "uuid";
    }

    @Override
    public String what() {
        return "UUID.randomUUID";
    }

    @Override
    public void prepare(Jdk jdk) throws Unsuitable {
        add(jdk, "java.util.UUID$Holder", "numberGenerator");
    }
}
