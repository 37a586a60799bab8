// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.bench;

import dev.sysgenid.abi.Page;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/**
 * The probe, one acquiring load from the device's mapped page, beside a load of a field by the same thread.
 *
 * <p>The system property {@code sysgenid.device} is the path of a device that is served.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class ProbeBenchmark {
    private static final VarHandle GENERATION = ValueLayout.JAVA_INT.varHandle();
    private static final MemorySegment DEVICE = map();
    private static final MemorySegment OWN = Arena.global().allocate(Page.SIZE, Page.SIZE);

    /** What a program has that keeps its generation to itself. */
    private static int field;

    private static MemorySegment map() {
        Path device = Path.of(System.getProperty("sysgenid.device", "/dev/sysgenid"));
        try (FileChannel channel = FileChannel.open(device, StandardOpenOption.READ)) {
            return channel.map(MapMode.READ_ONLY, 0, Page.SIZE, Arena.global());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The probe. */
    @Benchmark
    public int probe() {
        return (int) GENERATION.getAcquire(DEVICE, (long) Page.GENERATION_OFFSET);
    }

    /** The same load from memory of this process. */
    @Benchmark
    public int ownMemory() {
        return (int) GENERATION.getAcquire(OWN, (long) Page.GENERATION_OFFSET);
    }

    /** A plain load of a static field. */
    @Benchmark
    public int plainField() {
        return field;
    }
}
