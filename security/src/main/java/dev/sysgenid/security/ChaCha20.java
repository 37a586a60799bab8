// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import java.util.Arrays;

/**
 * The ChaCha20 block function of RFC 8439, section 2.3, in plain Java: nothing to load and nothing to look up, so it
 * serves the first bytes of a JVM, tens of milliseconds before its first cipher is ready.
 *
 * <p>The input is the 16 words of the RFC's matrix: 4 constants, 8 words of key, the block counter, 3 words of nonce.
 */
final class ChaCha20 {
    /** The words of the input matrix. */
    static final int WORDS = 16;

    /** The bytes that one block gives. */
    static final int BLOCK = 64;

    /** The bytes of a key. */
    static final int KEY = 32;

    /** Where the key's words begin in the input. */
    static final int KEY_WORD = 4;

    /** Where the block counter stands in the input; the nonce follows. */
    static final int COUNTER_WORD = 12;

    private ChaCha20() {}

    /** A new input with the constants in place and everything else 0. */
    static int[] input() {
        int[] input = new int[WORDS];
        input[0] = 0x61707865;
        input[1] = 0x3320646e;
        input[2] = 0x79622d32;
        input[3] = 0x6b206574;
        return input;
    }

    /** Computes the block of {@code input} and writes its first {@code length} (at most 64) bytes. */
    static void block(int[] input, byte[] out, int offset, int length) {
        int[] x = new int[WORDS];
        System.arraycopy(input, 0, x, 0, WORDS);
        for (int round = 0; round < 10; round++) {
            quarterRound(x, 0, 4, 8, 12);
            quarterRound(x, 1, 5, 9, 13);
            quarterRound(x, 2, 6, 10, 14);
            quarterRound(x, 3, 7, 11, 15);
            quarterRound(x, 0, 5, 10, 15);
            quarterRound(x, 1, 6, 11, 12);
            quarterRound(x, 2, 7, 8, 13);
            quarterRound(x, 3, 4, 9, 14);
        }
        for (int i = 0; i < WORDS; i++) {
            x[i] += input[i];
        }
        for (int i = 0; i < length; i++) {
            out[offset + i] = (byte) (x[i >> 2] >>> ((i & 3) << 3));
        }
        // The words are a block that was handed out, or the next key.
        Arrays.fill(x, 0);
    }

    /** Writes the blocks of {@code input} from its counter on; the counter is left behind the last one. */
    static void stream(int[] input, byte[] out, int offset, int length) {
        for (int done = 0; done < length; done += BLOCK) {
            block(input, out, offset + done, Math.min(BLOCK, length - done));
            input[COUNTER_WORD]++;
        }
    }

    /** RFC 8439, section 2.1. */
    static void quarterRound(int[] x, int a, int b, int c, int d) {
        x[a] += x[b];
        x[d] = Integer.rotateLeft(x[d] ^ x[a], 16);
        x[c] += x[d];
        x[b] = Integer.rotateLeft(x[b] ^ x[c], 12);
        x[a] += x[b];
        x[d] = Integer.rotateLeft(x[d] ^ x[a], 8);
        x[c] += x[d];
        x[b] = Integer.rotateLeft(x[b] ^ x[c], 7);
    }

    /** The little-endian word at {@code offset}. */
    static int word(byte[] bytes, int offset) {
        return (bytes[offset] & 0xff)
                | (bytes[offset + 1] & 0xff) << 8
                | (bytes[offset + 2] & 0xff) << 16
                | (bytes[offset + 3] & 0xff) << 24;
    }
}
