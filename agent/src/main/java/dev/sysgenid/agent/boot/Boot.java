// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.boot;

import java.io.File;
import java.lang.instrument.Instrumentation;
import java.lang.reflect.InvocationTargetException;
import java.security.ProtectionDomain;
import java.util.function.Consumer;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;

/**
 * Where the JVM enters the agent: {@code -javaagent} before the program's {@code main}, an attach at any time. Gives
 * the agent's classes a loader of their own, and starts them.
 *
 * <p>Whatever goes wrong is one line on the standard error: to throw from here would end the program.
 *
 * <p>A program waits for all of this. So neither here nor in what the agent does before {@code main} are lambdas,
 * streams, method handles, or calls by reflection, and no package of the JDK is opened before somebody looks into it.
 */
public final class Boot {
    private static final String ENTRY = "dev.sysgenid.agent.Entry";

    /** The agent's entry, once it has been loaded. Guarded by the class. */
    private static @Nullable Consumer<Object[]> entry;

    private Boot() {}

    /** Before the program starts. */
    public static void premain(@Nullable String options, Instrumentation instrumentation) {
        enter(options, instrumentation, false);
    }

    /** Into a running program. */
    public static void agentmain(@Nullable String options, Instrumentation instrumentation) {
        enter(options, instrumentation, true);
    }

    @SuppressWarnings({"CatchAndPrintStackTrace", "NullAway"}) // there may be no options
    private static synchronized void enter(
            @Nullable String options, Instrumentation instrumentation, boolean attached) {
        try {
            if (entry == null) {
                entry = load(instrumentation);
            }
            entry.accept(new Object[] {options, instrumentation, attached});
        } catch (Throwable thrown) {
            Throwable e = thrown instanceof InvocationTargetException ? thrown.getCause() : thrown;
            System.err.println("sysgenid agent: not active, and the program goes on without it: " + e);
            if (e instanceof SecurityException) {
                System.err.println("  its policy must grant java.security.AllPermission to sysgenid-agent.jar");
            } else if (System.getenv("SYSGENID_DEBUG") != null) {
                e.printStackTrace();
            }
        }
    }

    @SuppressWarnings({"unchecked", "UnsafeReflectiveConstructionCast"
    }) // its own class; a Class<Consumer> has no arguments
    private static Consumer<Object[]> load(Instrumentation instrumentation) throws Exception {
        ProtectionDomain domain = Boot.class.getProtectionDomain();
        // Not a JarFile, which would look for signatures and versions.
        ZipFile jar = new ZipFile(new File(domain.getCodeSource().getLocation().toURI()));
        AgentLoader loader = new AgentLoader(jar, domain, instrumentation);
        return (Consumer<Object[]>)
                Class.forName(ENTRY, true, loader).getConstructor().newInstance();
    }
}
