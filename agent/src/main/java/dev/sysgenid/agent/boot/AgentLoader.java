// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.boot;

import java.io.IOException;
import java.io.InputStream;
import java.lang.instrument.Instrumentation;
import java.security.ProtectionDomain;
import java.util.Map;
import java.util.Set;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;

/**
 * Loads the agent's classes from the folder {@link #FOLDER} of its jar, which no other loader looks into. So the program
 * does not see them, whatever version of them it has itself, and they see nothing of the program but {@code org.crac}.
 *
 * <p><b>Threads:</b> any.
 */
final class AgentLoader extends ClassLoader {
    /** Where they are in the jar. */
    static final String FOLDER = "META-INF/sysgenid/";

    /** What is for newer versions of Java, one folder each. */
    private static final int[] VERSIONS = {22};

    /** The agent's own, in the unnamed module of this loader; all others are in one that has a name. */
    private static final String AGENT = "dev.sysgenid.agent.";

    private static final String MODULE = AGENT + "ClientModule";

    /** What that needs of the JDK; nobody but this loader's classes gets it. */
    private static final String MODULES = "jdk.internal.module";

    /** Coordinated restore: the program's own, if it has one, for that is the one that its JVM tells. */
    private static final String CRAC = "org.crac.";

    static {
        registerAsParallelCapable();
    }

    private final ZipFile jar;
    private final ProtectionDomain domain;
    private final Instrumentation instrumentation;
    private final Object moduleLock = new Object();
    /** Guarded by that lock. */
    private boolean moduleMade;

    /**
     * @param domain the jar's
     */
    AgentLoader(ZipFile jar, ProtectionDomain domain, Instrumentation instrumentation) {
        super("sysgenid-agent", ClassLoader.getPlatformClassLoader());
        this.jar = jar;
        this.domain = domain;
        this.instrumentation = instrumentation;
    }

    /** In a class of its own: to look for it opens every jar of the program. */
    private static final class Crac {
        static final boolean IS_THE_PROGRAMS = ClassLoader.getSystemResource("org/crac/Core.class") != null;
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        if (name.startsWith(CRAC) && Crac.IS_THE_PROGRAMS) {
            return ClassLoader.getSystemClassLoader().loadClass(name);
        }
        return super.loadClass(name, resolve);
    }

    @Override
    protected Class<?> findClass(String name) throws ClassNotFoundException {
        String path = name.replace('.', '/') + ".class";
        byte[] bytes = null;
        for (int version : VERSIONS) {
            if (Runtime.version().feature() >= version) {
                bytes = read("versions/" + version + "/" + path);
            }
        }
        if (bytes == null) {
            bytes = read(path);
        }
        if (bytes == null) {
            throw new ClassNotFoundException(name);
        }
        if (!name.startsWith(AGENT)) {
            makeModule();
        }
        return defineClass(name, bytes, 0, bytes.length, domain);
    }

    /** {@code Class.forName} asks for the classes of a module by this. */
    @Override
    protected @Nullable Class<?> findClass(@Nullable String module, String name) {
        try {
            return findClass(name);
        } catch (ClassNotFoundException e) {
            return null;
        }
    }

    private void makeModule() {
        synchronized (moduleLock) {
            if (moduleMade) {
                return;
            }
            moduleMade = true;
            Map<String, Set<Module>> exported = Map.of(MODULES, Set.of(getUnnamedModule()));
            try {
                instrumentation.redefineModule(
                        Object.class.getModule(), Set.of(), exported, Map.of(), Set.of(), Map.of());
                Class.forName(MODULE, true, this)
                        .asSubclass(Runnable.class)
                        .getConstructor()
                        .newInstance()
                        .run();
            } catch (ReflectiveOperationException | RuntimeException e) {
                // Another JDK: then without.
            }
        }
    }

    @Override
    public @Nullable InputStream getResourceAsStream(String name) {
        ZipEntry entry = jar.getEntry(FOLDER + name);
        try {
            return entry == null ? null : jar.getInputStream(entry);
        } catch (IOException e) {
            return null;
        }
    }

    private byte @Nullable [] read(String path) {
        try (InputStream in = getResourceAsStream(path)) {
            return in == null ? null : in.readAllBytes();
        } catch (IOException e) {
            return null;
        }
    }
}
