// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import java.security.NoSuchAlgorithmException;
import java.security.Provider;
import java.security.SecureRandom;
import java.security.Security;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The security provider whose {@link SecureRandom} cannot repeat itself in a clone of this system: installed first, it
 * stands behind {@code new SecureRandom()}, {@code SecureRandom.getInstanceStrong()}, and {@code SecureRandom.getInstance}
 * of {@code NativePRNG}, {@code NativePRNGBlocking}, {@code NativePRNGNonBlocking}, {@code DRBG} and its own name,
 * {@code SysGenID}.
 *
 * <p>Three ways to install it, each harmless when done twice:
 *
 * <ul>
 *   <li>in code, {@link #install()}, as early as can be: SecureRandoms made before it stay what they are;
 *   <li>by {@code -Djava.security.properties=FILE}, where FILE is {@code META-INF/sysgenid.security} of this jar, or its
 *       address, {@code jar:file:/DIRECTORY/sysgenid-security-VERSION.jar!/META-INF/sysgenid.security};
 *   <li>in the JDK's {@code conf/security/java.security}, by the lines of that file: {@code security.provider.1=SysGenID},
 *       the others one further, and {@code securerandom.strongAlgorithms}.
 * </ul>
 *
 * <p>The last two need this jar on the class path or module path of the JVM: one inside another jar is not found, and the
 * JDK does not say so.
 *
 * <p>{@code SHA1PRNG} is taken over only with the system property {@code sysgenid.random.sha1prng=true}: an instance of it
 * that is seeded before its first use gives the same bytes every time by contract, which this provider never does.
 *
 * <p>The system property {@code sysgenid.random.unguarded} says what to do on a machine where nothing would tell of a
 * restore: {@code mix} (the default; every call depends on 32 new kernel bytes), {@code strict} (every call is the
 * kernel's) or {@code trust} (as if restores were told; one warning).
 */
public final class SysGenIdProvider extends Provider {
    /** The name of the provider and of its own algorithm. */
    public static final String NAME = "SysGenID";

    private static final long serialVersionUID = 1;

    private static final String SHA1PRNG = "sysgenid.random.sha1prng";

    private static final String STRONG_ALGORITHMS = "securerandom.strongAlgorithms";

    private static final String STRONG = NAME + ":" + NAME;

    private static final List<String> ALGORITHMS =
            // The first is what "new SecureRandom()" is called.
            List.of(NAME, "NativePRNG", "NativePRNGBlocking", "NativePRNGNonBlocking", "DRBG");

    /** The provider, not installed. The JDK calls this when it is configured; programs call {@link #install()}. */
    public SysGenIdProvider() {
        super(NAME, "0.1", "SysGenID: random bytes that do not repeat in clones");
        for (String algorithm : ALGORITHMS) {
            putService(new RandomService(this, algorithm));
        }
        if (Boolean.getBoolean(SHA1PRNG)) {
            putService(new RandomService(this, "SHA1PRNG"));
        }
    }

    /**
     * Puts the provider before all others, wherever it was before, and makes it the first of the strong ones. Doing so
     * again changes nothing.
     *
     * <p><b>Threads:</b> any; one at a time is let in.
     *
     * @throws SecurityException when a security manager forbids it
     */
    public static synchronized void install() {
        makeStrong();
        Provider[] installed = Security.getProviders();
        if (installed.length > 0 && installed[0].getName().equals(NAME)) {
            return;
        }
        Security.removeProvider(NAME);
        Security.insertProviderAt(new SysGenIdProvider(), 1);
    }

    /** For {@code getInstanceStrong}, which asks for providers by their names, and never for the first. */
    private static void makeStrong() {
        String strong = Security.getProperty(STRONG_ALGORITHMS);
        if (strong == null || strong.isBlank()) {
            Security.setProperty(STRONG_ALGORITHMS, STRONG);
        } else if (!strong.startsWith(STRONG)) {
            Security.setProperty(STRONG_ALGORITHMS, STRONG + "," + strong);
        }
    }

    /** {@return a SecureRandom of this provider, whether or not it is installed} All of them are as good as one. */
    public static SecureRandom secureRandom() {
        try {
            return SecureRandom.getInstance(NAME, Instance.PROVIDER);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The provider for those who have not installed it. */
    private static final class Instance {
        static final SysGenIdProvider PROVIDER = new SysGenIdProvider();
    }

    /**
     * One name of the one implementation. Each name is a service of its own, not an alias, because the JDK looks for
     * "ThreadSafe" under the name that was asked for, and would lock around every call if it did not find it.
     */
    private static final class RandomService extends Service {
        RandomService(Provider provider, String algorithm) {
            super(
                    provider,
                    "SecureRandom",
                    algorithm,
                    Spi.class.getName(),
                    null,
                    Map.of("ThreadSafe", "true", "ImplementedIn", "Software"));
        }

        @Override
        public Object newInstance(@Nullable Object parameters) throws NoSuchAlgorithmException {
            if (!Spi.supports(parameters)) {
                throw new NoSuchAlgorithmException("no " + getAlgorithm() + " with " + parameters);
            }
            return new Spi();
        }
    }
}
