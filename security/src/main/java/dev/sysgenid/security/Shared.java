// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import dev.sysgenid.SysGenId;

/** The one generator of this process; set up by the first draw, not by the installation of the provider. */
final class Shared {
    static final Generator GENERATOR =
            new Generator(new SystemGenerations(), new Kernel(), new AesWhenWarm(), Generator.stripesHere());

    static {
        SysGenId.beforeCheckpoint(new Eraser());
    }

    private Shared() {}

    /** The user's; in a class of its own, for most processes never ask. */
    private static final class Choice {
        static final Unguarded UNGUARDED = Unguarded.chosen();
    }

    /** A class and no lambda: the first bytes of a JVM wait for neither. */
    private static final class Eraser implements Runnable {
        @Override
        public void run() {
            GENERATOR.erase();
        }
    }

    /** The generations that the client library sees. */
    private static final class SystemGenerations implements Generations {
        private static final SysGenId ID = SysGenId.open();

        /** By what is told too late, a clone that already runs draws what another one draws. */
        private static final boolean GUARDED = ID.isGuarded() && ID.isImmediate();

        @Override
        public long stamp() {
            return ID.stamp();
        }

        @Override
        public boolean isGuarded() {
            return GUARDED; // does not change in the life of a process
        }

        @Override
        public Unguarded unguarded() {
            return Choice.UNGUARDED;
        }
    }
}
