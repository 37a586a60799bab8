// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Where the generation of a domain is looked at. Any thread may look. */
abstract class Page {
    /** The generation of this moment. */
    abstract int load();

    /** The device's page in this process's memory, which others change: one acquire load. */
    static final class Mapped extends Page {
        private static final VarHandle INT =
                MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.nativeOrder());

        /** Direct, at least four bytes; unmapped some time after nobody refers to it. */
        final ByteBuffer memory;

        Mapped(ByteBuffer memory) {
            this.memory = memory;
        }

        @Override
        int load() {
            return (int) INT.getAcquire(memory, dev.sysgenid.abi.Page.GENERATION_OFFSET);
        }
    }

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
