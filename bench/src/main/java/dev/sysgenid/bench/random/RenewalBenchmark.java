// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.bench.random;

import dev.sysgenid.SysGenId;
import dev.sysgenid.security.SysGenIdProvider;
import java.security.SecureRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** The first draw after a change: the difference of the two is a seed from the kernel and a new buffer. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class RenewalBenchmark {
    private final SysGenId id = SysGenId.open();
    private final SecureRandom random = SysGenIdProvider.secureRandom();
    private final byte[] out = new byte[16];

    /** A change alone. */
    @Benchmark
    public long change() {
        id.trigger();
        return id.stamp();
    }

    /** A change and a draw of 16 bytes. */
    @Benchmark
    public byte[] changeAndDraw() {
        id.trigger();
        random.nextBytes(out);
        return out;
    }

    /** The look at the generation that each draw takes twice. */
    @Benchmark
    public long stamp() {
        return id.stamp();
    }
}
