// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.AccessDeniedException;
import org.jspecify.annotations.Nullable;

/** A watcher that outlives its domain: it is opened anew in each that is attached. */
final class TrackedLink {

    /** Null while there is no domain, and in one where this process cannot acknowledge; guarded by this. */
    private Domain.@Nullable Link link;

    /** Guarded by this. */
    private boolean closed;

    /** Opens it in a domain. */
    void attach(Domain domain) throws IOException {
        Domain.Link opened;
        try {
            opened = domain.openLink();
        } catch (AccessDeniedException e) {
            Log.tell(
                    Level.WARNING,
                    "SysGenID: {0} cannot be opened for writing: nobody will wait until this program has renewed"
                            + " itself",
                    e.getFile());
            return;
        }
        synchronized (this) {
            if (!closed) {
                link = opened;
                return;
            }
        }
        opened.close();
    }

    /** Its domain is lost. Returns what is to be closed. */
    synchronized Domain.@Nullable Link detach() {
        Domain.Link old = link;
        link = null;
        return old;
    }

    /** Whether it was the current generation, as far as this process can tell. */
    boolean acknowledge(int generation, SysGenId id) {
        Domain.Link present;
        synchronized (this) {
            present = link;
        }
        if (present == null) {
            return id.isKnown() && id.generation() == generation;
        }
        try {
            return present.acknowledge(generation);
        } catch (IOException e) {
            return false; // lost: whoever sleeps on the domain finds out too
        }
    }

    void close() {
        synchronized (this) {
            closed = true;
        }
        Domain.Link old = detach();
        if (old != null) {
            old.close();
        }
    }
}
