// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.mends;

import dev.sysgenid.SysGenId;
import dev.sysgenid.agent.Fresh;
import dev.sysgenid.agent.Jdk;
import dev.sysgenid.agent.Mend;
import dev.sysgenid.agent.Unsuitable;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodType;
import java.lang.invoke.VarHandle;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The keys of TLS session tickets and the secrets of DTLS cookies, in every context that has shaken hands since the agent
 * is there: they are forgotten, and the context makes new ones. Tickets from before are then refused, which costs their
 * holders one full handshake.
 *
 * <p>The context's own SecureRandom is renewed as any other is.
 */
final class TlsContexts implements Mend, Consumer<Object> {
    private static final String CONTEXT = "sun.security.ssl.SSLContextImpl";
    private static final String SESSIONS = "sun.security.ssl.SSLSessionContextImpl";
    private static final String COOKIES = "sun.security.ssl.HelloCookieManager$Builder";
    private static final String HOOK = "SysGenIdContexts";

    private @Nullable Jdk jdk;
    private @Nullable SysGenId id;
    private long first;

    /** Those that were in use, and the stamp at which they were renewed. Guarded by itself. */
    private final Map<Object, Long> contexts = new WeakHashMap<>();

    private @Nullable Class<?> context;
    private @Nullable VarHandle sessions;
    private @Nullable VarHandle cookies;
    private @Nullable VarHandle keys;
    private @Nullable VarHandle current;
    private @Nullable VarHandle used;
    private @Nullable MethodHandle early;

    @Override
    public String name() {
        return "tls";
    }

    @Override
    public String what() {
        return "keys of TLS session tickets, secrets of DTLS cookies";
    }

    @Override
    public String expects() {
        return "SSLContextImpl.getSecureRandom(), serverCache and helloCookieManagerBuilder;"
                + " SSLSessionContextImpl.keyHashMap and currentKeyID";
    }

    @Override
    public String verifies() {
        return "no ticket key is left, and the number of the next one is another";
    }

    @Override
    public void prepare(Jdk jdk) throws Unsuitable {
        this.jdk = jdk;
        id = SysGenId.open();
        first = id.stamp();
        Class<?> type = jdk.find(SESSIONS);
        Class<?> found = jdk.find(CONTEXT);
        sessions = jdk.field(found, "serverCache", type);
        cookies = jdk.field(found, "helloCookieManagerBuilder", jdk.find(COOKIES));
        keys = jdk.field(type, "keyHashMap", Map.class);
        current = jdk.field(type, "currentKeyID", int.class);
        jdk.method(found, "getSecureRandom", MethodType.methodType(SecureRandom.class));
        Class<?> hook = jdk.define(found, HOOK);
        early = jdk.staticMethod(hook, "early", MethodType.methodType(Object[].class));
        used = jdk.hookField(hook, "used", Consumer.class);
        context = found;
    }

    @Override
    @SuppressWarnings("NullAway") // prepared
    public void install() throws Exception {
        jdk.weave(context);
        used.setVolatile(this);
        Object[] before;
        try {
            before = (Object[]) early.invoke();
        } catch (Exception | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
        synchronized (contexts) {
            for (Object each : before) {
                contexts.putIfAbsent(each, first);
            }
        }
    }

    @Override
    @SuppressWarnings("NullAway") // prepared
    public void remove() {
        used.setVolatile((Object) null);
    }

    /** In the middle of a handshake: most are known and renewed. */
    @Override
    @SuppressWarnings("NullAway") // prepared
    public void accept(Object used) {
        if (!isOf(used, id.stamp())) {
            renew(used);
        }
    }

    @Override
    public int renew() {
        List<Object> present;
        synchronized (contexts) {
            present = new ArrayList<>(contexts.keySet());
        }
        present.forEach(this::renew);
        return present.size();
    }

    /** Whether it is as new as that; one that was not used before is as old as the agent. */
    private boolean isOf(Object used, long stamp) {
        synchronized (contexts) {
            Long its = contexts.putIfAbsent(used, first);
            return stamp == (its == null ? first : its);
        }
    }

    /**
     * Noted when it is done, and under the lock of the keys: a handshake that comes meanwhile waits, and issues no ticket
     * under a key of before.
     */
    @SuppressWarnings("NullAway") // prepared
    private void renew(Object renewed) {
        Object held = sessions.get(renewed);
        synchronized (held) { // as the JDK does when it makes a key; it may come here with that lock
            long stamp = id.stamp();
            if (isOf(renewed, stamp)) {
                return; // another thread has
            }
            int before = (int) current.getVolatile(held);
            ((Map<?, ?>) keys.getVolatile(held)).clear();
            int next;
            do {
                next = Fresh.nonZeroInt();
            } while (next == before);
            current.setVolatile(held, next);
            if (!((Map<?, ?>) keys.getVolatile(held)).isEmpty()) {
                throw new IllegalStateException("a ticket key is left");
            }
            cookies.setVolatile(renewed, (Object) null);
            synchronized (contexts) {
                contexts.put(renewed, stamp);
            }
        }
    }
}
