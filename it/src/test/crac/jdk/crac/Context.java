// SPDX-License-Identifier: Apache-2.0
package jdk.crac;

/** Tells several, and is told as one. */
public abstract class Context<R extends Resource> implements Resource {
    @Override
    public abstract void beforeCheckpoint(Context<? extends Resource> context) throws CheckpointException;

    @Override
    public abstract void afterRestore(Context<? extends Resource> context) throws RestoreException;

    /** Adds one, which is not kept from being forgotten. */
    public abstract void register(R resource);
}
