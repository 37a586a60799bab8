// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.bench.random;

import com.amazon.corretto.crypto.provider.AmazonCorrettoCryptoProvider;
import dev.sysgenid.security.SysGenIdProvider;
import java.security.GeneralSecurityException;
import java.security.Provider;
import java.security.SecureRandom;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.conscrypt.Conscrypt;

/** A SecureRandom to be measured. */
public enum Peer {
    /** Ours. */
    SYSGENID {
        @Override
        SecureRandom random() {
            return SysGenIdProvider.secureRandom();
        }
    },
    /** What {@code new SecureRandom()} gives: NativePRNG. */
    JDK {
        @Override
        SecureRandom random() {
            return new SecureRandom();
        }
    },
    /** Amazon Corretto Crypto Provider. */
    ACCP {
        @Override
        SecureRandom random() throws GeneralSecurityException {
            return first(AmazonCorrettoCryptoProvider.INSTANCE);
        }
    },
    /** Conscrypt. */
    CONSCRYPT {
        @Override
        SecureRandom random() throws GeneralSecurityException {
            return first(Conscrypt.newProvider());
        }
    },
    /** Bouncy Castle. */
    BOUNCY_CASTLE {
        @Override
        SecureRandom random() throws GeneralSecurityException {
            return SecureRandom.getInstance("DEFAULT", new BouncyCastleProvider());
        }
    };

    abstract SecureRandom random() throws GeneralSecurityException;

    /** The provider's generator under whatever name it has there. */
    private static SecureRandom first(Provider provider) throws GeneralSecurityException {
        for (Provider.Service service : provider.getServices()) {
            if (service.getType().equals("SecureRandom")) {
                return SecureRandom.getInstance(service.getAlgorithm(), provider);
            }
        }
        throw new GeneralSecurityException("no SecureRandom in " + provider);
    }
}
