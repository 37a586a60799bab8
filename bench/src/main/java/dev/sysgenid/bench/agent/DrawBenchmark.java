// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.bench.agent;

import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** The draws of the JDK whose methods the agent adds to, or whose generator it exchanges. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class DrawBenchmark {
    private final SecureRandom secure = new SecureRandom();
    private final SecureRandom sha1 = of("SHA1PRNG");
    private final SecureRandom drbg = of("DRBG");
    private final Random random = new Random();
    private final byte[] bytes = new byte[16];

    private static SecureRandom of(String algorithm) {
        try {
            return SecureRandom.getInstance(algorithm);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The agent's addition is one load and one addition. */
    @Benchmark
    public long threadLocalRandom() {
        return ThreadLocalRandom.current().nextLong();
    }

    /** A Random that seeded itself. */
    @Benchmark
    public int random() {
        return random.nextInt();
    }

    /** One of the program's static generators behind it. */
    @Benchmark
    public UUID uuid() {
        return UUID.randomUUID();
    }

    /** 16 bytes of the default generator. */
    @Benchmark
    public byte[] secureRandom() {
        secure.nextBytes(bytes);
        return bytes;
    }

    /** A generator for one number. */
    @Benchmark
    public long newSecureRandom() {
        return new SecureRandom().nextLong();
    }

    /** 16 bytes of the generator that Tomcat uses, which the agent leaves in its place. */
    @Benchmark
    public byte[] sha1prng() {
        sha1.nextBytes(bytes);
        return bytes;
    }

    /** 16 bytes. */
    @Benchmark
    public byte[] drbg() {
        drbg.nextBytes(bytes);
        return bytes;
    }
}
