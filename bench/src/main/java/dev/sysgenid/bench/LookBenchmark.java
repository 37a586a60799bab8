// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.bench;

import dev.sysgenid.PerGeneration;
import dev.sysgenid.SysGenId;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** What the client library's looks at the generation cost, beside reads of fields. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class LookBenchmark {
    private static final SysGenId ID = SysGenId.open();
    private static final PerGeneration<Object> VALUE = ID.perGeneration(Object::new);

    private static volatile int volatileField;

    private Object field = new Object();

    /** The device's number. */
    @Benchmark
    public int generation() {
        return ID.generation();
    }

    /** What is to be compared. */
    @Benchmark
    public long stamp() {
        return ID.stamp();
    }

    /** A value of this generation. */
    @Benchmark
    public Object perGeneration() {
        return VALUE.get();
    }

    /** The peer of the first two. */
    @Benchmark
    public int readOfVolatileField() {
        return volatileField;
    }

    /** The peer of the third. */
    @Benchmark
    public Object readOfField() {
        return field;
    }
}
