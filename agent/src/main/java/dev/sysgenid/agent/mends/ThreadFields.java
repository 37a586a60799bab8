// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.mends;

import dev.sysgenid.agent.Fresh;
import dev.sysgenid.agent.Jdk;
import dev.sysgenid.agent.Mend;
import dev.sysgenid.agent.Unsuitable;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodType;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * The states of ThreadLocalRandom that platform threads carry. A thread that draws at this very moment may write back
 * what it had: {@link ThreadLocalSalt} covers that, and virtual threads, which nobody can list.
 */
final class ThreadFields implements Mend {
    private @Nullable MethodHandle list;
    private @Nullable VarHandle seed;
    private @Nullable VarHandle probe;
    private @Nullable VarHandle secondary;

    @Override
    public String name() {
        return "threads";
    }

    @Override
    public String what() {
        return "ThreadLocalRandom in running platform threads, and what java.util.concurrent draws there";
    }

    @Override
    public String expects() {
        return "Thread.threadLocalRandomSeed, Probe and SecondarySeed; Thread.getThreads()";
    }

    @Override
    public String verifies() {
        return "the field of the thread that renews is another one";
    }

    @Override
    public void prepare(Jdk jdk) throws Unsuitable {
        list = jdk.staticMethod(Thread.class, "getThreads", MethodType.methodType(Thread[].class));
        seed = jdk.field(Thread.class, "threadLocalRandomSeed", long.class);
        probe = jdk.field(Thread.class, "threadLocalRandomProbe", int.class);
        secondary = jdk.field(Thread.class, "threadLocalRandomSecondarySeed", int.class);
    }

    @Override
    @SuppressWarnings({"NullAway", "ReferenceEquality"}) // prepared; this very thread
    public int renew() throws Exception {
        Thread[] threads;
        try {
            threads = (Thread[]) list.invoke();
        } catch (Exception | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
        long before = (long) seed.get(Thread.currentThread());
        renew(Thread.currentThread());
        if ((long) seed.get(Thread.currentThread()) == before) {
            throw new IllegalStateException("the seed of this thread is what it was");
        }
        int count = 0;
        for (Thread each : threads) {
            // A probe of 0: it has not drawn yet, and takes its seed from the counter when it does.
            if (each != Thread.currentThread() && (int) probe.getVolatile(each) != 0) {
                renew(each);
                count++;
            }
        }
        return count;
    }

    @SuppressWarnings("NullAway") // prepared
    private void renew(Thread thread) {
        seed.setVolatile(thread, Fresh.nonZeroLong());
        secondary.setVolatile(thread, Fresh.nonZeroInt());
    }
}
