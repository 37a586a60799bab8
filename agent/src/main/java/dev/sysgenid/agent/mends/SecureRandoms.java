// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.mends;

import dev.sysgenid.agent.Fresh;
import dev.sysgenid.agent.Jdk;
import dev.sysgenid.agent.Unsuitable;
import dev.sysgenid.security.SysGenIdProvider;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodType;
import java.lang.invoke.VarHandle;
import java.lang.reflect.Field;
import java.security.Provider;
import java.security.SecureRandom;
import java.security.SecureRandomSpi;
import java.security.Security;
import org.jspecify.annotations.Nullable;

/** The inside of {@link SecureRandom}: what stands behind an instance, and how that is exchanged or given a new seed. */
final class SecureRandoms {
    /** The class behind those of the SysGenID provider, the agent's or the program's own. */
    private static final String OURS = "dev.sysgenid.security.Spi";

    private final Jdk jdk;
    private final VarHandle spi;
    private final VarHandle provider;
    private final VarHandle algorithm;
    private final Field threadSafe;
    private final MethodHandle setSeed;
    private final MethodHandle nextBytes;

    SecureRandoms(Jdk jdk) throws Unsuitable {
        this.jdk = jdk;
        spi = jdk.field(SecureRandom.class, "secureRandomSpi", SecureRandomSpi.class);
        provider = jdk.field(SecureRandom.class, "provider", Provider.class);
        algorithm = jdk.field(SecureRandom.class, "algorithm", String.class);
        try {
            threadSafe = SecureRandom.class.getDeclaredField("threadSafe");
        } catch (NoSuchFieldException e) {
            throw Unsuitable.differs("java.security.SecureRandom has no threadSafe");
        }
        setSeed = jdk.method(SecureRandomSpi.class, "engineSetSeed", MethodType.methodType(void.class, byte[].class));
        nextBytes =
                jdk.method(SecureRandomSpi.class, "engineNextBytes", MethodType.methodType(void.class, byte[].class));
    }

    /** What stands behind an instance; null while it is being made. */
    @Nullable
    SecureRandomSpi behind(SecureRandom random) {
        return (SecureRandomSpi) spi.getVolatile(random);
    }

    static boolean isOurs(SecureRandomSpi behind) {
        return behind.getClass().getName().equals(OURS);
    }

    /** Whether {@code new SecureRandom()} gives one of the SysGenID provider. */
    static boolean isInstalled() {
        return Security.getProvider(SysGenIdProvider.NAME) != null;
    }

    /** Puts the SysGenID provider's generator behind an instance. */
    void exchange(SecureRandom random) {
        SecureRandom source = SysGenIdProvider.secureRandom();
        provider.setVolatile(random, provider.getVolatile(source));
        algorithm.setVolatile(random, algorithm.getVolatile(source));
        spi.setVolatile(random, spi.getVolatile(source));
        jdk.setFinal(random, threadSafe, true); // not before: what was behind it may need the lock
    }

    /** Adds new random bytes to the state behind an instance. */
    void reseed(SecureRandomSpi behind) throws Exception {
        try {
            setSeed.invoke(behind, Fresh.seed());
        } catch (Exception | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    /** Draws, without asking anybody. */
    void draw(SecureRandomSpi behind, byte[] bytes) {
        try {
            nextBytes.invoke(behind, bytes);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }
}
