// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon.source;

import org.jspecify.annotations.Nullable;

/**
 * One way in which this machine tells that it was restored from a snapshot.
 *
 * <p>A missed restore is the worst that can happen, and a bump too many is harmless: so whoever cannot tell whether there
 * was one says that there was, as a guess. A source that breaks says so once, goes on trying, and says when it works again; if
 * something may have happened meanwhile, that is a restore.
 *
 * <p>One is opened with the {@link #mark} of its predecessor, or without, to begin with what is there. A mark that makes no
 * sense is as if something had happened.
 *
 * <p>Belongs to the loop's thread. Nothing here blocks.
 */
public interface Source extends AutoCloseable {
    /** Descriptors whose readability is a reason to {@link #look}, asked once, before the first one; it may close them. */
    int[] descriptors();

    /** How long after the last look to look again in any case, in nanoseconds; 0 for never. May change at each look. */
    long periodNanos();

    /** Tells what happened since the last look; nothing, most of the time. */
    void look(Listener listener);

    /**
     * What a daemon that takes over must know, to see what happened while nobody looked: as of the last {@link #look}, in one
     * word.
     */
    String mark();

    /** One phrase for people: what it watches, and how. */
    String describe();

    @Override
    void close();

    /** Who is told. */
    interface Listener {
        /** There was a restore. */
        void restored(Restore restore);

        /** Time or place changed, as in a live migration; not a sign of a second copy. */
        void disrupted(String what);

        /** Nothing is known from here on. */
        void lost(String why);

        /** It works again. */
        void found();
    }

    /**
     * How a restore is known.
     *
     * @param sign by what it showed, in one or two words; one sign shows one restore once
     * @param detail for people
     * @param guess whether there may as well have been none: then it says nothing of signs that follow
     * @param kernelReseeded whether the kernel has mixed something into its random numbers that no other clone has, and
     *     has made new ones from it
     * @param entropy what may differ between clones, to be mixed in; null where there is nothing
     * @param unique whether it certainly does
     */
    @SuppressWarnings("ArrayRecordComponent") // nobody compares two of them
    record Restore(
            String sign,
            String detail,
            boolean guess,
            boolean kernelReseeded,
            byte @Nullable [] entropy,
            boolean unique) {
        /** One after which the kernel's random numbers are fresh already. */
        public static Restore reseeded(String sign, String detail) {
            return new Restore(sign, detail, false, true, null, true);
        }

        /** One of which the kernel does not know. */
        static Restore unknownToTheKernel(String sign, String detail, byte[] entropy, boolean unique) {
            return new Restore(sign, detail, false, false, entropy, unique);
        }

        /** One that may have been, and of which nothing else is known. */
        public static Restore guess(String sign, String detail) {
            return new Restore(sign, detail, true, false, null, false);
        }
    }
}
