// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import dev.sysgenid.SysGenId;

/** The one generator of this process; set up by the first draw, not by the installation of the provider. */
final class Shared {
    static final Generator GENERATOR = new Generator(
            new SystemGenerations(), new Kernel(), new AesWhenWarm(), Unguarded.chosen(), Generator.stripesHere());

    static {
        // After the first look at the generation: resources are told of a restore in the order of their registration.
        Checkpoints.eraseBefore(GENERATOR);
    }

    private Shared() {}

    /** The generations that the client library sees. */
    private static final class SystemGenerations implements Generations {
        private static final SysGenId ID = SysGenId.open();

        private static final boolean GUARDED = ID.isGuarded();

        @Override
        public long stamp() {
            return ID.stamp();
        }

        @Override
        public boolean isGuarded() {
            return GUARDED; // does not change in the life of a process
        }
    }
}
