// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.boot;

import java.io.File;
import java.lang.instrument.Instrumentation;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.module.Configuration;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReader;
import java.lang.module.ModuleReference;
import java.security.CodeSource;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.jar.JarFile;
import org.jspecify.annotations.Nullable;

/**
 * Where the JVM enters the agent: {@code -javaagent} before the program's {@code main}, an attach at any time. Puts the
 * agent's classes into a module of their own, in a layer and with a loader of their own, and starts them.
 *
 * <p>Whatever goes wrong is one line on the standard error: to throw from here would end the program.
 */
public final class Boot {
    private static final String MODULE = "dev.sysgenid.agent";

    /** What is used where the runtime has it. */
    private static final List<String> OPTIONAL = List.of("java.management", "jdk.jfr");

    /** The agent's entry, once it has been loaded. Guarded by the class. */
    private static @Nullable MethodHandle start;

    private Boot() {}

    /** Before the program starts. */
    public static void premain(@Nullable String options, Instrumentation instrumentation) {
        enter(options, instrumentation, false);
    }

    /** Into a running program. */
    public static void agentmain(@Nullable String options, Instrumentation instrumentation) {
        enter(options, instrumentation, true);
    }

    @SuppressWarnings("CatchAndPrintStackTrace")
    private static synchronized void enter(
            @Nullable String options, Instrumentation instrumentation, boolean attached) {
        try {
            if (start == null) {
                start = load();
            }
            start.invoke(options, instrumentation, attached);
        } catch (Throwable e) {
            System.err.println("sysgenid agent: not active, and the program goes on without it: " + e);
            if (e instanceof SecurityException) {
                System.err.println("  its policy must grant java.security.AllPermission to sysgenid-agent.jar");
            } else if (System.getenv("SYSGENID_DEBUG") != null) {
                e.printStackTrace();
            }
        }
    }

    private static MethodHandle load() throws Exception {
        CodeSource source = Boot.class.getProtectionDomain().getCodeSource();
        JarFile jar = new JarFile(new File(source.getLocation().toURI()));
        AgentLoader loader = new AgentLoader(jar, source);
        ModuleLayer boot = ModuleLayer.boot();
        ModuleDescriptor.Builder builder = ModuleDescriptor.newModule(MODULE)
                .requires("java.base")
                .requires("java.instrument")
                .packages(loader.packages())
                .exports(MODULE);
        for (String each : OPTIONAL) {
            if (boot.findModule(each).isPresent()) {
                builder.requires(each);
            }
        }
        Configuration configuration = Configuration.resolve(
                new OneModule(new Reference(builder.build())),
                List.of(boot.configuration()),
                ModuleFinder.of(),
                List.of(MODULE));
        Module module = ModuleLayer.defineModules(configuration, List.of(boot), name -> loader)
                .layer()
                .findModule(MODULE)
                .orElseThrow();
        Class<?> agent = Class.forName(module, MODULE + ".Agent");
        if (agent == null) {
            throw new ClassNotFoundException("the agent's classes in " + jar.getName());
        }
        return MethodHandles.publicLookup()
                .findStatic(
                        agent,
                        "start",
                        MethodType.methodType(void.class, String.class, Instrumentation.class, boolean.class));
    }

    private static final class Reference extends ModuleReference {
        Reference(ModuleDescriptor descriptor) {
            super(descriptor, null);
        }

        @Override
        public ModuleReader open() {
            throw new UnsupportedOperationException("the loader reads the classes");
        }
    }

    private static final class OneModule implements ModuleFinder {
        private final ModuleReference reference;

        OneModule(ModuleReference reference) {
            this.reference = reference;
        }

        @Override
        public Optional<ModuleReference> find(String name) {
            return name.equals(MODULE) ? Optional.of(reference) : Optional.empty();
        }

        @Override
        public Set<ModuleReference> findAll() {
            return Set.of(reference);
        }
    }
}
