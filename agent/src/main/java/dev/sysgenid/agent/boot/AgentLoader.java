// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.boot;

import java.io.IOException;
import java.io.InputStream;
import java.security.AllPermission;
import java.security.CodeSource;
import java.security.Permissions;
import java.security.ProtectionDomain;
import java.util.Enumeration;
import java.util.HashSet;
import java.util.Set;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
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

    /** Coordinated restore: the program's own, if it has one, for that is the one that its JVM tells. */
    private static final String CRAC = "org.crac.";

    static {
        registerAsParallelCapable();
    }

    private final JarFile jar;
    private final ProtectionDomain domain;
    private final boolean programHasCrac;

    AgentLoader(JarFile jar, CodeSource source) {
        super("sysgenid-agent", ClassLoader.getPlatformClassLoader());
        this.jar = jar;
        Permissions all = new Permissions();
        all.add(new AllPermission());
        this.domain = new ProtectionDomain(source, all);
        this.programHasCrac = ClassLoader.getSystemResource("org/crac/Core.class") != null;
    }

    /** The packages that it loads. Written plainly: streams and lambdas would cost a starting JVM tens of milliseconds. */
    Set<String> packages() {
        Set<String> packages = new HashSet<>();
        for (Enumeration<JarEntry> entries = jar.entries(); entries.hasMoreElements(); ) {
            String name = entries.nextElement().getName();
            if (name.startsWith(FOLDER) && name.endsWith(".class")) {
                String folder = name.substring(FOLDER.length(), name.lastIndexOf('/'));
                if (!folder.startsWith("hooks/") && !folder.startsWith("versions/")) {
                    packages.add(folder.replace('/', '.'));
                }
            }
        }
        return packages;
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        if (programHasCrac && name.startsWith(CRAC)) {
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
        return defineClass(name, bytes, 0, bytes.length, domain);
    }

    /** The layer asks for the classes of its module by this. */
    @Override
    protected @Nullable Class<?> findClass(@Nullable String module, String name) {
        try {
            return findClass(name);
        } catch (ClassNotFoundException e) {
            return null;
        }
    }

    @Override
    public @Nullable InputStream getResourceAsStream(String name) {
        JarEntry entry = jar.getJarEntry(FOLDER + name);
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
