// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.UUID;

/** What a draw gave, in the order in which the generator made it, and which of its bits are random. */
final class Drawn {
    private static final long VERSION_7_RANDOM = (1L << 58) - 1;

    /** At least eight. */
    private final byte[] bytes;

    /** A mask of the same length. */
    private final byte[] random;

    private Drawn(byte[] bytes, byte[] random) {
        this.bytes = bytes;
        this.random = random;
    }

    byte[] bytes() {
        return bytes;
    }

    static Drawn of(byte[] bytes) {
        byte[] all = new byte[bytes.length];
        Arrays.fill(all, (byte) -1);
        return new Drawn(bytes, all);
    }

    static Drawn of(long number) {
        return new Drawn(words(number), words(-1));
    }

    /** A version 4 made of two numbers of the generator's. */
    static Drawn ofNumbers(UUID uuid) {
        return new Drawn(
                words(uuid.getMostSignificantBits(), uuid.getLeastSignificantBits()), words(~0xF000L, -1L >>> 2));
    }

    /** A version 4 made of 16 bytes, as the JDK does it. */
    static Drawn ofBytes(UUID uuid) {
        ByteBuffer bytes = ByteBuffer.allocate(16);
        ByteBuffer random = ByteBuffer.allocate(16);
        bytes.putLong(uuid.getMostSignificantBits()).putLong(uuid.getLeastSignificantBits());
        random.putLong(~0xF000L).putLong(-1L >>> 2);
        return new Drawn(bytes.array(), random.array());
    }

    /** The end of a version 7, which is one number of the generator's. */
    static Drawn ofTimeOrdered(UUID uuid) {
        return new Drawn(words(uuid.getLeastSignificantBits()), words(VERSION_7_RANDOM));
    }

    private static byte[] words(long... words) {
        ByteBuffer bytes = ByteBuffer.allocate(words.length * Long.BYTES).order(ByteOrder.nativeOrder());
        for (long word : words) {
            bytes.putLong(word);
        }
        return bytes.array();
    }

    boolean isWhole() {
        for (byte mask : random) {
            if (mask != -1) {
                return false;
            }
        }
        return true;
    }

    /** Whether all that is random of this stands in {@code text} at {@code at}. */
    boolean standsIn(byte[] text, int at) {
        for (int i = 0; i < bytes.length; i++) {
            if (((bytes[i] ^ text[at + i]) & random[i]) != 0) {
                return false;
            }
        }
        return true;
    }
}
