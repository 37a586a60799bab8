// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.bench.random;

import com.fasterxml.uuid.Generators;
import com.fasterxml.uuid.impl.TimeBasedEpochGenerator;
import com.github.f4b6a3.uuid.UuidCreator;
import dev.sysgenid.security.SnapshotSafeRandom;
import dev.sysgenid.security.Uuids;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** UUIDs of versions 4 and 7, beside those of the JDK, uuid-creator and java-uuid-generator. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class UuidBenchmark {
    private static final TimeBasedEpochGenerator JUG = Generators.timeBasedEpochGenerator();

    /** Ours, version 4. */
    @Benchmark
    public UUID v4() {
        return Uuids.v4();
    }

    /** The JDK's. */
    @Benchmark
    public UUID v4Jdk() {
        return UUID.randomUUID();
    }

    /** Ours, version 7. */
    @Benchmark
    public UUID v7() {
        return Uuids.v7();
    }

    /** uuid-creator's. */
    @Benchmark
    public UUID v7UuidCreator() {
        return UuidCreator.getTimeOrderedEpoch();
    }

    /** java-uuid-generator's. */
    @Benchmark
    public UUID v7JavaUuidGenerator() {
        return JUG.generate();
    }

    /** A number of ours. */
    @Benchmark
    public long number() {
        return SnapshotSafeRandom.instance().nextLong();
    }
}
