// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.WeakHashMap;
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

    /** All that are not closed, and not forgotten by everybody else. Guarded by itself, and so are the two below. */
    private static final Set<SysGenId> OPEN = Collections.newSetFromMap(new WeakHashMap<>());

    private static boolean registered;

    /** Between the two calls. */
    private static boolean suspended;

    private Crac() {}

    /** Has an action run before each checkpoint, as long as something of ours is still open. */
    static void before(Runnable action) {
        BEFORE.add(action);
    }

    /** What is done before a checkpoint: first what is to be erased, then nothing of ours is open. */
    static void beforeCheckpoint() {
        runBefore();
        List<SysGenId> open;
        synchronized (OPEN) {
            suspended = true;
            open = new ArrayList<>(OPEN);
        }
        open.forEach(SysGenId::suspend);
    }

    /** What is done after a restore, or when there was no checkpoint after all. */
    static void afterRestore() {
        List<SysGenId> open;
        synchronized (OPEN) {
            suspended = false;
            open = new ArrayList<>(OPEN);
        }
        open.forEach(SysGenId::resume);
    }

    /** An exception of an action passes: what it was to erase would be in the image, so there must be none. */
    static void runBefore() {
        BEFORE.forEach(Runnable::run);
    }

    /** Whether this JVM has checkpoints, and the application the library by which they are told. */
    static boolean isAvailable() {
        return Availability.AVAILABLE;
    }

    /**
     * Has this object told of checkpoints and restores, until it is closed. All of them are one to {@code org.crac}, which
     * forgets nothing: told of a restore before all that registers after the first of them.
     */
    static void register(SysGenId id) {
        boolean first;
        synchronized (OPEN) {
            OPEN.add(id);
            first = !registered;
            registered = true;
            if (suspended) {
                id.suspend(); // made by somebody who is told of the checkpoint after us
            }
        }
        if (first) {
            register();
        }
    }

    /** The end of it. */
    static void deregister(SysGenId id) {
        synchronized (OPEN) {
            OPEN.remove(id);
        }
    }

    /** Does nothing where there is no library. */
    private static void register() {
        Class<?> api = find(API);
        if (api == null) {
            return;
        }
        // It may be on the class path, and this on the module path.
        Crac.class.getModule().addReads(api.getModule());
        try {
            CracResource.register();
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
