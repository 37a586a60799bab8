// SPDX-License-Identifier: Apache-2.0
package sun.security.ssl;

import java.util.Map;
import java.util.WeakHashMap;
import java.util.function.Consumer;

/** Where {@code SSLContextImpl} tells the agent that it is in use, once the agent has added that to it. */
final class SysGenIdContexts {
    static volatile Consumer<Object> used;

    /** Those that told so while nobody listened. Guarded by itself. */
    private static final Map<Object, Object> EARLY = new WeakHashMap<>();

    private SysGenIdContexts() {}

    static void used(Object context) {
        Consumer<Object> told = used;
        if (told == null) {
            synchronized (EARLY) {
                told = used;
                if (told == null) {
                    EARLY.put(context, EARLY);
                    return;
                }
            }
        }
        told.accept(context);
    }

    /** Takes those that told so before. */
    static Object[] early() {
        synchronized (EARLY) {
            Object[] all = EARLY.keySet().toArray();
            EARLY.clear();
            return all;
        }
    }
}
