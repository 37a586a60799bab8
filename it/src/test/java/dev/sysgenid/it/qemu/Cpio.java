// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.qemu;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Stream;

/** Writes an archive that the kernel unpacks into its first file system: cpio's "newc" format. */
final class Cpio implements AutoCloseable {
    private static final int DIRECTORY = 0040755;
    private static final int PROGRAM = 0100755;
    private static final int LINK = 0120777;
    private static final int ALIGNMENT = 4;
    private static final int BLOCK = 512;

    private final OutputStream out;
    private final Set<String> directories = new HashSet<>();
    private long written;
    private int inode;

    Cpio(OutputStream out) {
        this.out = out;
    }

    /** A directory, with those above it. */
    void directory(String path) throws IOException {
        int slash = path.lastIndexOf('/');
        if (slash > 0) {
            directory(path.substring(0, slash));
        }
        if (directories.add(path)) {
            entry(path, DIRECTORY, 0, new byte[0]);
        }
    }

    /** A file that may be run, with the directories above it. */
    void file(String path, byte[] content) throws IOException {
        file(path, content, 0);
    }

    /** A copy, with the time of the original: a cache of the JVM's insists on it. */
    void file(String path, Path original) throws IOException {
        file(
                path,
                Files.readAllBytes(original),
                Files.getLastModifiedTime(original).toMillis() / 1000);
    }

    private void file(String path, byte[] content, long time) throws IOException {
        directory(path.substring(0, Math.max(0, path.lastIndexOf('/'))));
        entry(path, PROGRAM, time, content);
    }

    void link(String path, String target) throws IOException {
        directory(path.substring(0, Math.max(0, path.lastIndexOf('/'))));
        entry(path, LINK, 0, target.getBytes(StandardCharsets.UTF_8));
    }

    /** Copies of all files below a directory. */
    void tree(String path, Path original) throws IOException {
        try (Stream<Path> files = Files.walk(original)) {
            for (Path file : (Iterable<Path>) files.sorted()::iterator) {
                if (Files.isRegularFile(file)) {
                    file(path + "/" + original.relativize(file), file);
                }
            }
        }
    }

    private void entry(String path, int mode, long time, byte[] content) throws IOException {
        if (path.isEmpty()) {
            return;
        }
        byte[] name = (path + "\0").getBytes(StandardCharsets.UTF_8);
        inode++;
        long[] fields = {inode, mode, 0, 0, 1, time, content.length, 0, 0, 0, 0, name.length, 0};
        StringBuilder header = new StringBuilder("070701");
        for (long field : fields) {
            header.append("%08x".formatted(field));
        }
        write(header.toString().getBytes(StandardCharsets.US_ASCII));
        write(name);
        pad(ALIGNMENT);
        write(content);
        pad(ALIGNMENT);
    }

    private void write(byte[] bytes) throws IOException {
        out.write(bytes);
        written += bytes.length;
    }

    private void pad(int alignment) throws IOException {
        write(new byte[(int) (-written & (alignment - 1))]);
    }

    /** Ends the archive; another may follow in the same stream. */
    @Override
    public void close() throws IOException {
        entry("TRAILER!!!", 0, 0, new byte[0]);
        pad(BLOCK);
    }
}
