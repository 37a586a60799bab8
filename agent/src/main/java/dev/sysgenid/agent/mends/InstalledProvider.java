// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.mends;

import dev.sysgenid.agent.HookUser;
import dev.sysgenid.agent.Jdk;
import dev.sysgenid.agent.Mend;
import dev.sysgenid.agent.Unsuitable;
import dev.sysgenid.security.SnapshotSafeRandom;
import dev.sysgenid.security.SysGenIdProvider;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodType;
import java.lang.invoke.VarHandle;
import java.security.Provider;
import java.security.SecureRandom;
import java.security.Security;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The SysGenID provider, before all others: every SecureRandom that is made from then on looks at the generation itself.
 *
 * <p>The JDK's list of providers gets it while it is made, when the program uses one for the first time. Where there is
 * such a list already it is exchanged. Not by {@link Security#insertProviderAt}: that loads every provider there is, to
 * ask for its name.
 */
public final class InstalledProvider implements Mend, HookUser, Supplier<Provider> {
    private static final String OWNER = "sun.security.jca.Providers";
    private static final String STRONG = "securerandom.strongAlgorithms";
    private static final String LIST = "sun.security.jca.ProviderList";

    private volatile @Nullable Jdk jdk;
    private @Nullable VarHandle supplier;
    private @Nullable MethodHandle insert;

    /** The agent installed it; not the program. */
    private volatile boolean installed;

    /** Loads next to nothing. */
    public InstalledProvider() {}

    @Override
    public String name() {
        return "provider";
    }

    @Override
    public String what() {
        return "new SecureRandom(), and SecureRandom.getInstance of NativePRNG and DRBG";
    }

    @Override
    public String expects() {
        return "ProviderList.fromSecurityProperties(), configs and allLoaded, else Security.insertProviderAt;"
                + " no other provider of that name: else that one stays";
    }

    @Override
    public String verifies() {
        return "new SecureRandom() is of this provider";
    }

    // ---- when the list of providers is made

    @Override
    public void takeHook(Jdk here, Class<?> hook) throws Unsuitable {
        jdk = here;
        insert = here.staticMethod(hook, "insert", MethodType.methodType(boolean.class, Provider.class));
        VarHandle found = here.hookField(hook, "supplier", Supplier.class);
        found.setVolatile(this);
        supplier = found;
    }

    /** Called by the JDK in the middle of that. */
    @Override
    @SuppressWarnings("NullAway") // it has the hook
    public Provider get() {
        jdk.grantNativeAccess();
        makeStrong();
        installed = true;
        return new SysGenIdProvider();
    }

    // ----

    @Override
    public void prepare(Jdk here) {
        jdk = here;
    }

    @Override
    @SuppressWarnings("NullAway") // prepared
    public void install() throws Exception {
        try {
            jdk.weave(jdk.find(LIST));
        } catch (Unsuitable e) {
            insertByItsName(); // another JDK; slower
        }
        if (System.getProperty("java.security.manager") != null) {
            // Now, while no class of the program is among the callers: a security manager would ask what that may do.
            Provider unused = Security.getProvider(SysGenIdProvider.NAME);
        }
        if (isUsed() && !installed && Security.getProvider(SysGenIdProvider.NAME) == null) {
            insert();
        }
        // The first draw opens the device: here, where a security manager does not see the program behind it.
        long unused = SnapshotSafeRandom.instance().nextLong();
        if (isUsed()) {
            verify();
        }
    }

    private void insertByItsName() {
        if (Security.getProvider(SysGenIdProvider.NAME) == null) {
            SysGenIdProvider.install();
            installed = true;
        }
    }

    private void insert() throws Exception {
        MethodHandle into = insert;
        try {
            if (into == null || !(boolean) into.invoke((Provider) new SysGenIdProvider())) {
                SysGenIdProvider.install();
            } else {
                makeStrong();
            }
        } catch (Exception | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
        installed = true;
    }

    /** For {@code getInstanceStrong}, as {@link SysGenIdProvider#install} does it, which would load every provider. */
    private static void makeStrong() {
        String ours = SysGenIdProvider.NAME + ":" + SysGenIdProvider.NAME;
        String strong = Security.getProperty(STRONG);
        if (strong == null || !strong.startsWith(ours)) {
            Security.setProperty(STRONG, strong == null || strong.isBlank() ? ours : ours + "," + strong);
        }
    }

    /** Whether the program has providers already. */
    @SuppressWarnings("NullAway") // prepared
    private boolean isUsed() throws Unsuitable {
        return jdk.isInitialized(jdk.find(OWNER));
    }

    @Override
    public int renew() throws Exception {
        if (!isUsed()) {
            return 0;
        }
        verify();
        return 1;
    }

    private static void verify() {
        String name = new SecureRandom().getProvider().getName();
        if (!name.equals(SysGenIdProvider.NAME)) {
            throw new IllegalStateException("new SecureRandom() is of " + name
                    + ": that provider was put before this one, and renews itself only if it says so");
        }
    }

    @Override
    public void remove() {
        VarHandle present = supplier;
        if (present != null) {
            present.setVolatile((Object) null);
        }
        if (installed) {
            Security.removeProvider(SysGenIdProvider.NAME);
            installed = false;
        }
    }
}
