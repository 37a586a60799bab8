// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import org.crac.Context;
import org.crac.Core;
import org.crac.Resource;

/**
 * Closes the device before a checkpoint, and counts the restore as a change. The only class that needs {@code org.crac};
 * nobody but {@link Crac} loads it.
 *
 * <p>Resources are told of a restore in the order in which they were registered, and of a checkpoint in the opposite one:
 * whoever registers after this one finds everything renewed, and whoever registered before it finds the generation unknown,
 * and so renews at each use.
 */
final class CracResource implements Resource {
    /** The library itself does not keep what is registered. */
    private static final CracResource ONLY = new CracResource();

    private CracResource() {}

    static void register() {
        Core.getGlobalContext().register(ONLY);
    }

    @Override
    public void beforeCheckpoint(Context<? extends Resource> context) {
        Crac.beforeCheckpoint();
    }

    @Override
    public void afterRestore(Context<? extends Resource> context) {
        Crac.afterRestore();
    }
}
