// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;

/**
 * SIGUSR1, by which systemd tells the daemon that it is restarted and not stopped ({@code RestartKillSignal=} in the
 * unit): it hands over then, as {@link Control} lets it do. Nobody but root and the daemon's own user can send it.
 */
final class HandOverSignal {
    private static final String SIGNAL = "USR1";

    private HandOverSignal() {}

    /**
     * From now on {@code action} is run at that signal, by a thread of the JVM.
     *
     * <p>{@code sun.misc.Signal} is what every JDK has for that; it is called by reflection because to name it is a warning
     * of the compiler, which nothing can suppress.
     */
    static void handle(Runnable action) {
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            InvocationHandler run = (self, method, arguments) -> switch (method.getName()) {
                case "handle" -> {
                    action.run();
                    yield null;
                }
                case "equals" -> false;
                case "hashCode" -> 0;
                default -> SIGNAL;
            };
            Object proxy = Proxy.newProxyInstance(HandOverSignal.class.getClassLoader(), new Class<?>[] {handler}, run);
            Method handle = signal.getMethod("handle", signal, handler);
            handle.invoke(null, signal.getConstructor(String.class).newInstance(SIGNAL), proxy);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("this Java has no sun.misc.Signal", e);
        }
    }
}
