// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.mends;

import dev.sysgenid.agent.Fresh;
import dev.sysgenid.agent.Jdk;
import dev.sysgenid.agent.Mend;
import dev.sysgenid.agent.Unsuitable;
import java.lang.invoke.VarHandle;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * ThreadLocalRandom in every thread, virtual ones too, which nobody can list: one number is added to each that it draws,
 * another one after each change.
 */
final class ThreadLocalSalt implements Mend {
    private static final String HOOK = "SysGenIdSalt";

    private @Nullable Jdk jdk;
    private @Nullable VarHandle salt;
    private @Nullable VarHandle seed;

    @Override
    public String name() {
        return "thread-local-random";
    }

    @Override
    public String what() {
        return "ThreadLocalRandom in all threads, virtual ones too";
    }

    @Override
    public String expects() {
        return "ThreadLocalRandom.nextSeed(), which all of its draws go through; it gets two instructions more";
    }

    @Override
    public String verifies() {
        return "of two draws from one seed, before and after, the second is another one";
    }

    @Override
    public void prepare(Jdk jdk) throws Unsuitable {
        this.jdk = jdk;
        jdk.method(ThreadLocalRandom.class, "nextSeed", java.lang.invoke.MethodType.methodType(long.class));
        seed = jdk.field(Thread.class, "threadLocalRandomSeed", long.class);
        salt = jdk.hookField(jdk.define(ThreadLocalRandom.class, HOOK), "salt", long.class);
    }

    @Override
    @SuppressWarnings("NullAway") // prepared
    public void install() throws Unsuitable {
        jdk.weave(ThreadLocalRandom.class);
    }

    @Override
    @SuppressWarnings("NullAway") // prepared
    public int renew() {
        ThreadLocalRandom random = ThreadLocalRandom.current();
        long from = (long) seed.get(Thread.currentThread());
        long before = random.nextLong();
        salt.setVolatile(Fresh.nonZeroLong());
        seed.set(Thread.currentThread(), from);
        if (random.nextLong() == before) {
            throw new IllegalStateException("it draws what it drew before");
        }
        return 1;
    }
}
