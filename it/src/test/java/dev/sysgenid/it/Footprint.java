// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * What a daemon holds at a moment on behalf of its clients.
 *
 * @param watchers lines of the file {@code watchers}
 * @param descriptors open descriptors of the process
 * @param pages mappings of its own of pages that clients map
 * @param mappings all its mappings, the JVM's included
 * @param files inodes in use in the file system of its state
 * @param objects live objects of this project's classes, after a full collection: inodes, open files, watchers,
 *     parked requests are among them
 * @param heap what is live in the heap after that, in bytes
 * @param anonymous resident memory that is no file's, in KiB: the heap, and what native code allocates
 * @param resident all resident memory, in KiB: with mapped files and pages
 * @param highest the most that this ever was
 */
record Footprint(
        int watchers,
        int descriptors,
        int pages,
        int mappings,
        long files,
        long objects,
        long heap,
        long anonymous,
        long resident,
        long highest) {
    /** What a JVM may map beside what it had mapped before: compiled code, heap it grew by. */
    private static final int SLACK_MAPPINGS = 100;

    /** Caches of a constant size may fill meanwhile; a leak is as large as the number of opens: thousands. */
    private static final int SLACK_OBJECTS = 50;

    static Footprint of(ServedDevice device) {
        return of(device.pid(), device.mount(), device.state());
    }

    static Footprint of(KeptDevice device) {
        return of(device.daemon(), device.mount(), device.state());
    }

    private static Footprint of(long pid, Path mount, Path state) {
        Path process = Path.of("/proc", Long.toString(pid));
        // The kernel may keep the inode of the last lookup, with its page, until the name is looked up again.
        assertThat(mount.resolve("sysgenid")).exists();
        // The first attachment opens a socket in the daemon that stays; it is not to be counted as a difference.
        Live live = live(pid);
        try (Stream<Path> descriptors = Files.list(process.resolve("fd"));
                Stream<String> watchers = Files.lines(mount.resolve("watchers"), StandardCharsets.UTF_8)) {
            List<String> maps = Files.readAllLines(process.resolve("maps"), StandardCharsets.UTF_8);
            List<String> status = Files.readAllLines(process.resolve("status"), StandardCharsets.UTF_8);
            return new Footprint(
                    (int) watchers.skip(1).count(),
                    (int) descriptors.count(),
                    (int) maps.stream()
                            .filter(line -> line.contains(".state/page-"))
                            .count(),
                    maps.size(),
                    files(state),
                    live.objects,
                    live.heap,
                    kibibytes(status, "RssAnon:"),
                    kibibytes(status, "VmRSS:"),
                    kibibytes(status, "VmHWM:"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static long kibibytes(List<String> status, String label) {
        String line = status.stream()
                .filter(each -> each.startsWith(label))
                .findFirst()
                .orElseThrow();
        return Long.parseLong(line.substring(label.length()).replace("kB", "").strip());
    }

    private static long files(Path state) {
        Child.Ended stat = Child.run(List.of("stat", "--file-system", "--format=%c %d", state.toString()));
        assertThat(stat.status()).as(stat.output()).isZero();
        String[] all = stat.output().split(" ", 2);
        return Long.parseLong(all[0]) - Long.parseLong(all[1]);
    }

    /** What a histogram of the heap says, which is made after a full collection. */
    private record Live(long objects, long heap) {}

    private static Live live(long pid) {
        String jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd").toString();
        // By itself it gives up after ten seconds, as if the process were hung and not only without a processor.
        String patience = "-J-Dsun.tools.attach.attachTimeout=" + Child.LIMIT.toMillis();
        Child.Ended histogram = Child.run(List.of(jcmd, patience, Long.toString(pid), "GC.class_histogram"));
        assertThat(histogram.status()).as(histogram.output()).isZero();
        // A line: rank, colon, instances, bytes, class name, module
        List<String[]> lines = histogram
                .output()
                .lines()
                .map(line -> line.strip().split("\\s+"))
                .filter(columns -> columns.length >= 4 && columns[0].endsWith(":"))
                .toList();
        long objects = lines.stream()
                .filter(columns -> columns[3].startsWith("dev.sysgenid."))
                .mapToLong(columns -> Long.parseLong(columns[1]))
                .sum();
        // What the collector did not move is padded with these; they are no objects of anybody.
        long heap = lines.stream()
                .filter(columns -> !columns[3].contains("jdk.internal.vm.Filler"))
                .mapToLong(columns -> Long.parseLong(columns[2]))
                .sum();
        return new Live(objects, heap);
    }

    /**
     * Waits until the daemon holds no more than it did before, and fails when it goes on holding more. The kernel tells
     * it of a closed file and of a forgotten inode some time after the close.
     */
    static void awaitReturnTo(Footprint before, ServedDevice device) {
        long end = System.nanoTime() + Child.LIMIT.toNanos();
        Footprint now = of(device);
        while (!now.isNoMoreThan(before) && System.nanoTime() < end) {
            try {
                Thread.sleep(100);
            } catch (InterruptedException e) {
                throw new AssertionError("interrupted", e);
            }
            now = of(device);
        }
        assertThat(now.isNoMoreThan(before))
                .as("the daemon held %s before, and holds %s now", before, now)
                .isTrue();
    }

    private boolean isNoMoreThan(Footprint before) {
        return watchers <= before.watchers
                && descriptors <= before.descriptors
                && pages <= before.pages
                && mappings <= before.mappings + SLACK_MAPPINGS
                && files <= before.files
                && objects <= before.objects + SLACK_OBJECTS;
    }
}
