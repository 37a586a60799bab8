// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.qemu;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * QEMU's table of the device vmgenid, changed so that the event that it raises in a clone notifies VMClock too, as other
 * hypervisors do: QEMU's own VMClock notifies nobody. The kernel takes a newer revision of a table from the archive in front of
 * its first file system.
 */
final class AcpiTable {
    private static final int LENGTH = 4;
    private static final int CHECKSUM = 9;
    private static final int REVISION = 24;

    private static final char METHOD = 0x14;
    private static final String EVENT = "_E05";

    /** {@code Notify (\_SB.VCLK, 0x80)} */
    private static final byte[] NOTIFY = {
        (byte) 0x86, '\\', 0x2e, '_', 'S', 'B', '_', 'V', 'C', 'L', 'K', 0x0a, (byte) 0x80
    };

    /** A length up to this is one byte. */
    private static final int SHORT = 63;

    private AcpiTable() {}

    /** Whether this is the table. */
    static boolean isThatOfVmgenid(byte[] table) {
        return indexOf(table, "VGIA") >= 0;
    }

    /** The archive with the changed table. */
    static byte[] notifyingClock(byte[] table) {
        // Between the method's beginning and its name: the length, and a path.
        int method = new String(table, StandardCharsets.ISO_8859_1).lastIndexOf(METHOD, indexOf(table, EVENT));
        if (method < 0 || table[method + 1] + NOTIFY.length > SHORT || method + 1 + table[method + 1] != table.length) {
            throw new AssertionError("QEMU's table of vmgenid does not end with a short method " + EVENT);
        }
        ByteBuffer changed = ByteBuffer.wrap(Arrays.copyOf(table, table.length + NOTIFY.length))
                .order(ByteOrder.LITTLE_ENDIAN);
        changed.put(table.length, NOTIFY);
        changed.put(method + 1, (byte) (table[method + 1] + NOTIFY.length));
        changed.putInt(LENGTH, changed.capacity());
        changed.putInt(REVISION, changed.getInt(REVISION) + 1);
        changed.put(CHECKSUM, (byte) 0);
        byte sum = 0;
        for (byte b : changed.array()) {
            sum += b;
        }
        changed.put(CHECKSUM, (byte) -sum);
        ByteArrayOutputStream archive = new ByteArrayOutputStream();
        try (Cpio cpio = new Cpio(archive)) {
            cpio.file("kernel/firmware/acpi/ssdt.aml", changed.array());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return archive.toByteArray();
    }

    private static int indexOf(byte[] table, String name) {
        return new String(table, StandardCharsets.ISO_8859_1).indexOf(name);
    }
}
