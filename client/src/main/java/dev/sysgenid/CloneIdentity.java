// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import java.nio.ByteBuffer;

/**
 * A number of 128 bits by which clones of one snapshot differ that have the same generation: drawn anew from the kernel's
 * random number generator at each bump, and at each start of the daemon. It is an identity, and no secret: everybody on
 * the system can read it.
 *
 * @param head the first eight bytes, as a big-endian number
 * @param tail the other eight
 */
public record CloneIdentity(long head, long tail) {
    /** {@return the sixteen bytes, as they stand in the device's page} */
    public byte[] toByteArray() {
        return ByteBuffer.allocate(2 * Long.BYTES).putLong(head).putLong(tail).array();
    }

    /** {@return the sixteen bytes in hexadecimal} */
    @Override
    public String toString() {
        return String.format("%016x%016x", head, tail);
    }
}
