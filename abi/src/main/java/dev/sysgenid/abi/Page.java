// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.abi;

/**
 * The layout of the page that {@code mmap} of the device shows: the generation, in host byte order, then zeros.
 *
 * <pre>{@code
 * struct sysgenid_page {
 *         uint32_t generation;       //  0
 *         uint8_t  zero[4092];       //  4
 * };
 * }</pre>
 */
public final class Page {
    /** The size of the page and of the file, in bytes. */
    public static final int SIZE = 4096;

    /** Offset of the generation, u32, naturally aligned: one load reads it whole. */
    public static final int GENERATION_OFFSET = 0;

    private Page() {}
}
