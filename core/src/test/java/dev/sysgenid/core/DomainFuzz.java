// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.core;

import java.util.Random;

/**
 * What a fuzzer calls: its bytes decide which calls are made on a {@link Domain} and on the model of it. No class of a
 * fuzzer is needed, so the same inputs are run by a plain test, see {@link DomainFuzzTest}.
 */
public final class DomainFuzz {
    /** Enough for all that depends on an order; longer inputs only repeat it. */
    private static final int LONGEST = 2000;

    private DomainFuzz() {}

    /** Throws when the domain differs from the model. The name is one that the fuzzer looks for. */
    public static void fuzzerTestOneInput(byte[] data) {
        if (data.length == 0) {
            return;
        }
        Bytes bytes = new Bytes(data);
        ModelRun run = new ModelRun(bytes, "input", bytes.nextInt(ModelRun.VARIANTS));
        while (bytes.left() > 0) {
            run.steps(1);
        }
    }

    /** Bytes in the place of chance: one for each decision, so that a fuzzer sees what each of them does. */
    @SuppressWarnings("serial") // is never serialized
    private static final class Bytes extends Random {
        private final byte[] data;
        private final int end;
        private int position;

        Bytes(byte[] data) {
            this.data = data;
            this.end = Math.min(data.length, LONGEST);
        }

        int left() {
            return end - position;
        }

        @Override
        public int nextInt(int bound) {
            return position < end ? Byte.toUnsignedInt(data[position++]) % bound : 0;
        }

        @Override
        public long nextLong(long bound) {
            return Math.min(bound - 1, nextInt(256));
        }
    }
}
