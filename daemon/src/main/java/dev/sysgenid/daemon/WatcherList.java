// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.abi.Generation;
import dev.sysgenid.core.Domain;
import dev.sysgenid.core.Watcher;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * One reading of the file {@code watchers}: a header line, then one line a watcher, the columns separated by one space
 * and the command, which may hold spaces, last.
 *
 * <p>The text is made as it is read, so a reading costs no memory however many watchers there are. A watcher that is
 * there during all of a reading is in it once; those that come or go meanwhile may be. It is a text to be read from its beginning
 * to its end: to look for a place far away would be much work for one request, and all others would wait.
 */
final class WatcherList {
    private static final byte[] HEADER =
            "ID PID UID ACCESS TRACKED ACKED OUTDATED_MS COMMAND\n".getBytes(StandardCharsets.US_ASCII);

    private static final byte[] NOTHING = {};

    /** No line is longer: the numbers have 20 digits at most, and each of the command's 15 bytes is spelled in 8. */
    private static final int MAX_LINE = 256;

    /** How much text one request may skip: as much as one may read. */
    private static final int MOST_SKIPPED = 64 * 1024;

    private final Domain domain;
    /** How many bytes of the text have been made and are gone. */
    private long position;

    /** The bytes from {@link #position} on that have been made and not been read. */
    private byte[] pending = HEADER;
    /** The last watcher whose line has been made, and its number. */
    private @Nullable Watcher last;

    private long lastId;

    WatcherList(Domain domain) {
        this.domain = domain;
    }

    /** No reading that begins now is longer. */
    static long maxLength(Domain domain) {
        return MAX_LINE * (1L + domain.watchers());
    }

    /**
     * Up to {@code size} bytes from {@code offset} on; none at the end; null when that is too far from where the reading is, or, going
     * back, which starts a new reading, from the beginning. Another try goes on from there.
     */
    byte @Nullable [] read(long offset, int size) {
        if (offset < position) {
            position = 0;
            last = null;
            lastId = 0;
            pending = HEADER;
        }
        ByteArrayOutputStream made = new ByteArrayOutputStream(pending.length + MAX_LINE);
        made.writeBytes(pending);
        StringBuilder line = new StringBuilder();
        long began = position;
        while (position + made.size() - size < offset) {
            Watcher watcher = next();
            if (watcher == null) {
                break;
            }
            if (position + made.size() <= offset) {
                // All of this stands before what is wanted.
                position += made.size();
                made.reset();
                if (position - began > MOST_SKIPPED) {
                    pending = NOTHING;
                    return null;
                }
            }
            line.setLength(0);
            line(line, watcher);
            made.writeBytes(line.toString().getBytes(StandardCharsets.UTF_8));
            last = watcher;
            lastId = watcher.id();
        }
        byte[] text = made.toByteArray();
        int from = Math.clamp(offset - position, 0, text.length);
        int end = (int) Math.min(text.length, from + (long) size);
        pending = Arrays.copyOfRange(text, end, text.length);
        position += end;
        return Arrays.copyOfRange(text, from, end);
    }

    /** The one whose line comes next. It is looked for only where the last one is gone. */
    private @Nullable Watcher next() {
        if (last != null && last.state() != Watcher.State.CLOSED) {
            return domain.following(last);
        }
        for (Watcher watcher : domain.all()) {
            if (watcher.id() > lastId) {
                return watcher;
            }
        }
        return null;
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
