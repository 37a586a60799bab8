// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import java.lang.instrument.ClassFileTransformer;
import java.lang.instrument.Instrumentation;
import java.lang.instrument.UnmodifiableClassException;
import java.security.ProtectionDomain;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Adds instructions to methods of the JDK: to a class that is not there yet when it is loaded, so that a starting JVM does
 * not wait for it, else at once. It stays registered, so that they are still there when another agent transforms the same
 * class again.
 *
 * <p>What runs while a class is loaded must not load another one of those that are changed: that would not be shown to
 * anybody. So there is no ConcurrentHashMap here, which may draw from ThreadLocalRandom.
 *
 * <p><b>Threads:</b> any; {@link #transform} is called by whoever loads a class.
 */
final class Weaver implements ClassFileTransformer {
    private static final String DONE = "";

    private final Instrumentation instrumentation;
    private final Jdk jdk;

    private final HookUsers users;

    /** The internal names of the classes. Exchanged, never changed. */
    private volatile Set<String> wanted = new HashSet<>();

    /** What to run when a class of the JDK is loaded, by its internal name. Exchanged, never changed. */
    private volatile Map<String, Runnable> awaited = new HashMap<>();

    /** What came of it, for those that were transformed. Guarded by itself. */
    private final Map<String, String> outcomes = new HashMap<>();

    Weaver(Instrumentation instrumentation, Jdk jdk, HookUsers users) {
        this.instrumentation = instrumentation;
        this.jdk = jdk;
        this.users = users;
    }

    /** Has a class changed: see {@link Woven}. */
    synchronized void want(String target) {
        Set<String> more = new HashSet<>(wanted);
        more.add(target);
        wanted = more;
    }

    /** From here on what is wanted is done. */
    void start() {
        instrumentation.addTransformer(this, true);
        Class<?>[] loaded = instrumentation.getInitiatedClasses(null);
        for (Class<?> each : loaded == null ? new Class<?>[0] : loaded) {
            if (wanted.contains(internal(each))) {
                String unused = retransform(each);
            }
        }
    }

    /** Takes all of it back. */
    synchronized void stop() {
        instrumentation.removeTransformer(this);
        Set<String> all = wanted;
        wanted = new HashSet<>();
        for (String each : all) {
            if (DONE.equals(outcome(each))) {
                try {
                    instrumentation.retransformClasses(
                            Class.forName(each.replace('/', '.'), false, ClassLoader.getPlatformClassLoader()));
                } catch (ClassNotFoundException | UnmodifiableClassException | LinkageError e) {
                    // What was added goes on and does nothing: it asks an agent that is not there any more.
                }
            }
        }
        synchronized (outcomes) {
            outcomes.clear();
        }
    }

    /** Has something run each time when a class of this internal name is loaded by the JDK's own loader. */
    synchronized void whenLoaded(String name, Runnable action) {
        Map<String, Runnable> more = new HashMap<>(awaited);
        more.put(name, action);
        awaited = more;
    }

    /**
     * Sees to it that a class that is wanted has been changed.
     *
     * @throws Unsuitable when one of the methods is not there or has another form, or the JVM does not take it
     */
    void require(Class<?> target) throws Unsuitable {
        String why = outcome(internal(target));
        if (!DONE.equals(why)) {
            why = retransform(target);
        }
        if (!DONE.equals(why)) {
            throw Unsuitable.differs(
                    target.getName() + " takes no instructions: " + (why == null ? "it was not transformed" : why));
        }
    }

    private @Nullable String retransform(Class<?> target) {
        try {
            instrumentation.retransformClasses(target);
            return outcome(internal(target));
        } catch (UnmodifiableClassException | LinkageError | RuntimeException e) {
            return e.toString();
        }
    }

    private @Nullable String outcome(String target) {
        synchronized (outcomes) {
            return outcomes.get(target);
        }
    }

    private static String internal(Class<?> type) {
        return type.getName().replace('.', '/');
    }

    @Override
    @SuppressWarnings("NullAway") // what is not changed is null, by contract
    public byte @Nullable [] transform(
            @Nullable ClassLoader loader,
            @Nullable String name,
            @Nullable Class<?> redefined,
            @Nullable ProtectionDomain domain,
            byte[] bytes) {
        if (loader != null || name == null) {
            return null;
        }
        if (redefined == null) {
            Runnable waiting = awaited.get(name);
            if (waiting != null) {
                waiting.run();
            }
        }
        return wanted.contains(name) ? woven(name, bytes) : null;
    }

    private byte @Nullable [] woven(String name, byte[] bytes) {
        byte[] made = null;
        String outcome = DONE;
        try {
            Woven woven = Woven.of(name);
            made = ClassFile.patch(bytes, woven.patches());
            Class<?> hook = jdk.define(jdk.find(woven.beside()), woven.hook());
            HookUser user = users.of(name);
            if (user != null) {
                user.takeHook(jdk, hook);
            }
        } catch (Unsuitable e) {
            made = null;
            outcome = String.valueOf(e.getMessage());
        } catch (Throwable e) {
            made = null;
            outcome = e.toString();
        }
        synchronized (outcomes) {
            outcomes.put(name, outcome);
        }
        return made;
    }
}
