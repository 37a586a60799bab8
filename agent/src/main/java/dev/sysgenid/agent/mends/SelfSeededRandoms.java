// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.mends;

import dev.sysgenid.agent.Fresh;
import dev.sysgenid.agent.Jdk;
import dev.sysgenid.agent.Mend;
import dev.sysgenid.agent.Unsuitable;
import java.lang.invoke.VarHandle;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Instances of java.util.Random that seeded themselves, wherever the program holds them: their constructor gives them a
 * seed that changes at its first use after each change. Those that got a seed from the program go on as they would have;
 * those that are older than the agent cannot be told from these, and do too.
 */
final class SelfSeededRandoms implements Mend {
    private static final String HOOK = "SysGenIdSeed";

    private @Nullable Jdk jdk;
    private @Nullable Class<?> hook;
    private @Nullable VarHandle salt;
    private @Nullable VarHandle seed;

    @Override
    public String name() {
        return "random";
    }

    @Override
    public String what() {
        return "every new Random() of the program, made since the agent is there";
    }

    @Override
    public String expects() {
        return "Random's constructor, next, nextGaussian and setSeed, and its field seed";
    }

    @Override
    public String verifies() {
        return "a Random made for that draws another number than its seed would give";
    }

    @Override
    public void prepare(Jdk jdk) throws Unsuitable {
        this.jdk = jdk;
        seed = jdk.field(Random.class, "seed", AtomicLong.class);
        jdk.field(Random.class, "haveNextNextGaussian", boolean.class);
        Class<?> defined = jdk.define(Random.class, HOOK);
        salt = jdk.hookField(defined, "salt", long.class);
        hook = defined;
    }

    @Override
    @SuppressWarnings("NullAway") // prepared
    public void install() throws Unsuitable {
        jdk.weave(Random.class);
    }

    @Override
    @SuppressWarnings("NullAway") // prepared
    public int renew() {
        Random probe = new Random();
        AtomicLong held = (AtomicLong) seed.get(probe);
        if (!hook.isInstance(held)) {
            throw new IllegalStateException("new Random() has a plain seed");
        }
        Random same = new Random(0);
        ((AtomicLong) seed.get(same)).set(held.get());
        salt.setVolatile(Fresh.nonZeroLong());
        if (probe.nextLong() == same.nextLong()) {
            throw new IllegalStateException("a new Random() draws what its seed gives");
        }
        return 1;
    }
}
