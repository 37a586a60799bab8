// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.module.ModuleDescriptor;
import java.net.URI;
import java.util.Set;

/**
 * A module of their own for the client and what is built on it, because native access is granted to modules: they get it,
 * and nobody else. The agent's own classes need none of it, and to make a module takes time: so it is made when the first
 * class of it is loaded, by the agent's loader, which calls this.
 *
 * <p>The module is in no layer, as those that the JDK makes itself for proxies.
 */
public final class ClientModule implements Runnable {
    private static final String NAME = "dev.sysgenid";
    private static final String MODULES = "jdk.internal.module.Modules";

    /** All packages that are in it, the first two for the agent to use. */
    private static final Set<String> PACKAGES =
            Set.of(NAME, "dev.sysgenid.security", "dev.sysgenid.abi", "org.crac", "org.crac.management");

    /** Does nothing. */
    public ClientModule() {}

    @Override
    public void run() {
        Module agent = ClientModule.class.getModule();
        ModuleDescriptor descriptor =
                ModuleDescriptor.newModule(NAME).packages(PACKAGES).build();
        MethodHandles.Lookup lookup = MethodHandles.lookup();
        try {
            Class<?> modules = Class.forName(MODULES);
            MethodHandle define = lookup.findStatic(
                    modules,
                    "defineModule",
                    MethodType.methodType(Module.class, ClassLoader.class, ModuleDescriptor.class, URI.class));
            MethodHandle addReads = lookup.findStatic(
                    modules, "addReads", MethodType.methodType(void.class, Module.class, Module.class));
            MethodHandle addExports = lookup.findStatic(
                    modules, "addExports", MethodType.methodType(void.class, Module.class, String.class, Module.class));
            Module made = (Module) define.invokeExact(ClientModule.class.getClassLoader(), descriptor, (URI) null);
            addReads.invokeExact(made, Object.class.getModule());
            for (String each : PACKAGES) {
                addExports.invokeExact(made, each, agent);
            }
        } catch (Throwable e) {
            // Another JDK. Its classes are then beside the agent's, and there is no native access for them.
        }
    }
}
