// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import static dev.sysgenid.abi.Page.CLONE_IDENTITY_OFFSET;
import static dev.sysgenid.abi.Page.END;
import static dev.sysgenid.abi.Page.GENERATION_OFFSET;
import static dev.sysgenid.abi.Page.MAGIC;
import static dev.sysgenid.abi.Page.MAGIC_OFFSET;
import static dev.sysgenid.abi.Page.SEQUENCE_OFFSET;
import static dev.sysgenid.abi.Page.STATE_OFFSET;
import static dev.sysgenid.abi.Page.VERSION;
import static dev.sysgenid.abi.Page.VERSION_OFFSET;
import static dev.sysgenid.abi.Page.WIDE_GENERATION_OFFSET;

import dev.sysgenid.abi.Generation;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * What a page shows from one bump to the next; all pages of a domain show the same. {@link dev.sysgenid.abi.Page} has the
 * layout.
 *
 * @param sequence even; another one after each bump
 * @param state {@link dev.sysgenid.abi.Page#SERVING} or {@link dev.sysgenid.abi.Page#GONE}
 * @param wideGeneration its lower half is the generation
 * @param identityHead the first eight bytes of the clone identity
 * @param identityTail the others
 */
record PageContent(int sequence, int state, long wideGeneration, long identityHead, long identityTail) {
    private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle();
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;

    /** What a page shows before the first bump. */
    static PageContent first(int generation, long identityHead, long identityTail) {
        return new PageContent(
                0, dev.sysgenid.abi.Page.SERVING, Integer.toUnsignedLong(generation), identityHead, identityTail);
    }

    int generation() {
        return (int) wideGeneration;
    }

    /** What a page shows after a bump. */
    PageContent bumped(int generation, long newIdentityHead, long newIdentityTail) {
        return new PageContent(
                sequence + 2, state, Generation.widen(wideGeneration, generation), newIdentityHead, newIdentityTail);
    }

    /** What a page shows for ever when the daemon has ended. */
    PageContent gone() {
        return new PageContent(sequence, dev.sysgenid.abi.Page.GONE, wideGeneration, identityHead, identityTail);
    }

    /**
     * Writes a page that others read meanwhile, in the order that {@link dev.sysgenid.abi.Page} promises. All of it, also
     * what never changes: whoever has scribbled on his page sees the truth after the next bump.
     *
     * @param at where the page begins in {@code memory}; aligned
     */
    void show(MemorySegment memory, long at) {
        INT.setOpaque(memory, at + SEQUENCE_OFFSET, sequence - 1);
        VarHandle.releaseFence();
        memory.set(LONG, at + MAGIC_OFFSET, MAGIC);
        INT.setOpaque(memory, at + VERSION_OFFSET, VERSION);
        INT.setOpaque(memory, at + STATE_OFFSET, state);
        memory.set(LONG, at + WIDE_GENERATION_OFFSET, wideGeneration);
        memory.set(LONG, at + CLONE_IDENTITY_OFFSET, identityHead);
        memory.set(LONG, at + CLONE_IDENTITY_OFFSET + Long.BYTES, identityTail);
        INT.setRelease(memory, at + SEQUENCE_OFFSET, sequence);
        INT.setRelease(memory, at + GENERATION_OFFSET, generation());
    }

    /** Whether a page shows exactly this. Its client may write to it meanwhile, and will be looked at again. */
    boolean isShown(MemorySegment memory, long at) {
        return (int) INT.getOpaque(memory, at + GENERATION_OFFSET) == generation()
                && memory.get(LONG, at + MAGIC_OFFSET) == MAGIC
                && (int) INT.getOpaque(memory, at + VERSION_OFFSET) == VERSION
                && (int) INT.getOpaque(memory, at + STATE_OFFSET) == state
                && (int) INT.getOpaque(memory, at + SEQUENCE_OFFSET) == sequence
                && memory.get(LONG, at + WIDE_GENERATION_OFFSET) == wideGeneration
                && memory.get(LONG, at + CLONE_IDENTITY_OFFSET) == identityHead
                && memory.get(LONG, at + CLONE_IDENTITY_OFFSET + Long.BYTES) == identityTail;
    }

    /** The start of the page, up to where the zeros begin; the sequence is odd if the page is {@code changing}. */
    byte[] bytes(boolean changing) {
        byte[] bytes = new byte[END];
        MemorySegment page = MemorySegment.ofArray(bytes);
        page.set(ValueLayout.JAVA_INT_UNALIGNED, GENERATION_OFFSET, generation());
        page.set(ValueLayout.JAVA_LONG_UNALIGNED, MAGIC_OFFSET, MAGIC);
        page.set(ValueLayout.JAVA_INT_UNALIGNED, VERSION_OFFSET, VERSION);
        page.set(ValueLayout.JAVA_INT_UNALIGNED, STATE_OFFSET, state);
        page.set(ValueLayout.JAVA_INT_UNALIGNED, SEQUENCE_OFFSET, changing ? sequence - 1 : sequence);
        page.set(ValueLayout.JAVA_LONG_UNALIGNED, WIDE_GENERATION_OFFSET, wideGeneration);
        page.set(ValueLayout.JAVA_LONG_UNALIGNED, CLONE_IDENTITY_OFFSET, identityHead);
        page.set(ValueLayout.JAVA_LONG_UNALIGNED, CLONE_IDENTITY_OFFSET + Long.BYTES, identityTail);
        return bytes;
    }
}
