// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import java.lang.instrument.Instrumentation;
import org.jspecify.annotations.Nullable;

/**
 * The bean {@code dev.sysgenid:type=Agent}, registered once the program has a platform MBean server: the agent never is
 * the one that starts it, which costs time and chooses the program's log manager before the program does.
 */
final class Management implements AutoCloseable {
    /** Loaded when an MBean server is made. */
    private static final String SERVER = "com/sun/jmx/mbeanserver/JmxMBeanServer";

    private final Figures figures;
    private @Nullable AutoCloseable bean;
    private boolean closed;

    private Management(Figures figures) {
        this.figures = figures;
    }

    /** Null where the runtime has no management. */
    static @Nullable Management whenWanted(Jdk jdk, Figures figures) {
        if (ModuleLayer.boot().findModule("java.management").isEmpty()) {
            return null;
        }
        Management management = new Management(figures);
        jdk.weaver().whenLoaded(SERVER, management::registerSoon);
        if (isLoaded(jdk.instrumentation())) {
            management.registerSoon();
        }
        return management;
    }

    private static boolean isLoaded(Instrumentation instrumentation) {
        String name = SERVER.replace('/', '.');
        Class<?>[] loaded = instrumentation.getInitiatedClasses(null);
        if (loaded == null) {
            return false; // the JVM is ending
        }
        for (Class<?> each : loaded) {
            if (each.getName().equals(name)) {
                return true;
            }
        }
        return false;
    }

    /** On a thread of its own: whoever loads the class holds locks. */
    private void registerSoon() {
        Thread thread = new Thread(null, this::register, "sysgenid-agent-jmx", 0, false);
        thread.setDaemon(true);
        thread.setContextClassLoader(null);
        thread.start();
    }

    private synchronized void register() {
        if (closed || bean != null) {
            return;
        }
        try {
            bean = Bean.register(figures);
        } catch (Exception | LinkageError e) {
            Report.print("sysgenid agent: no JMX bean: " + e + "\n");
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
        try {
            if (bean != null) {
                bean.close();
            }
        } catch (Exception e) {
            // Somebody else has unregistered it.
        }
    }
}
