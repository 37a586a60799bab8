// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.bench.random;

import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** {@code nextBytes} of one SecureRandom that all threads share; {@code -t 2} for two of them. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class NextBytesBenchmark {
    /** Whose. */
    @Param
    public Peer peer = Peer.SYSGENID;

    /** Bytes of a call. */
    @Param({"16", "32", "256", "4096", "65536"})
    public int size;

    private SecureRandom random = new SecureRandom();

    /**
     * The array of one thread, between two others: arrays of two threads that share a line of a cache would be measured
     * instead of the generator. A full collection keeps their order, and nothing moves them after it.
     */
    @State(Scope.Thread)
    public static class Out {
        private static final int PADDING = 256;

        private byte[][] arrays = {};

        /** Makes it. */
        @Setup
        public void make(NextBytesBenchmark benchmark) {
            arrays = new byte[][] {new byte[PADDING], new byte[benchmark.size], new byte[PADDING]};
            System.gc();
        }

        byte[] bytes() {
            return arrays[1];
        }
    }

    /** Makes the SecureRandom. */
    @Setup
    public void make() throws GeneralSecurityException {
        random = peer.random();
    }

    /** One call. */
    @Benchmark
    public byte[] nextBytes(Out out) {
        byte[] bytes = out.bytes();
        random.nextBytes(bytes);
        return bytes;
    }
}
