// SPDX-License-Identifier: Apache-2.0
package sun.security.jca;

import java.security.Provider;
import java.security.Security;
import java.util.function.Supplier;
import jdk.internal.misc.Unsafe;

/** Where {@link ProviderList} asks the agent for a provider to be the first, once the agent has added that to it. */
final class SysGenIdProviders {
    private static final Unsafe UNSAFE = Unsafe.getUnsafe();

    /** Gives the provider. */
    static volatile Supplier<Provider> supplier;

    private SysGenIdProviders() {}

    /** The list that has just been made from the configuration, with the provider in it. */
    static ProviderList first(ProviderList made) {
        Supplier<Provider> asked = supplier;
        if (asked == null) {
            return made;
        }
        try {
            long configs = UNSAFE.objectFieldOffset(ProviderList.class, "configs");
            return names(made, configs, "SysGenID") ? made : with(made, configs, asked.get());
        } catch (RuntimeException | LinkageError e) {
            return made; // the program goes on, and the agent finds that its provider is not there
        }
    }

    /** Exchanges the list that is in use. Returns false when this is not for this JDK. */
    static boolean insert(Provider provider) {
        try {
            long configs = UNSAFE.objectFieldOffset(ProviderList.class, "configs");
            synchronized (Security.class) { // as its methods are that do this
                Providers.setProviderList(with(Providers.getProviderList(), configs, provider));
            }
            return true;
        } catch (RuntimeException | LinkageError e) {
            return false;
        }
    }

    /** Without loading those that have not been loaded. */
    private static boolean names(ProviderList list, long configs, String name) {
        for (ProviderConfig each : (ProviderConfig[]) UNSAFE.getReferenceVolatile(list, configs)) {
            if (each.toString().equals(name)) {
                return true;
            }
        }
        return false;
    }

    private static ProviderList with(ProviderList list, long configs, Provider provider) {
        long loaded = UNSAFE.objectFieldOffset(ProviderList.class, "allLoaded");
        ProviderConfig[] before = (ProviderConfig[]) UNSAFE.getReferenceVolatile(list, configs);
        ProviderConfig[] all = new ProviderConfig[before.length + 1];
        all[0] = new ProviderConfig(provider);
        System.arraycopy(before, 0, all, 1, before.length);
        ProviderList made = ProviderList.newList(provider);
        UNSAFE.putBooleanVolatile(made, loaded, false);
        UNSAFE.putReferenceVolatile(made, configs, all);
        return made;
    }
}
