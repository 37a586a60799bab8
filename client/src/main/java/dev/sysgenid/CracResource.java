// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import java.util.ArrayList;
import java.util.List;
import org.crac.Context;
import org.crac.Core;
import org.crac.Resource;

/**
 * Closes the device before a checkpoint, and counts the restore as a change. The only class that needs {@code org.crac};
 * nobody but {@link Crac} loads it.
 *
 * <p>Resources are told of a restore in the order in which they were registered: whoever registers after it has looked
 * at the {@link SysGenId} finds it renewed.
 */
final class CracResource implements Resource {
    /** The library itself does not keep what is registered. Guarded by itself. */
    private static final List<CracResource> KEPT = new ArrayList<>();

    private final SysGenId id;

    CracResource(SysGenId id) {
        this.id = id;
    }

    static void register(SysGenId id) {
        CracResource resource = new CracResource(id);
        Core.getGlobalContext().register(resource);
        synchronized (KEPT) {
            KEPT.add(resource);
        }
    }

    @Override
    public void beforeCheckpoint(Context<? extends Resource> context) {
        Crac.runBefore();
        id.suspend();
    }

    @Override
    public void afterRestore(Context<? extends Resource> context) {
        id.resume();
    }
}
