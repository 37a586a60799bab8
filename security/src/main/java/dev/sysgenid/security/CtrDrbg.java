// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import java.security.GeneralSecurityException;
import java.security.Provider;
import java.security.ProviderException;
import java.security.SecureRandom;
import java.security.SecureRandomSpi;
import java.security.Security;
import java.util.Arrays;
import javax.crypto.Cipher;
import javax.crypto.SecretKey;
import javax.crypto.spec.IvParameterSpec;
import org.jspecify.annotations.Nullable;

/**
 * CTR_DRBG with AES-256 and without derivation function: NIST SP 800-90A Rev. 1, section 10.2.1, over the JDK's cipher.
 *
 * <p>The state is a key and a counter V. A cipher in counter mode whose first block is V + 1 makes exactly the blocks of
 * the standard's loops, one after the other: so a request for n bytes is one keystream of n bytes (rounded up to a
 * block) and 48 more, which are the next key and the next V (CTR_DRBG_Update without input). The cipher is given these
 * at once, at the end of the call and not at the beginning of the next one: so it never rests in a state from which the
 * bytes just given could be computed. Arrays that the JDK's cipher has let go of are beyond our reach and last until the
 * collector reuses their place.
 */
final class CtrDrbg implements Drbg {
    private static final int BLOCK = 16;
    private static final int KEY = 32;

    /**
     * A keystream is asked for in pieces: the JIT compiles what is called often, not what takes long, and a piece of zeros
     * stays in the nearest cache.
     */
    private static final int PIECE = 8_192;

    /** The plaintext of every keystream. Never written. */
    private static final byte[] ZEROS = new byte[PIECE];

    /** The JDK asks for a source of randomness at every init, and would look for the default one: this provider. */
    private static final SecureRandom UNUSED = new Unused();

    private final Cipher cipher;

    /** The key, then V. */
    private final byte[] state = new byte[SEED];

    private final byte[] stream = new byte[SEED];
    private final byte[] firstBlock = new byte[BLOCK];
    private final Key key = new Key(state);

    /**
     * A generator in the state that instantiation starts from: all 0. {@link #reseed} with entropy XOR personalization
     * is what makes it CTR_DRBG_Instantiate.
     *
     * @throws GeneralSecurityException when this JDK has no such cipher
     */
    CtrDrbg() throws GeneralSecurityException {
        this(newCipher());
    }

    private CtrDrbg(Cipher cipher) {
        this.cipher = cipher;
        restart();
    }

    /** The JDK's own implementation where it is there: what stands first in the list of providers may be slow. */
    private static Cipher newCipher() throws GeneralSecurityException {
        @Nullable Provider jdk = Security.getProvider("SunJCE");
        return jdk == null ? Cipher.getInstance("AES/CTR/NoPadding") : Cipher.getInstance("AES/CTR/NoPadding", jdk);
    }

    @Override
    public void reseed(byte[] entropy) {
        update(entropy);
    }

    @Override
    public void generate(byte[] out, int offset, int length) {
        keystream(out, offset, length);
        int beyond = length & (BLOCK - 1);
        if (beyond != 0) {
            keystream(stream, 0, BLOCK - beyond);
        }
        keystream(state, 0, SEED);
        restart();
    }

    /** As {@link #generate}, with {@link #SEED} bytes of additional input as the standard has it. */
    void generate(byte[] out, int offset, int length, byte[] additional) {
        update(additional);
        keystream(out, offset, length);
        int beyond = length & (BLOCK - 1);
        if (beyond != 0) {
            keystream(stream, 0, BLOCK - beyond);
        }
        update(additional);
    }

    /** CTR_DRBG_Update: the next 48 bytes of the keystream, XOR the input, are the new state. */
    private void update(byte[] input) {
        keystream(stream, 0, SEED);
        for (int i = 0; i < SEED; i++) {
            state[i] = (byte) (stream[i] ^ input[i]);
        }
        Arrays.fill(stream, (byte) 0);
        restart();
    }

    /** Gives the cipher the key, and V + 1 as its first block. */
    private void restart() {
        System.arraycopy(state, KEY, firstBlock, 0, BLOCK);
        for (int i = BLOCK - 1; i >= 0 && ++firstBlock[i] == 0; i--) {}
        try {
            cipher.init(Cipher.ENCRYPT_MODE, key, new IvParameterSpec(firstBlock), UNUSED);
        } catch (GeneralSecurityException e) {
            throw new ProviderException(e);
        }
    }

    private void keystream(byte[] out, int offset, int length) {
        try {
            for (int done = 0; done < length; done += PIECE) {
                cipher.update(ZEROS, 0, Math.min(PIECE, length - done), out, offset + done);
            }
        } catch (GeneralSecurityException e) {
            throw new ProviderException(e);
        }
    }

    @Override
    public void erase() {
        Arrays.fill(state, (byte) 0);
        Arrays.fill(stream, (byte) 0);
        restart();
    }

    @Override
    public CtrDrbg copy() {
        try {
            CtrDrbg copy = new CtrDrbg();
            System.arraycopy(state, 0, copy.state, 0, SEED);
            copy.restart();
            return copy;
        } catch (GeneralSecurityException e) {
            throw new ProviderException(e);
        }
    }

    /** The key part of the state, seen as a key: the JDK's own class would keep a copy for each init. */
    private static final class Key implements SecretKey {
        private static final long serialVersionUID = 1;

        @SuppressWarnings("serial") // never leaves this class
        private final byte[] state;

        Key(byte[] state) {
            this.state = state;
        }

        @Override
        public String getAlgorithm() {
            return "AES";
        }

        @Override
        public String getFormat() {
            return "RAW";
        }

        @Override
        public byte[] getEncoded() {
            // A copy by contract: the cipher overwrites it when it has its schedule.
            return Arrays.copyOf(state, KEY);
        }
    }

    /** A source of randomness that nobody may ask: counter mode with a given first block needs none. */
    private static final class Unused extends SecureRandom {
        private static final long serialVersionUID = 1;

        Unused() {
            super(new Spi(), null);
        }

        private static final class Spi extends SecureRandomSpi {
            private static final long serialVersionUID = 1;

            @Override
            protected void engineSetSeed(byte[] seed) {
                throw new UnsupportedOperationException();
            }

            @Override
            protected void engineNextBytes(byte[] bytes) {
                throw new UnsupportedOperationException();
            }

            @Override
            protected byte[] engineGenerateSeed(int count) {
                throw new UnsupportedOperationException();
            }
        }
    }
}
