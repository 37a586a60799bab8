// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import java.lang.System.Logger.Level;

/** Checkpoints of this JVM (CRaC, SnapStart): what is held is erased before each, where the application has org.crac. */
final class Checkpoints {
    private Checkpoints() {}

    /** Has {@code generator} erase itself before each checkpoint; does nothing where there is no org.crac. */
    static void eraseBefore(Generator generator) {
        Class<?> api;
        try {
            api = Class.forName("org.crac.Core", false, Checkpoints.class.getClassLoader());
        } catch (ClassNotFoundException | LinkageError e) {
            return;
        }
        // It may be on the class path, and this on the module path.
        Checkpoints.class.getModule().addReads(api.getModule());
        try {
            CheckpointResource.register(generator);
        } catch (LinkageError | RuntimeException e) {
            System.getLogger("dev.sysgenid.security")
                    .log(Level.WARNING, "random bytes held in memory are not erased before checkpoints of this JVM", e);
        }
    }
}
