// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import java.util.Random;
import javax.crypto.Cipher;
import javax.crypto.spec.ChaCha20ParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Test;

/** ChaCha20 against the vectors of RFC 8439 and against the JDK's. */
class ChaCha20Test {
    private static final String ZERO_KEY = "00".repeat(32);
    private static final String ZERO_NONCE = "00".repeat(12);

    @Test
    void quarterRoundOfSection211() {
        int[] x = {0x11111111, 0x01020304, 0x9b8d6f43, 0x01234567};
        ChaCha20.quarterRound(x, 0, 1, 2, 3);
        assertThat(x).containsExactly(0xea2a92f4, 0xcb1cf8ce, 0x4581472e, 0x5881c4bb);
    }

    @Test
    void blockOfSection232() {
        assertThat(block(
                        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
                        1,
                        "000000090000004a00000000"))
                .isEqualTo("10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e"
                        + "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e");
    }

    @Test
    void blocksOfAppendixA1() {
        assertThat(block(ZERO_KEY, 0, ZERO_NONCE))
                .isEqualTo("76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
                        + "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586");
        assertThat(block(ZERO_KEY, 1, ZERO_NONCE))
                .isEqualTo("9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed"
                        + "29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f");
        assertThat(block("00".repeat(31) + "01", 1, ZERO_NONCE))
                .isEqualTo("3aeb5224ecf849929b9d828db1ced4dd832025e8018b8160b82284f3c949aa5a"
                        + "8eca00bbb4a73bdad192b5c42f73f2fd4e273644c8b36125a64addeb006c13a0");
        assertThat(block("00ff" + "00".repeat(30), 2, ZERO_NONCE))
                .isEqualTo("72d54dfbf12ec44b362692df94137f328fea8da73990265ec1bbbea1ae9af0ca"
                        + "13b25aa26cb4a648cb9b9d1be65b2c0924a66c54d545ec1b7374f4872e99f096");
        assertThat(block(ZERO_KEY, 0, "00".repeat(11) + "02"))
                .isEqualTo("c2c64d378cd536374ae204b9ef933fcd1a8b2288b3dfa49672ab765b54ee27c7"
                        + "8a970e0e955c14f3a88e741b97c286f75f8fc299e8148362fa198a39531bed6d");
    }

    @Test
    void streamsAreTheJdks() throws Exception {
        Random random = new Random(7);
        for (int length = 1; length < 300; length++) {
            byte[] key = new byte[ChaCha20.KEY];
            random.nextBytes(key);
            int[] input = input(key, 1, new byte[12]);
            byte[] out = new byte[length];
            ChaCha20.stream(input, out, 0, length);
            Cipher jdk = Cipher.getInstance("ChaCha20");
            jdk.init(
                    Cipher.ENCRYPT_MODE,
                    new SecretKeySpec(key, "ChaCha20"),
                    new ChaCha20ParameterSpec(new byte[12], 1));
            assertThat(out).isEqualTo(jdk.doFinal(new byte[length]));
        }
    }

    @Test
    void theGeneratorErasesItsKeyWithEachCall() {
        ChaChaDrbg drbg = new ChaChaDrbg();
        byte[] seed = new byte[Drbg.SEED];
        new Random(3).nextBytes(seed);
        drbg.reseed(seed);
        byte[] first = new byte[64];
        drbg.generate(first, 0, 64);
        // The key that comes next is block 0 of the stream whose block 1 was the output; then that is the key.
        ChaChaDrbg fromTheSeed = new ChaChaDrbg();
        fromTheSeed.reseed(seed);
        byte[] again = new byte[64];
        fromTheSeed.generate(again, 0, 64);
        assertThat(again).isEqualTo(first);
        byte[] second = new byte[64];
        drbg.generate(second, 0, 64);
        ChaChaDrbg longer = new ChaChaDrbg();
        longer.reseed(seed);
        byte[] both = new byte[128];
        longer.generate(both, 0, 128);
        assertThat(second).isNotEqualTo(java.util.Arrays.copyOfRange(both, 64, 128));
    }

    private static String block(String key, int counter, String nonce) {
        byte[] out = new byte[ChaCha20.BLOCK];
        ChaCha20.block(
                input(HexFormat.of().parseHex(key), counter, HexFormat.of().parseHex(nonce)), out, 0, out.length);
        return HexFormat.of().formatHex(out);
    }

    private static int[] input(byte[] key, int counter, byte[] nonce) {
        int[] input = ChaCha20.input();
        for (int i = 0; i < 8; i++) {
            input[ChaCha20.KEY_WORD + i] = ChaCha20.word(key, 4 * i);
        }
        input[ChaCha20.COUNTER_WORD] = counter;
        for (int i = 0; i < 3; i++) {
            input[ChaCha20.COUNTER_WORD + 1 + i] = ChaCha20.word(nonce, 4 * i);
        }
        return input;
    }
}
