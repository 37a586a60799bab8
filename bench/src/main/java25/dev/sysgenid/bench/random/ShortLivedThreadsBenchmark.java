// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.bench.random;

import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** A virtual thread that lives for one draw of 16 bytes; the time of one thread, in batches of 1,000. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class ShortLivedThreadsBenchmark {
    private static final int BATCH = 1_000;

    /** Whose. */
    @Param({"SYSGENID", "JDK"})
    public Peer peer = Peer.SYSGENID;

    private SecureRandom random = new SecureRandom();

    /** Makes the SecureRandom. */
    @Setup
    public void make() throws GeneralSecurityException {
        random = peer.random();
    }

    /** The batch. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public void draw() throws InterruptedException {
        Thread[] threads = new Thread[BATCH];
        for (int i = 0; i < BATCH; i++) {
            threads[i] = Thread.startVirtualThread(() -> random.nextBytes(new byte[16]));
        }
        for (Thread thread : threads) {
            thread.join();
        }
    }
}
