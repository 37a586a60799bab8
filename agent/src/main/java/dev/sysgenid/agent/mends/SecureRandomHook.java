// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.mends;

import dev.sysgenid.agent.HookUser;
import dev.sysgenid.agent.Jdk;
import dev.sysgenid.agent.Mend;
import dev.sysgenid.agent.Unsuitable;
import java.lang.invoke.VarHandle;
import java.security.SecureRandom;
import java.util.function.BiPredicate;
import java.util.function.ObjIntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Whom the hook in SecureRandom asks until {@link SecureRandomDraws} is there, which is loaded by the first who asks: a
 * program that uses no SecureRandom does without.
 *
 * <p><b>Threads:</b> any, in the middle of the program's draws.
 */
public final class SecureRandomHook
        implements HookUser, BiPredicate<SecureRandom, byte[]>, ObjIntConsumer<SecureRandom> {
    private final boolean replaceSha1;

    // Below: guarded by this.
    private @Nullable Jdk jdk;
    private @Nullable SecureRandomDraws draws;
    private boolean preparing;
    /** Set with the hook; else by who installs. */
    private @Nullable VarHandle draw;

    private @Nullable VarHandle told;

    /** Loads next to nothing.
     *
     * @param replaceSha1 the option {@code sha1prng}
     */
    public SecureRandomHook(boolean replaceSha1) {
        this.replaceSha1 = replaceSha1;
    }

    @Override
    public synchronized void takeHook(Jdk here, Class<?> hook) throws Unsuitable {
        VarHandle first = here.hookField(hook, "draw", BiPredicate.class);
        VarHandle second = here.hookField(hook, "told", ObjIntConsumer.class);
        jdk = here;
        draw = first;
        told = second;
        second.setVolatile(this);
        first.setVolatile(this);
    }

    /** The mend. */
    public synchronized Mend mend() {
        SecureRandomDraws present = draws;
        if (present == null) {
            present = new SecureRandomDraws(replaceSha1, this);
            draws = present;
        }
        return present;
    }

    /** From here on it is asked, and this is not any more. */
    synchronized void handOver(SecureRandomDraws to) {
        if (draw != null && told != null) {
            told.setVolatile(to);
            draw.setVolatile(to);
        }
    }

    /** Nobody is asked any more. */
    synchronized void release() {
        if (draw != null && told != null) {
            draw.setVolatile((Object) null);
            told.setVolatile((Object) null);
        }
    }

    /** Null while it is being made by this very thread, and where it does not suit this JDK. */
    private synchronized @Nullable SecureRandomDraws ready() {
        Jdk here = jdk;
        if (preparing || here == null) {
            return null;
        }
        preparing = true;
        try {
            here.grantNativeAccess();
            SecureRandomDraws made = (SecureRandomDraws) mend();
            made.prepare(here);
            handOver(made);
            return made;
        } catch (Unsuitable e) {
            release();
            return null; // its part says so when it comes to that
        } finally {
            preparing = false;
        }
    }

    @Override
    public boolean test(SecureRandom random, byte[] bytes) {
        SecureRandomDraws ready = ready();
        return ready != null && ready.test(random, bytes);
    }

    @Override
    public void accept(SecureRandom random, int what) {
        SecureRandomDraws ready = ready();
        if (ready != null) {
            ready.accept(random, what);
        }
    }
}
