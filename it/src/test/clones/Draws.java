// SPDX-License-Identifier: Apache-2.0

import dev.sysgenid.security.SnapshotSafeRandom;
import java.io.PrintWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;

/**
 * Draws without a pause while the virtual machine that it runs in is cloned, and writes down what it drew after the restore,
 * in the clone's own time: what was drawn before anybody could know of the restore, and what later.
 *
 * <p>{@code java Draws ADDRESS COUNT LAST DIRECTORY}. At the address in the machine's memory the hypervisor shows the machine's
 * identifier: a draw counts if another one was there before it began. It makes {@code DIRECTORY/ready}, and in a clone after
 * that many draws {@code DIRECTORY/draws}, with a line for each: CLOCK_MONOTONIC in nanoseconds, a number of the guarded
 * generator, and one of the JDK's. The last so many it makes when there is {@code DIRECTORY/go}.
 */
public final class Draws {
    private static final int PAGE = 4096;
    private static final int PROT_READ = 1;
    private static final int MAP_SHARED = 1;
    /** At first it draws as fast as it can: a thread that has to be woken may come too late to draw what others draw. */
    private static final int WITHOUT_PAUSE = 500;

    private static final int PAUSE_NANOS = 500_000;

    private Draws() {}

    public static void main(String[] arguments) throws Throwable {
        long address = Long.decode(arguments[0]);
        int count = Integer.parseInt(arguments[1]);
        int last = Integer.parseInt(arguments[2]);
        Path directory = Path.of(arguments[3]);
        Path go = directory.resolve("go");
        SnapshotSafeRandom guarded = SnapshotSafeRandom.instance();
        SplittableRandom plain = new SplittableRandom();
        long[] times = new long[count];
        long[] guardedDraws = new long[count];
        long[] plainDraws = new long[count];
        MemorySegment identifier = map(address);
        long noted = identifier.get(ValueLayout.JAVA_LONG, 0);
        // What runs for the first time after the restore would be slow.
        for (int i = 0; i < 1000; i++) {
            draw(guarded, plain, i % count, times, guardedDraws, plainDraws);
        }
        Files.createFile(directory.resolve("ready"));
        for (int i = 0; i < count; ) {
            boolean restored = identifier.get(ValueLayout.JAVA_LONG, 0) != noted;
            draw(guarded, plain, i, times, guardedDraws, plainDraws);
            if (restored) {
                i++;
            }
            while (i == count - last && !Files.exists(go)) {
                LockSupport.parkNanos(PAUSE_NANOS);
            }
            if (i > WITHOUT_PAUSE) {
                LockSupport.parkNanos(PAUSE_NANOS);
            }
        }
        Path file = directory.resolve("new");
        try (PrintWriter writer = new PrintWriter(file.toFile())) {
            for (int i = 0; i < count; i++) {
                writer.println(times[i] + " " + Long.toHexString(guardedDraws[i]) + " " + Long.toHexString(plainDraws[i]));
            }
        }
        Files.move(file, directory.resolve("draws"), StandardCopyOption.ATOMIC_MOVE);
    }

    /** The first half of the identifier. The file has no size, so Java's own way to map it does not work. */
    private static MemorySegment map(long address) throws Throwable {
        Linker linker = Linker.nativeLinker();
        MethodHandle open = linker.downcallHandle(
                linker.defaultLookup().findOrThrow("open"),
                FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT),
                Linker.Option.firstVariadicArg(2));
        MethodHandle mmap = linker.downcallHandle(
                linker.defaultLookup().findOrThrow("mmap"),
                FunctionDescriptor.of(
                        ValueLayout.ADDRESS,
                        ValueLayout.ADDRESS,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_LONG));
        int file = (int) open.invokeExact(Arena.global().allocateFrom("/dev/mem"), 0);
        MemorySegment page =
                (MemorySegment) mmap.invokeExact(MemorySegment.NULL, (long) PAGE, PROT_READ, MAP_SHARED, file, address & -PAGE);
        if (file < 0 || page.address() == -1) {
            throw new IllegalStateException("/dev/mem cannot be mapped");
        }
        return page.reinterpret(PAGE).asSlice(address & (PAGE - 1), Long.BYTES);
    }

    private static void draw(
            SnapshotSafeRandom guarded,
            SplittableRandom plain,
            int i,
            long[] times,
            long[] guardedDraws,
            long[] plainDraws) {
        guardedDraws[i] = guarded.nextLong();
        plainDraws[i] = plain.nextLong();
        times[i] = System.nanoTime();
    }
}
