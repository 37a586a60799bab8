// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Stat;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The memory of pages as files in a directory that nobody else can look into, so that the next daemon can map it again.
 * A name says whose page it is: {@code page-<node>-<backing id>-<uid>}, in hexadecimal digits. So the directory is all that has
 * to be known of pages.
 *
 * <p>Belongs to the loop's thread.
 */
final class PageFiles {
    private static final String PREFIX = "page-";
    /** A page that is not registered with the kernel yet. */
    private static final String UNNAMED = "new-page";

    private final Path path;
    private final int directory;

    /** A page that is there. */
    record Entry(long node, int backingId, int uid) {
        String name() {
            return String.format(Locale.ROOT, "%s%x-%x-%x", PREFIX, node, backingId, uid);
        }

        static @Nullable Entry parse(String name) {
            int first = name.indexOf('-', PREFIX.length());
            int second = name.indexOf('-', first + 1);
            if (!name.startsWith(PREFIX) || first < 0 || second < 0) {
                return null;
            }
            try {
                return new Entry(
                        Long.parseUnsignedLong(name, PREFIX.length(), first, 16),
                        Integer.parseUnsignedInt(name, first + 1, second, 16),
                        Integer.parseUnsignedInt(name, second + 1, name.length(), 16));
            } catch (NumberFormatException e) {
                return null;
            }
        }
    }

    /**
     * The pages in a directory.
     *
     * @param path the directory
     * @param directory the same, open; stays the caller's to close
     */
    PageFiles(Path path, int directory) {
        this.path = path;
        this.directory = directory;
    }

    /** A page without a name, that shows this. Returns its descriptor. */
    int create(PageContent shown) throws SystemCallException {
        int file = SystemCallException.check(
                Unistd.openat(
                        directory,
                        UNNAMED,
                        Unistd.O_RDWR | Unistd.O_CREAT | Unistd.O_TRUNC | Unistd.O_NOFOLLOW | Unistd.O_CLOEXEC,
                        0600),
                "open",
                "a page in " + path);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment content = arena.allocate(dev.sysgenid.abi.Page.SIZE, 8);
            shown.show(content, 0);
            // Written, not only made as long: memory that is not there is to be missed now, and not at a bump.
            long written = Unistd.pwrite(file, content, content.byteSize(), 0);
            if (written != content.byteSize()) {
                Unistd.close(file);
                throw new SystemCallException(
                        written < 0 ? (int) -written : Errno.ENOSPC, "write", "a page in " + path);
            }
        }
        return file;
    }

    /** Removes what {@link #create} made last, if it got no name. */
    void discard() {
        Unistd.unlinkat(directory, UNNAMED, 0);
    }

    /** Names the page that {@link #create} made last. */
    void name(Entry entry) throws SystemCallException {
        SystemCallException.check(
                Unistd.renameat(directory, UNNAMED, directory, entry.name()), "rename", "a page in " + path);
    }

    /** The page's file, open; refused when it is not one that was made here. */
    int open(Entry entry) throws SystemCallException {
        int file = SystemCallException.check(
                Unistd.openat(directory, entry.name(), Unistd.O_RDWR | Unistd.O_NOFOLLOW | Unistd.O_CLOEXEC, 0),
                "open",
                entry.name());
        Stat stat = Stat.of(file);
        if (!stat.is(Stat.S_IFREG) || stat.size() != dev.sysgenid.abi.Page.SIZE) {
            Unistd.close(file);
            throw new SystemCallException(Errno.EINVAL, "open", entry.name() + ", which is not a page");
        }
        return file;
    }

    void remove(Entry entry) {
        Unistd.unlinkat(directory, entry.name(), 0);
    }

    /** Tells those who still have a page mapped that nobody serves them any more. */
    void retire() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment gone = arena.allocateFrom(ValueLayout.JAVA_INT, dev.sysgenid.abi.Page.GONE);
            for (Entry entry : list()) {
                retire(entry, gone);
            }
        } catch (SystemCallException e) {
            // They learn of it by an error at their next call.
        }
    }

    private void retire(Entry entry, MemorySegment gone) {
        try {
            int file = open(entry);
            Unistd.pwrite(file, gone, Integer.BYTES, dev.sysgenid.abi.Page.STATE_OFFSET);
            Unistd.close(file);
        } catch (SystemCallException e) {
            // That one cannot be told; the others are.
        }
    }

    /** All pages that have a name. */
    List<Entry> list() throws SystemCallException {
        List<Entry> entries = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(path)) {
            for (Path file : files) {
                Entry entry = Entry.parse(String.valueOf(file.getFileName()));
                if (entry != null) {
                    entries.add(entry);
                }
            }
        } catch (IOException e) {
            throw new SystemCallException(Errno.EIO, "readdir", path);
        }
        return entries;
    }
}
