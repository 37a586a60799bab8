// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import java.io.IOException;
import java.io.InputStream;
import java.lang.instrument.Instrumentation;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.VarHandle;
import java.lang.reflect.Field;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The insides of the JDK that runs, opened to the agent's class loader and to nobody else. Nothing here initialises a class of
 * the JDK: what has not been used has nothing that a clone could repeat.
 *
 * <p><b>Threads:</b> any.
 */
public final class Jdk {
    private static final Module AGENT = Jdk.class.getModule();

    private final Instrumentation instrumentation;
    private final Weaver weaver;
    private @Nullable Unsafe unsafe;
    private boolean granted;

    Jdk(Instrumentation instrumentation, HookUsers users) {
        this.instrumentation = instrumentation;
        this.weaver = new Weaver(instrumentation, this, users);
    }

    /** The JDK's own Unsafe; a starting JVM has no use for it. */
    private static final class Unsafe {
        final MethodHandle shouldBeInitialized;
        final MethodHandle fieldOffset;
        final MethodHandle putBoolean;

        Unsafe(Jdk jdk) throws Unsuitable {
            Class<?> type = jdk.find("jdk.internal.misc.Unsafe");
            MethodHandles.Lookup lookup = jdk.lookup(type);
            try {
                Object one = lookup.findStatic(type, "getUnsafe", MethodType.methodType(type))
                        .invoke();
                shouldBeInitialized = lookup.findVirtual(
                                type, "shouldBeInitialized", MethodType.methodType(boolean.class, Class.class))
                        .bindTo(one);
                fieldOffset = lookup.findVirtual(
                                type, "objectFieldOffset", MethodType.methodType(long.class, Field.class))
                        .bindTo(one);
                putBoolean = lookup.findVirtual(
                                type,
                                "putBooleanVolatile",
                                MethodType.methodType(void.class, Object.class, long.class, boolean.class))
                        .bindTo(one);
            } catch (Throwable e) {
                throw Unsuitable.differs("jdk.internal.misc.Unsafe: " + e);
            }
        }
    }

    private synchronized Unsafe unsafe() throws Unsuitable {
        Unsafe present = unsafe;
        if (present == null) {
            present = new Unsafe(this);
            unsafe = present;
        }
        return present;
    }

    /** Takes native access for the agent, where that is not denied: before the client is used for the first time. */
    public synchronized void grantNativeAccess() {
        if (!granted) {
            granted = true;
            NativeGrant.take(this);
        }
    }

    /** A class of the JDK, not initialised. */
    public Class<?> find(String name) throws Unsuitable {
        Class<?> found = findOrNull(name);
        if (found == null) {
            throw Unsuitable.absent(name);
        }
        return found;
    }

    /** A class of the JDK, not initialised; null when there is none. */
    public @Nullable Class<?> findOrNull(String name) {
        try {
            return Class.forName(name, false, ClassLoader.getPlatformClassLoader());
        } catch (ClassNotFoundException | LinkageError e) {
            return null;
        }
    }

    /** Whether a class has been used. */
    public boolean isInitialized(Class<?> type) {
        try {
            return !(boolean) unsafe().shouldBeInitialized.invoke(type);
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    /** Everything in a class. Opens its package to the agent. */
    public MethodHandles.Lookup lookup(Class<?> type) throws Unsuitable {
        Module module = type.getModule();
        String name = type.getPackageName();
        if (module.isNamed() && !module.isOpen(name, AGENT)) {
            instrumentation.redefineModule(module, Set.of(), Map.of(), Map.of(name, Set.of(AGENT)), Set.of(), Map.of());
        }
        try {
            return MethodHandles.privateLookupIn(type, MethodHandles.lookup());
        } catch (IllegalAccessException e) {
            throw Unsuitable.differs(type.getName() + " cannot be looked into: " + e.getMessage());
        }
    }

    /** A field, by its name and type. */
    public VarHandle field(Class<?> owner, String name, Class<?> type) throws Unsuitable {
        MethodHandles.Lookup lookup = lookup(owner);
        try {
            return lookup.findVarHandle(owner, name, type);
        } catch (NoSuchFieldException | IllegalAccessException e) {
            throw lacks(owner, type + " " + name);
        }
    }

    /** The type of the static field of this name: it is of the type that is expected, or more special. */
    public Class<?> typeOf(Class<?> owner, String name, Class<?> expected) throws Unsuitable {
        try {
            Class<?> found = owner.getDeclaredField(name).getType();
            if (expected.isAssignableFrom(found)) {
                return found;
            }
        } catch (NoSuchFieldException e) {
            // as below
        }
        throw lacks(owner, "static " + expected.getSimpleName() + " " + name);
    }

    /** A static field that is read once the class has been used, and not before. */
    public Static statics(String owner, String name, Class<?> type) throws Unsuitable {
        Class<?> found = find(owner);
        Class<?> exactly = typeOf(found, name, type);
        MethodHandles.Lookup lookup = lookup(found);
        return new Static(this, found, name, exactly, lookup);
    }

    /** A static field of one of the agent's hook classes. */
    public VarHandle hookField(Class<?> hook, String name, Class<?> type) throws Unsuitable {
        MethodHandles.Lookup lookup = lookup(hook);
        try {
            return lookup.findStaticVarHandle(hook, name, type);
        } catch (NoSuchFieldException | IllegalAccessException e) {
            throw lacks(hook, "static " + type + " " + name);
        }
    }

    /** A method. */
    public MethodHandle method(Class<?> owner, String name, MethodType type) throws Unsuitable {
        MethodHandles.Lookup lookup = lookup(owner);
        try {
            return lookup.findVirtual(owner, name, type);
        } catch (NoSuchMethodException | IllegalAccessException e) {
            throw lacks(owner, name + type);
        }
    }

    /** A static method. */
    public MethodHandle staticMethod(Class<?> owner, String name, MethodType type) throws Unsuitable {
        MethodHandles.Lookup lookup = lookup(owner);
        try {
            return lookup.findStatic(owner, name, type);
        } catch (NoSuchMethodException | IllegalAccessException e) {
            throw lacks(owner, "static " + name + type);
        }
    }

    /** Sets a boolean field that is final. */
    public void setFinal(Object owner, Field field, boolean value) {
        try {
            Unsafe present = unsafe();
            present.putBoolean.invoke(owner, (long) present.fieldOffset.invoke(field), value);
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * Defines one of the agent's hook classes beside a class of the JDK; the one that is there when that was done before.
     *
     * @param name the simple name
     */
    public Class<?> define(Class<?> beside, String name) throws Unsuitable {
        String path = "hooks/" + (beside.getPackageName() + "." + name).replace('.', '/') + ".class";
        try (InputStream in = Jdk.class.getClassLoader().getResourceAsStream(path)) {
            return lookup(beside).defineClass(Objects.requireNonNull(in, path).readAllBytes());
        } catch (LinkageError e) {
            return find(beside.getPackageName() + "." + name);
        } catch (IllegalAccessException | IOException e) {
            throw Unsuitable.differs(name + " cannot be defined: " + e.getMessage());
        }
    }

    /**
     * Sees to it that a class has the instructions of {@link Woven}.
     *
     * @throws Unsuitable when it does not take them
     */
    public void weave(Class<?> target) throws Unsuitable {
        weaver.require(target);
    }

    Weaver weaver() {
        return weaver;
    }

    Instrumentation instrumentation() {
        return instrumentation;
    }

    private static Unsuitable lacks(Class<?> owner, String what) {
        return Unsuitable.differs(owner.getName() + " has no " + what);
    }

    /** A static field of a class that may not have been used yet. */
    public static final class Static {
        private final Jdk jdk;
        private final Class<?> owner;
        private final String name;
        private final Class<?> type;
        private final MethodHandles.Lookup lookup;
        private @Nullable VarHandle handle;

        private Static(Jdk jdk, Class<?> owner, String name, Class<?> type, MethodHandles.Lookup lookup) {
            this.jdk = jdk;
            this.owner = owner;
            this.name = name;
            this.type = type;
            this.lookup = lookup;
        }

        /** Its value; null when there is none yet. */
        public @Nullable Object get() throws ReflectiveOperationException {
            VarHandle found = handle();
            return found == null ? null : found.getVolatile();
        }

        /** Sets it, unless the class has not been used. */
        public void set(@Nullable Object value) throws ReflectiveOperationException {
            VarHandle found = handle();
            if (found != null) {
                found.setVolatile(value);
            }
        }

        /** To make the handle would initialise the class. */
        private @Nullable VarHandle handle() throws ReflectiveOperationException {
            if (handle == null && jdk.isInitialized(owner)) {
                handle = lookup.findStaticVarHandle(owner, name, type);
            }
            return handle;
        }

        @Override
        public String toString() {
            return owner.getName() + "." + name;
        }
    }
}
