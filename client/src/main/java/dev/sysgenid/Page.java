// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

/** Where the generation of a domain is looked at. Any thread may look. */
abstract class Page {
    /** The generation of this moment. */
    abstract int load();

    /** A generation that this process itself keeps. */
    static final class Held extends Page {
        private volatile int generation;

        Held(int generation) {
            this.generation = generation;
        }

        void store(int newGeneration) {
            generation = newGeneration;
        }

        @Override
        int load() {
            return generation;
        }
    }
}
