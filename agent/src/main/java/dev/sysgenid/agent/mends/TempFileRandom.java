// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.mends;

import dev.sysgenid.agent.Jdk;
import dev.sysgenid.agent.Unsuitable;

/** The generators of names of temporary files. */
final class TempFileRandom extends HeldRandoms {
    @Override
    public String name() {
        return "temp-files";
    }

    @Override
    public String what() {
        return "names of temporary files and directories";
    }

    @Override
    public void prepare(Jdk jdk) throws Unsuitable {
        add(jdk, "java.nio.file.TempFileHelper", "random");
        try {
            add(jdk, "java.io.File$TempDirectory", "RANDOM");
        } catch (Unsuitable e) {
            add(jdk, "java.io.File$TempDirectory", "random"); // its name on 17
        }
    }
}
