// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.abi.Generation;
import dev.sysgenid.core.Domain;
import dev.sysgenid.core.Watcher;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * One reading of the file {@code watchers}: a header line, then one line a watcher, the columns separated by one space
 * and the command, which may hold spaces, last.
 *
 * <p>The text is made as it is read, so a reading costs no memory however many watchers there are. A watcher that is
 * there during all of a reading is in it once; those that come or go meanwhile may be.
 */
final class WatcherList {
    private static final String HEADER = "ID PID UID ACCESS TRACKED ACKED OUTDATED_MS COMMAND\n";

    /** No line is longer: the numbers have 20 digits at most, and the command 64 bytes, as the kernel has it. */
    private static final int MAX_LINE = 160;

    private final Domain domain;
    /** How many bytes of the text have been made and are gone. */
    private long position;

    /** The bytes from {@link #position} on that have been made and not been read. */
    private byte[] pending = HEADER.getBytes(StandardCharsets.UTF_8);
    /** The last watcher whose line has been made. */
    private long lastId;

    WatcherList(Domain domain) {
        this.domain = domain;
    }

    /** No reading that begins now is longer. */
    static long maxLength(Domain domain) {
        return MAX_LINE * (1L + domain.watchers());
    }

    /** Up to {@code size} bytes from {@code offset} on; none at the end. Going back starts a new reading. */
    byte[] read(long offset, int size) {
        if (offset < position) {
            position = 0;
            lastId = 0;
            pending = HEADER.getBytes(StandardCharsets.UTF_8);
        }
        ByteArrayOutputStream made = new ByteArrayOutputStream(pending.length + 256);
        made.writeBytes(pending);
        StringBuilder line = new StringBuilder();
        for (Watcher watcher : domain.all()) {
            if (position + made.size() - size >= offset) {
                break;
            }
            if (watcher.id() <= lastId) {
                continue;
            }
            if (position + made.size() <= offset) {
                // All of this stands before what is wanted.
                position += made.size();
                made.reset();
            }
            line.setLength(0);
            line(line, watcher);
            made.writeBytes(line.toString().getBytes(StandardCharsets.UTF_8));
            lastId = watcher.id();
        }
        byte[] text = made.toByteArray();
        int from = Math.clamp(offset - position, 0, text.length);
        int end = (int) Math.min(text.length, from + (long) size);
        pending = Arrays.copyOfRange(text, end, text.length);
        position += end;
        return Arrays.copyOfRange(text, from, end);
    }

    private void line(StringBuilder text, Watcher watcher) {
        OpenFile file = watcher.attachment(OpenFile.class);
        if (file == null) {
            return;
        }
        text.append(watcher.id()).append(' ').append(file.opener.pid()).append(' ');
        text.append(Integer.toUnsignedString(file.uid)).append(' ');
        text.append(watcher.writable() ? "rw" : "r").append(' ');
        text.append(watcher.tracked() ? "yes" : "no").append(' ');
        text.append(Generation.toString(watcher.acknowledged())).append(' ');
        if (watcher.outdated()) {
            text.append((System.nanoTime() - domain.outdatedSince(watcher)) / 1_000_000);
        } else {
            text.append('-');
        }
        text.append(' ');
        text.append(file.opener.printableCommand());
        text.append('\n');
    }
}
