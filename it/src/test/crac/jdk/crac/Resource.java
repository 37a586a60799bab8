// SPDX-License-Identifier: Apache-2.0
package jdk.crac;

/** What is told of checkpoints and restores. */
public interface Resource {
    /** A checkpoint is about to be made. */
    void beforeCheckpoint(Context<? extends Resource> context) throws Exception;

    /** The process was restored, or the checkpoint failed. */
    void afterRestore(Context<? extends Resource> context) throws Exception;
}
