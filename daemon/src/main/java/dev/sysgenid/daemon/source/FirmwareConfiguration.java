// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon.source;

import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The identifier of the virtual machine in QEMU's firmware configuration, for guests whose kernel has no driver for it. It is
 * looked at once a second: nobody notifies, and each look leaves the guest.
 *
 * <p>The kernel knows nothing of it, so the identifier is what there is to make its random numbers fresh.
 */
public final class FirmwareConfiguration implements Source {
    private static final int GUID_OFFSET = 40;
    private static final int GUID_SIZE = 16;
    private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final String path;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment buffer = arena.allocate(GUID_SIZE);

    private byte[] noted;
    private @Nullable String broken;

    private FirmwareConfiguration(String path, @Nullable String mark) throws SystemCallException {
        this.path = path;
        int[] errno = new int[1];
        byte[] guid = read(errno);
        if (guid == null) {
            arena.close();
            throw new SystemCallException(errno[0], "read", path);
        }
        noted = mark == null ? guid : parse(mark);
    }

    private static byte[] parse(String mark) {
        try {
            return HexFormat.of().parseHex(mark);
        } catch (IllegalArgumentException e) {
            return new byte[0];
        }
    }

    /**
     * Notes the identifier.
     *
     * @param mark the one that was noted when another daemon served; null to begin
     * @throws SystemCallException when it cannot be read; ENODATA when the file is too short
     */
    public static FirmwareConfiguration open(String path, @Nullable String mark) throws SystemCallException {
        return new FirmwareConfiguration(path, mark);
    }

    private byte @Nullable [] read(int[] errno) {
        int descriptor = Unistd.open(path, Unistd.O_RDONLY | Unistd.O_NONBLOCK | Unistd.O_CLOEXEC, 0);
        if (descriptor < 0) {
            errno[0] = -descriptor;
            return null;
        }
        long n = Unistd.pread(descriptor, buffer, GUID_SIZE, GUID_OFFSET);
        Unistd.close(descriptor);
        if (n == GUID_SIZE) {
            return buffer.toArray(ValueLayout.JAVA_BYTE);
        }
        errno[0] = n < 0 ? (int) -n : Errno.ENODATA;
        return null;
    }

    @Override
    public int[] descriptors() {
        return new int[0];
    }

    @Override
    public long periodNanos() {
        return LOOK_NANOS;
    }

    @Override
    public void look(Listener listener) {
        int[] errno = new int[1];
        byte[] now = read(errno);
        if (now == null) {
            boolean first = broken == null;
            broken = "cannot be read: " + Errno.describe(errno[0]);
            if (first) {
                listener.lost(broken);
            }
            return;
        }
        if (broken != null) {
            broken = null;
            listener.found();
        }
        if (!Arrays.equals(now, noted)) {
            noted = now;
            // The identifier is no secret, but nobody needs all of it.
            listener.restored(Restore.unknownToTheKernel(
                    "fw_cfg", "another identifier, " + HexFormat.of().formatHex(now, 0, 4) + "...", now, true));
        }
    }

    @Override
    public String mark() {
        return HexFormat.of().formatHex(noted);
    }

    @Override
    public String describe() {
        return path + (broken == null ? ", looked at every second" : ": " + broken);
    }

    @Override
    public void close() {
        arena.close();
    }
}
