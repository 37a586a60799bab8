// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import java.io.Closeable;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Where generations come from: a served device, a file that stands in for one, or this process alone. It is good until
 * any of its methods throws, which says that it is lost and that nobody knows the generation any more.
 */
interface Domain extends Closeable {
    /** What shows the generation. */
    Page page();

    /**
     * Sleeps until there was a change since the last return, or since this domain was attached. May return more often.
     * For one thread; ended by {@link #close}.
     */
    void awaitChange() throws IOException;

    /**
     * This JVM is about to end: from here on nobody shall sleep in the kernel, where a thread keeps a JVM from ending for
     * 0.3 s. Changes are still told, for the end may take its time. Does not wait itself.
     */
    default void stayAwake() {}

    /** By what this clone differs from others of this generation; null when nobody says. */
    @Nullable
    CloneIdentity cloneIdentity();

    /** Whether the domain says that it has ended: it is as good as lost, even before a method throws. */
    default boolean isGone() {
        return false;
    }

    /** How often the number of the generation began anew, as far as anybody says; changes before a number comes again. */
    default int wraps() {
        return 0;
    }

    /**
     * Opens a watcher, which is up to date at first.
     *
     * @throws java.nio.file.AccessDeniedException when this process may look but not acknowledge
     */
    Link openLink() throws IOException;

    /** A watcher of the domain: one open file. */
    interface Link extends Closeable {
        /**
         * Acknowledges a generation.
         *
         * @return false when it is not the current one: there is a newer one to be dealt with
         */
        boolean acknowledge(int generation) throws IOException;

        @Override
        void close();
    }

    @Override
    void close();
}
