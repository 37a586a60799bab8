// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Stat;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Set;

/**
 * A small file in a directory where anybody may plant anything, read and written by root: no link is followed, nothing that
 * is there is written to, and nothing is waited for.
 */
final class NoteFile {
    private NoteFile() {}

    /** Puts a file with that text in the place of whatever is there. */
    static void write(Path file, String text) throws IOException {
        Path fresh = file.resolveSibling(
                file.getFileName() + "." + ProcessHandle.current().pid() + "-" + System.nanoTime());
        // New, or it fails; and written through what was opened, as the name may mean something else a moment later.
        try (SeekableByteChannel channel =
                Files.newByteChannel(fresh, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE))) {
            ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII));
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(fresh);
        }
    }

    /**
     * The text of a plain file.
     *
     * @throws NoSuchFileException when there is nothing
     * @throws IOException also when it is longer, or no plain file
     */
    static String read(Path file, int longest) throws IOException {
        int flags = Unistd.O_RDONLY | Unistd.O_NOFOLLOW | Unistd.O_NONBLOCK | Unistd.O_NOCTTY | Unistd.O_CLOEXEC;
        int fd = Unistd.open(file.toString(), flags, 0);
        if (fd == -Errno.ENOENT) {
            throw new NoSuchFileException(file.toString());
        }
        try (Arena arena = Arena.ofConfined()) {
            SystemCallException.check(fd, "open", file.toString());
            if ((Stat.of(fd).mode() & Stat.S_IFMT) != Stat.S_IFREG) {
                throw new IOException(file + " is no plain file");
            }
            MemorySegment buffer = arena.allocate(longest + 1L);
            long length = Unistd.read(fd, buffer, longest + 1L);
            if (length < 0 || length > longest) {
                throw new IOException(file + (length < 0 ? " cannot be read" : " is too long"));
            }
            return new String(buffer.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.ISO_8859_1);
        } finally {
            if (fd >= 0) {
                Unistd.close(fd);
            }
        }
    }
}
