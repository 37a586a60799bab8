// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.bench.agent;

import dev.sysgenid.SysGenId;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;

/**
 * {@code ManyThreads PLATFORM VIRTUAL [listener]}: so many threads, each of which has drawn once and sleeps; prints "ready"
 * when all do. With {@code listener} it is a watcher itself, which acknowledges and renews nothing.
 */
public final class ManyThreads {
    private ManyThreads() {}

    /** Sleeps until it is ended. */
    public static void main(String[] arguments) throws InterruptedException {
        int platform = Integer.parseInt(arguments[0]);
        int virtual = Integer.parseInt(arguments[1]);
        if (arguments.length > 2) {
            SysGenId.open().watch(generation -> {});
        }
        CountDownLatch drawn = new CountDownLatch(platform + virtual);
        Runnable sleeper = () -> {
            if (ThreadLocalRandom.current().nextLong() != 0) {
                drawn.countDown();
            }
            while (true) {
                LockSupport.park();
            }
        };
        for (int i = 0; i < platform; i++) {
            Thread.ofPlatform().daemon().stackSize(64 * 1024).start(sleeper);
        }
        for (int i = 0; i < virtual; i++) {
            Thread.ofVirtual().start(sleeper);
        }
        drawn.await();
        System.out.println("ready");
        Thread.sleep(Long.MAX_VALUE);
    }
}
