// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.conformance;

/** A mapping of the device. */
interface Mapping extends AutoCloseable {
    /** The u32 at offset 0, by one load. */
    int generation();

    /** The byte at {@code offset}, within the first page. */
    byte at(int offset);

    /** The error number that a look at {@code offset} gives, or 0 when something is there. */
    int fault(long offset);

    /** Writes to the mapping itself, at offset 0. Only where it is writable. */
    void scribble(int value);

    /** mprotect: 0, or the negated error number. */
    int protect(int prot);

    /** munmap. */
    @Override
    void close();
}
