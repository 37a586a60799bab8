// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.crac.Context;
import org.crac.Core;
import org.crac.Resource;

/**
 * Erases a generator before a checkpoint. The only class that needs {@code org.crac}; nobody but {@link Checkpoints} loads
 * it.
 */
final class CheckpointResource implements Resource {
    /** The library itself does not keep what is registered. */
    private static final Queue<CheckpointResource> KEPT = new ConcurrentLinkedQueue<>();

    private final Generator generator;

    CheckpointResource(Generator generator) {
        this.generator = generator;
    }

    static void register(Generator generator) {
        CheckpointResource resource = new CheckpointResource(generator);
        Core.getGlobalContext().register(resource);
        KEPT.add(resource);
    }

    @Override
    public void beforeCheckpoint(Context<? extends Resource> context) {
        generator.erase();
    }

    @Override
    public void afterRestore(Context<? extends Resource> context) {
        // Nothing: the stripes are without a seed, and the next draw of each fetches one.
    }
}
