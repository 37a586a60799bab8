// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

/** The one generator of this process; set up by the first draw, not by the installation of the provider. */
final class Shared {
    static final Generator GENERATOR = new Generator(
            new NoGenerations(), new Kernel(), new AesWhenWarm(), Unguarded.chosen(), Generator.stripesHere());

    static final TimeOrdered TIME_ORDERED = new TimeOrdered(GENERATOR, System::currentTimeMillis);

    private Shared() {}

    /** Nothing tells of restores. */
    private static final class NoGenerations implements Generations {
        @Override
        public long stamp() {
            return 0;
        }

        @Override
        public boolean isGuarded() {
            return false;
        }
    }
}
