// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.program;

import java.lang.reflect.Field;
import java.lang.reflect.Method;

/** Fields of the JDK, opened to the test by its command line. */
final class Inside {
    private Inside() {}

    static Field field(Class<?> owner, String name) {
        try {
            Field field = owner.getDeclaredField(name);
            field.setAccessible(true);
            return field;
        } catch (NoSuchFieldException e) {
            throw new IllegalStateException(e);
        }
    }

    static Object get(Object owner, String name) throws ReflectiveOperationException {
        return field(owner.getClass(), name).get(owner);
    }

    static void set(Object owner, String name, Object value) throws ReflectiveOperationException {
        field(owner.getClass(), name).set(owner, value);
    }

    /** A static field, of a class that is in use from here on. */
    static Object ofClass(String owner, String name) throws ReflectiveOperationException {
        return field(Class.forName(owner), name).get(null);
    }

    static Object call(Class<?> owner, Object target, String name) throws ReflectiveOperationException {
        Method method = owner.getDeclaredMethod(name);
        method.setAccessible(true);
        return method.invoke(target);
    }

    static boolean exists(String name) {
        try {
            Class.forName(name, false, ClassLoader.getPlatformClassLoader());
            return true;
        } catch (ClassNotFoundException e) {
            return false;
        }
    }
}
