// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import javax.crypto.Cipher;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Test;

/**
 * CTR_DRBG against NIST's 240 published cases for AES-256 without derivation function, and against the standard's text
 * written out with single AES blocks.
 *
 * <p>The cases are the file {@code crypto/fipsmodule/rand/ctrdrbg_vectors.txt} of AWS-LC and BoringSSL, which took them
 * from NIST's CAVP tests.
 */
class CtrDrbgTest {
    @Test
    void all240CasesOfNist() throws Exception {
        List<Map<String, byte[]>> cases = cases();
        assertThat(cases).hasSize(240);
        int withAdditionalInput = 0;
        for (Map<String, byte[]> each : cases) {
            CtrDrbg drbg = new CtrDrbg();
            drbg.reseed(xor(field(each, "EntropyInput"), field(each, "PersonalizationString")));
            drbg.reseed(xor(field(each, "EntropyInputReseed"), field(each, "AdditionalInputReseed")));
            byte[] expected = field(each, "ReturnedBits");
            byte[] out = new byte[expected.length];
            for (String input : List.of("AdditionalInput1", "AdditionalInput2")) {
                byte[] additional = field(each, input);
                if (additional.length == 0) {
                    drbg.generate(out, 0, out.length);
                } else {
                    drbg.generate(out, 0, out.length, additional);
                    withAdditionalInput++;
                }
            }
            assertThat(out).isEqualTo(expected);
        }
        assertThat(withAdditionalInput).isEqualTo(240);
    }

    @Test
    void requestsOfEveryLengthFollowTheStandard() throws Exception {
        Random random = new Random(1);
        byte[] seed = new byte[Drbg.SEED];
        random.nextBytes(seed);
        CtrDrbg drbg = new CtrDrbg();
        Reference reference = new Reference();
        drbg.reseed(seed);
        reference.update(seed);
        for (int length = 1; length <= 100; length++) {
            byte[] out = new byte[length];
            drbg.generate(out, 0, length);
            assertThat(out).as("%d bytes", length).isEqualTo(reference.generate(length));
        }
        byte[] longest = new byte[Drbg.MAX_REQUEST];
        drbg.generate(longest, 0, longest.length);
        assertThat(longest).isEqualTo(reference.generate(longest.length));
    }

    @Test
    void theCounterCarriesThroughAllItsBytes() throws Exception {
        // A seed that makes V all ones: from the zero state the seed is XORed with E(1), E(2), E(3) under the zero key.
        Reference reference = new Reference();
        byte[] zeroState = reference.keystream(Drbg.SEED);
        byte[] wanted = new byte[Drbg.SEED];
        Arrays.fill(wanted, 32, 48, (byte) 0xff);
        wanted[47] = (byte) 0xfe;
        byte[] seed = xor(zeroState, wanted);
        CtrDrbg drbg = new CtrDrbg();
        drbg.reseed(seed);
        Reference expected = new Reference();
        expected.update(seed);
        byte[] out = new byte[160];
        drbg.generate(out, 0, out.length);
        assertThat(out).isEqualTo(expected.generate(160));
        drbg.generate(out, 0, out.length);
        assertThat(out).isEqualTo(expected.generate(160));
    }

    @Test
    void anErasedStateIsTheZeroState() throws Exception {
        CtrDrbg drbg = new CtrDrbg();
        drbg.reseed(new byte[] {
            1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29,
            30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48
        });
        drbg.erase();
        byte[] out = new byte[64];
        drbg.generate(out, 0, out.length);
        byte[] known = new byte[64];
        new CtrDrbg().generate(known, 0, known.length);
        assertThat(out).isEqualTo(known);
    }

    @Test
    void aCopyGoesTheSameWayAndItsOwn() throws Exception {
        CtrDrbg drbg = new CtrDrbg();
        drbg.reseed(new byte[Drbg.SEED]);
        CtrDrbg copy = drbg.copy();
        byte[] one = new byte[100];
        byte[] other = new byte[100];
        drbg.generate(one, 0, 100);
        copy.generate(other, 0, 100);
        assertThat(other).isEqualTo(one);
        byte[] entropy = new byte[Drbg.SEED];
        entropy[0] = 1;
        drbg.reseed(entropy);
        drbg.generate(one, 0, 100);
        copy.generate(other, 0, 100);
        assertThat(other).isNotEqualTo(one);
    }

    /** The standard's loops, with one AES block at a time and big integers: nothing in common with the code above. */
    private static final class Reference {
        private static final BigInteger BLOCKS = BigInteger.ONE.shiftLeft(128);

        private byte[] key = new byte[32];
        private BigInteger v = BigInteger.ZERO;

        byte[] keystream(int length) throws GeneralSecurityException {
            Cipher aes = Cipher.getInstance("AES/ECB/NoPadding");
            aes.init(Cipher.ENCRYPT_MODE, new SecretKeySpec(key, "AES"));
            byte[] out = new byte[(length + 15) / 16 * 16];
            for (int i = 0; i < out.length; i += 16) {
                v = v.add(BigInteger.ONE).mod(BLOCKS);
                byte[] magnitude = v.toByteArray();
                byte[] block = new byte[16];
                int used = Math.min(16, magnitude.length);
                System.arraycopy(magnitude, magnitude.length - used, block, 16 - used, used);
                aes.update(block, 0, 16, out, i);
            }
            return Arrays.copyOf(out, length);
        }

        void update(byte[] input) throws GeneralSecurityException {
            byte[] state = xor(keystream(48), input);
            key = Arrays.copyOf(state, 32);
            v = new BigInteger(1, Arrays.copyOfRange(state, 32, 48));
        }

        byte[] generate(int length) throws GeneralSecurityException {
            byte[] out = keystream(length);
            update(new byte[48]);
            return out;
        }
    }

    private static byte[] xor(byte[] one, byte[] other) {
        byte[] out = one.clone();
        for (int i = 0; i < other.length; i++) {
            out[i] ^= other[i];
        }
        return out;
    }

    private static byte[] field(Map<String, byte[]> each, String name) {
        return Objects.requireNonNull(each.get(name), name);
    }

    private static List<Map<String, byte[]>> cases() throws IOException {
        List<Map<String, byte[]>> cases = new ArrayList<>();
        InputStream file = Objects.requireNonNull(CtrDrbgTest.class.getResourceAsStream("ctrdrbg_vectors.txt"));
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(file, StandardCharsets.US_ASCII))) {
            Map<String, byte[]> each = new HashMap<>();
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                int equals = line.indexOf('=');
                if (line.startsWith("#") || equals < 0) {
                    continue;
                }
                String name = line.substring(0, equals).trim();
                each.put(
                        name, HexFormat.of().parseHex(line.substring(equals + 1).trim()));
                if (name.equals("ReturnedBits")) {
                    cases.add(each);
                    each = new HashMap<>();
                }
            }
        }
        return cases;
    }
}
