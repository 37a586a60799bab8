// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.client;

import dev.sysgenid.abi.Ioctl;
import dev.sysgenid.it.Child;
import dev.sysgenid.it.ServedDevice;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** Bumps a device every 100 microseconds, on a thread of its own, from the start until it is closed. */
final class Bumper implements AutoCloseable {
    private static final long INTERVAL_NANOS = 100_000;

    private final int file;
    private final Thread thread;
    private volatile boolean over;
    private volatile long bumps;
    private volatile @Nullable Throwable failure;

    Bumper(ServedDevice device) throws SystemCallException {
        String path = device.device().toString();
        file = SystemCallException.check(Unistd.open(path, Unistd.O_RDONLY | Unistd.O_CLOEXEC, 0), "open", path);
        thread = Thread.ofPlatform().name("bumper").start(this::run);
    }

    private void run() {
        try {
            long next = System.nanoTime();
            long made = 0;
            while (!over) {
                SystemCallException.check(Unistd.ioctl(file, Ioctl.TRIGGER_GEN_UPDATE, 0L), "ioctl", "the device");
                bumps = ++made;
                // What is missed is not made up for: the pause is what lets others draw.
                next = Math.max(next + INTERVAL_NANOS, System.nanoTime());
                LockSupport.parkNanos(next - System.nanoTime());
            }
        } catch (Throwable e) {
            failure = e;
        }
    }

    /** How many so far. */
    long bumps() {
        return bumps;
    }

    /** Waits until there were so many. */
    void awaitBumps(long count) throws InterruptedException {
        long end = System.nanoTime() + Child.LIMIT.toNanos();
        while (bumps < count && failure == null) {
            if (System.nanoTime() > end) {
                throw new AssertionError(bumps + " bumps, not " + count);
            }
            Thread.sleep(1);
        }
    }

    @Override
    public void close() {
        over = true;
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted while the bumper ends", e);
        }
        Unistd.close(file);
        if (failure != null) {
            throw new AssertionError("the bumper", failure);
        }
    }
}
