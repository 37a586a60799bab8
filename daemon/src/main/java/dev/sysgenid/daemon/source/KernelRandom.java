// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon.source;

import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Random;
import dev.sysgenid.linux.Unistd;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Makes the kernel's random numbers fresh: what two clones draw after it differs.
 *
 * <p>What is mixed in alone changes nothing until the kernel makes new keys of it, which it does when it sees fit. So both are
 * done: mixing in whatever may differ between clones, and asking for new keys, into which the kernel also takes what the
 * processor's own generator says. Nothing that is mixed in is counted as entropy: it need not be secret, only different.
 *
 * <p>A failure is told and stops nothing: programs that renew from numbers which may repeat are better off than programs
 * that do not renew at all, and those that draw from elsewhere too are safe.
 *
 * <p>The hardware's generator may answer when nobody waits any more. Then {@link #catchUp} is to be called.
 *
 * <p>Belongs to the loop's thread.
 */
public final class KernelRandom implements AutoCloseable {
    private static final String DEVICE = "/dev/urandom";

    /** What the kernel and the driver may have fetched from the device before the snapshot was made is less than half. */
    private static final int HARDWARE_BYTES = 512;

    /** How long to wait for the hardware's generator, which may be a broken one. It goes on meanwhile. */
    private static final long PATIENCE_MILLIS = 20;

    private final Consumer<String> log;
    private final String hardware;
    private final boolean processorHasOne;
    private final long patienceMillis;
    private final int descriptor;

    /** The last one of the hardware's generator. */
    private @Nullable Reading reading;

    private Runnable answered = () -> {};

    /** Held by whoever uses the descriptor beside the loop's thread, or closes it. */
    private final Object lock = new Object();

    private boolean closed;

    /** One reading of the hardware's generator, by a thread of its own. */
    private final class Reading {
        private final CountDownLatch over = new CountDownLatch(1);
        private volatile boolean added;

        /** Whether it began before the last restore, so that some of it may be the snapshot's. The loop's thread's. */
        private boolean stale;

        private boolean goesOn() {
            return over.getCount() > 0;
        }

        private void run() {
            int generator = Unistd.open(hardware, Unistd.O_RDONLY | Unistd.O_CLOEXEC, 0);
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment memory = arena.allocate(HARDWARE_BYTES);
                for (int got = 0; got < HARDWARE_BYTES; ) {
                    long n = Unistd.read(generator, memory.asSlice(got), HARDWARE_BYTES - got);
                    if (n <= 0 && n != -Errno.EINTR) {
                        return; // there is no hardware behind the device
                    }
                    got += (int) Math.max(n, 0);
                }
                synchronized (lock) {
                    if (!closed) {
                        added = Random.addEntropy(descriptor, 0, memory, HARDWARE_BYTES) == 0;
                        over.countDown();
                        answered.run();
                    }
                }
            } finally {
                over.countDown();
                Unistd.close(generator);
            }
        }
    }

    /**
     * Does not yet change anything.
     *
     * @param log told of failures, one line each
     * @param hardware the hardware's generator, /dev/hwrng; it need not be there
     * @param processorHasOne whether the kernel finds random numbers in the processor whenever it makes new keys
     */
    public KernelRandom(Consumer<String> log, String hardware, boolean processorHasOne) {
        this(log, hardware, processorHasOne, PATIENCE_MILLIS);
    }

    KernelRandom(Consumer<String> log, String hardware, boolean processorHasOne, long patienceMillis) {
        this.log = log;
        this.hardware = hardware;
        this.processorHasOne = processorHasOne;
        this.patienceMillis = patienceMillis;
        this.descriptor = Unistd.open(DEVICE, Unistd.O_RDWR | Unistd.O_CLOEXEC, 0);
    }

    /** Whether this processor has random numbers of its own, of which the kernel takes some whenever it makes new keys. */
    public static boolean isInTheProcessor() {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/cpuinfo"))) {
                if (line.startsWith("flags") || line.startsWith("Features")) {
                    return (line + " ").matches(".* (rdrand|rdseed|rng) .*");
                }
            }
        } catch (IOException e) {
            // Then it has none that anybody knows of.
        }
        return false;
    }

    /**
     * Makes new keys. Returns whether it may; it takes CAP_SYS_ADMIN in the initial user namespace. A kernel that has just
     * been started has no keys yet (ENODATA): those that it makes will be new.
     */
    public boolean reseed() {
        int result = reseedQuietly();
        return result == 0 || result == -Errno.ENODATA;
    }

    private int reseedQuietly() {
        return descriptor < 0 ? descriptor : Random.reseed(descriptor);
    }

    /**
     * What to call when the hardware's generator has answered, by the thread that reads it: it has the loop's thread {@link
     * #catchUp} where that is due.
     */
    public void onAnswer(Runnable action) {
        answered = action;
    }

    /**
     * After a restore of which the kernel does not know: mixes in what there is, and makes new keys.
     *
     * @param entropy what may differ between clones; null where there is nothing
     * @param unique whether it certainly does
     * @return whether what is drawn from now on certainly differs from what other clones draw
     */
    public boolean freshen(byte @Nullable [] entropy, boolean unique) {
        int result = entropy == null ? 0 : add(entropy, entropy.length);
        boolean differs = addFromHardware() || processorHasOne || unique;
        int reseeded = reseedQuietly();
        if (reseeded < 0 || result < 0) {
            log.accept(
                    "WARNING: the kernel's random number generator could not be made fresh after a restore ("
                            + Errno.describe(reseeded < 0 ? -reseeded : -result)
                            + "): programs may renew from numbers that other clones draw too; run the daemon with CAP_SYS_ADMIN");
            return false;
        }
        if (!differs) {
            Reading last = reading;
            log.accept("WARNING: nothing here is known to be random in each clone anew: "
                    + (last != null && last.goesOn()
                            ? "the processor has nothing, and " + hardware
                                    + " has not answered yet; a further bump follows when it does"
                            : "neither the processor nor " + hardware
                                    + "; give the virtual machine a virtio-rng device"));
        }
        return differs;
    }

    /**
     * As {@link #freshen} without anything that differs, for a restore that nobody knows to have been: where that is not
     * enough, it is not told, and nothing is to be caught up.
     */
    public void freshenQuietly() {
        if (!processorHasOne) {
            boolean _ = addFromHardware();
        }
        int _ = reseedQuietly();
    }

    /**
     * Makes new keys of what the hardware's generator said after {@link #freshen} had given it up.
     *
     * @return whether what is drawn from now on certainly differs from what other clones draw; if not, it may have to be read
     *     anew, and will answer again
     */
    public boolean catchUp() {
        Reading last = reading;
        if (last == null || !last.added) {
            return false;
        }
        return last.stale ? addFromHardware() && reseed() : reseed();
    }

    private int add(byte[] bytes, int length) {
        if (descriptor < 0) {
            return descriptor;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(length);
            MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 0, length);
            return Random.addEntropy(descriptor, 0, memory, length);
        }
    }

    /**
     * From a thread of its own, because a read waits for the host, without end if that is gone.
     *
     * @return whether it came in time
     */
    private boolean addFromHardware() {
        Reading last = reading;
        if (last != null && last.goesOn()) {
            last.stale = true;
            return false;
        }
        if (Files.notExists(Path.of(hardware))) {
            reading = null;
            return false;
        }
        Reading begun = new Reading();
        reading = begun;
        Thread.ofPlatform().name("sysgenid-hwrng").daemon().start(begun::run);
        try {
            return begun.over.await(patienceMillis, TimeUnit.MILLISECONDS) && begun.added;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    @Override
    public void close() {
        synchronized (lock) {
            closed = true;
            Unistd.close(descriptor);
        }
    }
}
