// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.abi;

/**
 * The layout of the page that {@code mmap} of the device shows: the generation; then what the kernel driver's page does
 * not have, at offsets that programs written for the driver do not look at; then zeros. Numbers are in host byte order.
 *
 * <pre>{@code
 * struct sysgenid_page {
 *         uint32_t generation;       //  0   0 at first
 *         uint32_t zero;             //  4
 *         uint8_t  magic[8];         //  8   "SYSGENID"
 *         uint32_t version;          // 16   1, or more when fields were added behind these
 *         uint32_t state;            // 20   1 serving, 2 gone
 *         uint32_t sequence;         // 24   odd while the fields below are being changed
 *         uint32_t zero;             // 28
 *         uint64_t generation64;     // 32   its lower half is a generation; never wraps
 *         uint8_t  clone_identity[16]; // 40
 *         uint8_t  zero[4040];       // 56
 * };
 * }</pre>
 *
 * <p><b>Generation</b>: one load. Acquire it: then the fields below are at least as new as it is.
 *
 * <p><b>Magic and version</b>: once, after mapping. Without the magic the page has nothing but a generation.
 *
 * <p><b>State</b>: one load, whatever the sequence. {@link #GONE} is the last word of a daemon that ended in order, and
 * stays: the generation is unknown from then on, and the device is to be opened anew. A daemon that was killed leaves
 * {@link #SERVING}.
 *
 * <p><b>The wide generation and the clone identity</b> belong together, and are read so:
 *
 * <pre>
 *   again:  s = sequence (acquire); if s is odd, again
 *           read generation64 and clone_identity
 *           acquire fence
 *           if sequence is not s, again
 * </pre>
 *
 * A daemon that was killed in the middle of a change leaves the sequence odd for ever. So give up after a while: the
 * identity is unknown then.
 *
 * <p>The writer, at a bump: sequence odd; the fields; sequence even; the generation; and only then is anybody told of the
 * bump. So who has learned of a bump in any way, by the generation in this page too, finds the identity of that bump or of
 * a later one, which the lower half of the wide generation tells apart.
 */
public final class Page {
    /** The size of the page and of the file, in bytes. */
    public static final int SIZE = 4096;

    /** Offset of the generation, u32, naturally aligned: one load reads it whole. */
    public static final int GENERATION_OFFSET = 0;

    /** Offset of {@link #MAGIC}. */
    public static final int MAGIC_OFFSET = 8;

    /** The bytes "SYSGENID" as a little-endian u64. */
    public static final long MAGIC = 0x4449_4e45_4753_5953L;

    /** Offset of the version, u32. */
    public static final int VERSION_OFFSET = 16;

    /** The version of this layout. A later one has all of its fields. */
    public static final int VERSION = 1;

    /** Offset of the daemon's state, u32. */
    public static final int STATE_OFFSET = 20;

    /** State: a daemon serves the device, or was killed. */
    public static final int SERVING = 1;

    /** State: the daemon has ended. */
    public static final int GONE = 2;

    /** Offset of the sequence, u32. */
    public static final int SEQUENCE_OFFSET = 24;

    /** Offset of the wide generation, u64: {@link Generation#widen}. */
    public static final int WIDE_GENERATION_OFFSET = 32;

    /**
     * Offset of the clone identity: drawn anew from the kernel's random number generator at each bump and at each start of
     * the daemon. Two clones that count alike have different ones, once each was bumped. It is no secret.
     */
    public static final int CLONE_IDENTITY_OFFSET = 40;

    /** The size of the clone identity in bytes. */
    public static final int CLONE_IDENTITY_SIZE = 16;

    /** Where the zeros begin: the end of the last field of {@link #VERSION}. */
    public static final int END = CLONE_IDENTITY_OFFSET + CLONE_IDENTITY_SIZE;

    private Page() {}
}
