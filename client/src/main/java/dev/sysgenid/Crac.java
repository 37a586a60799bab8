// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import java.lang.System.Logger.Level;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * Checkpoints of the JVM itself (CRaC, and with it SnapStart): used where the application brings {@code org.crac},
 * missed by nobody where it does not.
 */
final class Crac {
    private static final String API = "org.crac.Core";

    /** The implementations that {@code org.crac} looks for: without one of them nothing is ever restored. */
    private static final String[] IMPLEMENTATIONS = {"jdk.crac.Core", "javax.crac.Core"};

    private static final List<Runnable> BEFORE = new CopyOnWriteArrayList<>();

    private Crac() {}

    /** Has an action run before each checkpoint, as long as something of ours is still open. */
    static void before(Runnable action) {
        BEFORE.add(action);
    }

    /** An exception of an action passes: what it was to erase would be in the image, so there must be none. */
    static void runBefore() {
        BEFORE.forEach(Runnable::run);
    }

    /** Whether this JVM has checkpoints, and the application the library by which they are told. */
    static boolean isAvailable() {
        return Availability.AVAILABLE;
    }

    /** Has this object told of restores: before all that register later. Does nothing where there is no library. */
    static void register(SysGenId id) {
        Class<?> api = find(API);
        if (api == null) {
            return;
        }
        // It may be on the class path, and this on the module path.
        Crac.class.getModule().addReads(api.getModule());
        try {
            CracResource.register(id);
        } catch (LinkageError | RuntimeException e) {
            Log.LOGGER.log(Level.WARNING, "SysGenID: checkpoints of this JVM are not told", e);
        }
    }

    private static @Nullable Class<?> find(String name) {
        try {
            return Class.forName(name, false, Crac.class.getClassLoader());
        } catch (ClassNotFoundException | LinkageError e) {
            return null;
        }
    }

    private static final class Availability {
        static final boolean AVAILABLE = find(API) != null && hasImplementation();

        private static boolean hasImplementation() {
            for (String implementation : IMPLEMENTATIONS) {
                if (find(implementation) != null) {
                    return true;
                }
            }
            return false;
        }
    }
}
