// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import java.util.Arrays;

/**
 * ChaCha20 with fast key erasure: a key makes one stream, of which block 0 is the next key and the blocks from 1 on are
 * the output. No key is used twice, so the nonce is always 0.
 */
final class ChaChaDrbg implements Drbg {
    private final int[] input = ChaCha20.input();
    private final byte[] next = new byte[ChaCha20.KEY];

    @Override
    public void reseed(byte[] entropy) {
        // 32 bytes go into the key, 16 into the counter and the nonce of the one block that is the next key.
        for (int i = 0; i < SEED / 4; i++) {
            input[ChaCha20.KEY_WORD + i] ^= ChaCha20.word(entropy, 4 * i);
        }
        rekey();
    }

    @Override
    public void generate(byte[] out, int offset, int length) {
        input[ChaCha20.COUNTER_WORD] = 1;
        ChaCha20.stream(input, out, offset, length);
        input[ChaCha20.COUNTER_WORD] = 0;
        rekey();
    }

    private void rekey() {
        ChaCha20.block(input, next, 0, ChaCha20.KEY);
        for (int i = 0; i < ChaCha20.KEY / 4; i++) {
            input[ChaCha20.KEY_WORD + i] = ChaCha20.word(next, 4 * i);
        }
        Arrays.fill(next, (byte) 0);
        Arrays.fill(input, ChaCha20.COUNTER_WORD, ChaCha20.WORDS, 0);
    }

    @Override
    public void erase() {
        Arrays.fill(input, ChaCha20.KEY_WORD, ChaCha20.WORDS, 0);
    }

    @Override
    public ChaChaDrbg copy() {
        ChaChaDrbg copy = new ChaChaDrbg();
        System.arraycopy(input, 0, copy.input, 0, ChaCha20.WORDS);
        return copy;
    }
}
