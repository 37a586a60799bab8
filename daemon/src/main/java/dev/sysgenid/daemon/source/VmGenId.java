// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon.source;

import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Netlink;
import dev.sysgenid.linux.Sockets;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The kernel's vmgenid driver, which mixes the new identifier of the virtual machine into the kernel's random numbers and
 * then speaks: in the kernel's log always, and by a uevent in the few kernels that send one.
 *
 * <p>In the log only the kernel's own lines count, which are of facility 0: a line that a program writes has another one,
 * whatever it wishes. Of uevents only the kernel's count, which come from port 0: no socket can have that.
 *
 * <p>When the log overran (EPIPE), or had to be opened anew, lines were lost, and one of them may have been the one: that is
 * reported as a guess, unless the line itself follows before the log is read to its end. Lost uevents are not, for the log has
 * the same to tell.
 */
public final class VmGenId implements Source {
    private static final String LINE = "random: crng reseeded due to virtual machine fork";
    private static final String UEVENT = "NEW_VMGENID=1";

    /** Above these, {@code prefix >> 3} is not 0. */
    private static final int FACILITY_SHIFT = 3;

    /** The kernel's longest record is 2 KiB of text, in which one character can take four. */
    private static final int BUFFER_SIZE = 16 * 1024;

    private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** So many records are read in one look at most: whoever fills the log as fast as it is read is not to keep the daemon at it. */
    static final int MOST_RECORDS = 500;

    /** When it fills without end, records are lost without end: so often that is reported. */
    private static final long GUESS_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** How long to look for the end of the log at the start. */
    private static final long SKIP_NANOS = TimeUnit.SECONDS.toNanos(2);

    private final String path;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment buffer = arena.allocate(BUFFER_SIZE);
    private final long[] sender = new long[1];

    /** Negative while it cannot be opened. */
    private int log;

    /** Negative where there are none to be had. */
    private final int uevents;

    private boolean reopened;

    /** Of the last record that was read; -1 before the first. */
    private long sequence = -1;

    /** Why lines are missing that may have told of a restore; null when none are, or when a line behind them did. */
    private @Nullable String gap;

    /** When that was reported last; and whether it ever was. */
    private long lastGuess;

    private boolean guessed;

    /** Whether the last look left something to read. */
    private boolean more;

    /** Records up to this one were read by another daemon; the next one must be there, else some were lost. */
    private long readBefore = -1;

    private VmGenId(String path, int log, int uevents) {
        this.path = path;
        this.log = log;
        this.uevents = uevents;
    }

    /** For tests: lines from a pipe, no uevents, and a log to be opened when the pipe has ended. */
    static VmGenId ofPipe(int pipe, String log, @Nullable String mark) {
        VmGenId source = new VmGenId(log, pipe, -1);
        if (mark != null) {
            source.goOn(mark);
        }
        return source;
    }

    /**
     * Begins to listen, from now on: what is in the log already is none of a new daemon's business.
     *
     * @param path the kernel's log, /dev/kmsg
     * @param mark up to where another daemon has read it; null to begin at its end
     * @throws SystemCallException when it may not be read: EPERM without CAP_SYSLOG where kernel.dmesg_restrict is set
     */
    public static VmGenId open(String path, @Nullable String mark) throws SystemCallException {
        int log = SystemCallException.check(openAt(path, Unistd.SEEK_SET), "open", path);
        VmGenId source = new VmGenId(path, log, listenToUevents());
        if (mark == null) {
            source.skip();
        } else {
            source.goOn(mark);
        }
        return source;
    }

    /** Reads to the end without looking: where that is, only the last record tells. */
    private void skip() {
        long end = System.nanoTime() + SKIP_NANOS;
        long last = 0;
        long n;
        while ((n = Unistd.read(log, buffer, BUFFER_SIZE)) > 0 || n == -Errno.EPIPE || n == -Errno.EINTR) {
            last = n > 0 ? n : last;
            if (System.nanoTime() - end > 0) {
                long _ = Unistd.lseek(log, 0, Unistd.SEEK_END); // it is being filled: what comes from now on counts
                break;
            }
        }
        if (last > 0) {
            sequence = sequence(text(last));
        }
    }

    private void goOn(String mark) {
        try {
            sequence = Long.parseLong(mark);
            readBefore = sequence;
        } catch (NumberFormatException e) {
            readBefore = Long.MAX_VALUE; // no record follows that one
        }
    }

    private static int openAt(String path, int whence) {
        int log = Unistd.open(path, Unistd.O_RDONLY | Unistd.O_NONBLOCK | Unistd.O_CLOEXEC, 0);
        if (log >= 0) {
            long result = Unistd.lseek(log, 0, whence);
            if (result < 0) { // a container's console or pipe, in which the kernel does not speak
                Unistd.close(log);
                return (int) result;
            }
        }
        return log;
    }

    private static int listenToUevents() {
        int socket = Sockets.socket(
                Sockets.AF_NETLINK,
                Sockets.SOCK_RAW | Sockets.SOCK_NONBLOCK | Sockets.SOCK_CLOEXEC,
                Netlink.NETLINK_KOBJECT_UEVENT);
        if (socket >= 0) {
            int result = Netlink.bind(socket, 0, Netlink.UEVENT_GROUP);
            if (result < 0) {
                Unistd.close(socket);
                return result;
            }
        }
        return socket;
    }

    @Override
    public int[] descriptors() {
        return uevents < 0 ? new int[] {log} : new int[] {log, uevents};
    }

    /** The socket on which uevents are heard; for tests. */
    int uevents() {
        return uevents;
    }

    @Override
    public long periodNanos() {
        // A log that was opened anew is looked at, not waited for: the loop knows the first descriptor only.
        return more ? 1 : log < 0 || reopened || gap != null ? RETRY_NANOS : 0;
    }

    @Override
    public void look(Listener listener) {
        readLog(listener);
        long now = System.nanoTime();
        if (gap != null && (!guessed || now - lastGuess >= GUESS_NANOS)) {
            String why = gap;
            gap = null;
            guessed = true;
            lastGuess = now;
            listener.restored(Restore.guess("kmsg gap", why + ", and may have told of a restore"));
        }
        readUevents(listener);
    }

    private void readLog(Listener listener) {
        if (log < 0) {
            log = openAt(path, Unistd.SEEK_END);
            if (log < 0) {
                return;
            }
            reopened = true;
            listener.found();
            gap = "the kernel's log was away";
        }
        more = false;
        for (int records = 0; records < MOST_RECORDS; records++) {
            long n = Unistd.read(log, buffer, BUFFER_SIZE);
            if (n == -Errno.EAGAIN) {
                return;
            }
            if (n == -Errno.EPIPE) {
                // The next read continues with the oldest line there is.
                gap = "the kernel's log overran";
            } else if (n <= 0 && n != -Errno.EINTR) {
                Unistd.close(log);
                log = -1;
                listener.lost(n == 0 ? "the kernel's log has ended" : "the kernel's log: " + Errno.describe((int) -n));
                return;
            } else if (n > 0) {
                String record = text(n);
                if (isNew(record)) {
                    readLines(record, listener);
                }
            }
        }
        more = true;
    }

    /** Whether it is none of those that another daemon has read; notes if it is not the one that follows them. */
    private boolean isNew(String record) {
        long its = sequence(record);
        if (readBefore >= 0) {
            if (its <= readBefore && readBefore != Long.MAX_VALUE) {
                return false;
            }
            if (its != readBefore + 1) {
                gap = "the kernel's log went on while no daemon read it";
            }
            readBefore = -1;
        }
        sequence = its;
        return true;
    }

    /** The second of the numbers in front of the semicolon; -1 if it has none. */
    private static long sequence(String record) {
        int from = record.indexOf(',') + 1;
        try {
            return Long.parseLong(record, from, Math.max(from, record.indexOf(',', from)), 10);
        } catch (NumberFormatException e) {
            return -1;
        }
    }

    /** One record, as the device gives them, or several. Lines that begin with a space continue a record. */
    private void readLines(String text, Listener listener) {
        for (String line : text.split("\n", -1)) {
            if (isTheKernels(line)) {
                gap = null; // the kernel has reseeded since, and the bump comes after all of it
                listener.restored(Restore.reseeded("kmsg", LINE));
            }
        }
    }

    /** {@code prefix,sequence,microseconds,flags[,...];text}, where the prefix is {@code facility << 3 | level}. */
    static boolean isTheKernels(String line) {
        int semicolon = line.indexOf(';');
        int comma = line.indexOf(',');
        if (comma < 1 || comma > semicolon || !line.substring(semicolon + 1).equals(LINE)) {
            return false;
        }
        try {
            return Integer.parseUnsignedInt(line, 0, comma, 10) >>> FACILITY_SHIFT == 0;
        } catch (NumberFormatException e) {
            return false;
        }
    }

    private void readUevents(Listener listener) {
        while (uevents >= 0) {
            long n = Netlink.receive(uevents, buffer, BUFFER_SIZE, sender);
            if (n == -Errno.EINTR || n == -Errno.ENOBUFS) {
                continue;
            }
            if (n < 0) {
                return;
            }
            if (sender[0] == 0) {
                readUevent(text(n), listener);
            }
        }
    }

    /** One message of the kernel's. */
    static void readUevent(String message, Listener listener) {
        if (isTheUevent(message)) {
            listener.restored(Restore.reseeded("uevent", UEVENT));
        }
    }

    /** {@code change@/devices/...}, then variables, each with a 0 at its end. */
    static boolean isTheUevent(String message) {
        if (!message.startsWith("change@")) {
            return false;
        }
        for (String variable : message.split("\0", -1)) {
            if (variable.equals(UEVENT)) {
                return true;
            }
        }
        return false;
    }

    private String text(long n) {
        return new String(buffer.asSlice(0, n).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.ISO_8859_1);
    }

    @Override
    public String mark() {
        return Long.toString(sequence);
    }

    @Override
    public String describe() {
        return path + (uevents < 0 ? "" : " and uevents") + (log < 0 ? ": cannot be read at the moment" : "");
    }

    @Override
    public void close() {
        Unistd.close(log);
        log = -1;
        Unistd.close(uevents);
        arena.close();
    }
}
