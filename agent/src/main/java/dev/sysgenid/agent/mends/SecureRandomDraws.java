// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.mends;

import dev.sysgenid.SysGenId;
import dev.sysgenid.agent.Jdk;
import dev.sysgenid.agent.Mend;
import dev.sysgenid.agent.Unsuitable;
import dev.sysgenid.agent.Woven;
import dev.sysgenid.security.SnapshotSafeRandom;
import java.lang.invoke.VarHandle;
import java.security.SecureRandom;
import java.security.SecureRandomSpi;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiPredicate;
import java.util.function.ObjIntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Every SecureRandom that the program holds, of any provider: DRBG, SHA1PRNG, those of libraries. It gets a new seed at
 * its first draw after each change, and a draw during which the generation changes is made again.
 *
 * <p>The generation in which an instance was seeded is kept in its field {@code counter}, and whether it needs any care in
 * {@code randomBytesUsed}: both are left from old times and unused by the JDK.
 *
 * <p>A SHA1PRNG that the program seeded before its first draw gives the same bytes every time, by contract, and still
 * does. If that was before the agent was there, it cannot be known: it gets a new seed after a change.
 *
 * <p><b>Threads:</b> any, in the middle of the program's draws.
 */
final class SecureRandomDraws implements Mend, BiPredicate<SecureRandom, byte[]>, ObjIntConsumer<SecureRandom> {
    private static final String SHA1PRNG = "sun.security.provider.SecureRandom";
    private static final String NATIVE = "sun.security.provider.NativePRNG";

    private static final int SAFE = Woven.SAFE;

    /** Seeded by the program: the same bytes every time. */
    private static final int FIXED = 0x46495844;

    /** What the hook tells. */
    private static final int SEEDED = 0;

    private static final int BORN_SEEDED = 1;

    private static final int ROUNDS = 3;

    private @Nullable Jdk jdk;
    private @Nullable SysGenId id;
    private final boolean replaceSha1;
    private final SecureRandomHook hook;
    private final NativePrngBuffers buffers = new NativePrngBuffers();
    private final AtomicInteger reseeded = new AtomicInteger();
    private volatile boolean probed;

    /** The stamp at which the agent began: until it changes, nothing has to be renewed. */
    private long first;

    private @Nullable SecureRandoms inside;
    private @Nullable VarHandle counter;
    private @Nullable VarHandle mark;
    private @Nullable VarHandle threadSafe;
    private @Nullable VarHandle sha1State;

    SecureRandomDraws(boolean replaceSha1, SecureRandomHook hook) {
        this.replaceSha1 = replaceSha1;
        this.hook = hook;
    }

    @Override
    public String name() {
        return "secure-random";
    }

    @Override
    public String what() {
        return "every SecureRandom that the program holds: DRBG, SHA1PRNG, those of other providers";
    }

    @Override
    public String expects() {
        return "SecureRandom.nextBytes and setSeed; its fields counter and randomBytesUsed, which nothing else uses";
    }

    @Override
    public String verifies() {
        return "a SecureRandom made for that asks the agent when it draws";
    }

    @Override
    public synchronized void prepare(Jdk jdk) throws Unsuitable {
        if (this.jdk != null) {
            return; // somebody has drawn already
        }
        id = SysGenId.open();
        first = id.stamp();
        inside = new SecureRandoms(jdk);
        buffers.prepare(jdk);
        counter = jdk.field(SecureRandom.class, "counter", long.class);
        mark = jdk.field(SecureRandom.class, "randomBytesUsed", int.class);
        threadSafe = jdk.field(SecureRandom.class, "threadSafe", boolean.class);
        sha1State = jdk.field(jdk.find(SHA1PRNG), "state", byte[].class);
        this.jdk = jdk;
    }

    @Override
    @SuppressWarnings("NullAway") // prepared
    public void install() throws Exception {
        // Once before anybody else does: what it needs is then loaded, and no draw loads classes in the program's way.
        verify(new Probe());
        jdk.weave(SecureRandom.class);
        hook.handOver(this);
    }

    private void verify(Probe probe) {
        boolean unused = test(new Probed(probe), new byte[1]);
    }

    @Override
    @SuppressWarnings("NullAway") // prepared
    public int renew() {
        probed = false;
        new Probed(new Probe()).nextBytes(new byte[1]);
        if (!probed) {
            throw new IllegalStateException("a SecureRandom draws without asking");
        }
        return reseeded.getAndSet(0);
    }

    @Override
    public void remove() {
        hook.release();
    }

    // ---- in the middle of a draw

    @Override
    @SuppressWarnings("NullAway") // prepared
    public boolean test(SecureRandom random, byte[] bytes) {
        SecureRandomSpi behind = inside.behind(random);
        if (behind == null || bytes == null) {
            return false;
        }
        if (SecureRandoms.isOurs(behind)) {
            mark.set(random, SAFE);
            return false;
        }
        if ((int) mark.get(random) == FIXED) {
            return false;
        }
        if (replaceSha1 && isUnseededSha1(behind)) {
            inside.exchange(random);
            mark.set(random, SAFE);
            return false;
        }
        if ((boolean) threadSafe.get(random)) {
            draw(random, behind, bytes);
        } else {
            synchronized (random) { // as the JDK does
                draw(random, behind, bytes);
            }
        }
        return true;
    }

    @SuppressWarnings("NullAway") // prepared
    private void draw(SecureRandom random, SecureRandomSpi behind, byte[] bytes) {
        for (int round = 0; round < ROUNDS; round++) {
            long stamp = id.stamp();
            boolean renewed = isOf(random, stamp) || reseed(random, behind, stamp);
            inside.draw(behind, bytes);
            if (renewed && id.stamp() == stamp) {
                return;
            }
        }
        byte[] ours = new byte[bytes.length];
        SnapshotSafeRandom.instance().nextBytes(ours);
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] ^= ours[i];
        }
    }

    /** Whether its state is of this generation. */
    @SuppressWarnings("NullAway") // prepared
    private boolean isOf(SecureRandom random, long stamp) {
        long its = (long) counter.getAcquire(random);
        return its == stamp || (its == 0 && stamp == first);
    }

    /** Returns false when its provider does not take it. */
    @SuppressWarnings("NullAway") // prepared
    private boolean reseed(SecureRandom random, SecureRandomSpi behind, long stamp) {
        try {
            if (behind instanceof Probe) {
                probed = true;
            } else if (behind.getClass().getName().startsWith(NATIVE)) {
                int unused = buffers.renew(); // a seed would be written to the kernel
            } else {
                inside.reseed(behind);
            }
        } catch (Exception e) {
            return false;
        }
        counter.setRelease(random, stamp);
        reseeded.incrementAndGet();
        return true;
    }

    @Override
    @SuppressWarnings("NullAway") // prepared
    public void accept(SecureRandom random, int what) {
        SecureRandomSpi behind = inside.behind(random);
        if (behind == null || SecureRandoms.isOurs(behind)) {
            return;
        }
        switch (what) {
            case SEEDED -> {
                if (isUnseededSha1(behind)) {
                    mark.set(random, FIXED);
                }
            }
            case BORN_SEEDED -> {
                if (isSha1(behind)) {
                    mark.set(random, FIXED);
                }
            }
            default -> {
                long stamp = id.stamp();
                if ((int) mark.get(random) != FIXED && !isOf(random, stamp)) {
                    boolean unused = reseed(random, behind, stamp);
                }
            }
        }
    }

    private static boolean isSha1(SecureRandomSpi behind) {
        return behind.getClass().getName().equals(SHA1PRNG);
    }

    @SuppressWarnings("NullAway") // prepared
    private boolean isUnseededSha1(SecureRandomSpi behind) {
        return isSha1(behind) && sha1State.getVolatile(behind) == null;
    }

    /** Draws nothing; shows whether the agent is asked. */
    private static final class Probe extends SecureRandomSpi {
        private static final long serialVersionUID = 1;

        @Override
        protected void engineSetSeed(byte[] seed) {}

        @Override
        protected void engineNextBytes(byte[] bytes) {}

        @Override
        protected byte[] engineGenerateSeed(int count) {
            return new byte[count];
        }
    }

    private static final class Probed extends SecureRandom {
        private static final long serialVersionUID = 1;

        Probed(Probe probe) {
            super(probe, null);
        }
    }
}
