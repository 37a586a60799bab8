// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import dev.sysgenid.agent.mends.InstalledProvider;
import dev.sysgenid.agent.mends.SecureRandomHook;
import org.jspecify.annotations.Nullable;

/**
 * The mends that are called by the JDK as soon as their class is loaded, made when that comes.
 *
 * <p><b>Threads:</b> any. Its lock is held for nothing else: who loads a class asks here, and holds the JVM's locks.
 */
final class HookUsers {
    private final boolean replaceSha1;
    private @Nullable InstalledProvider provider;
    private @Nullable SecureRandomHook draws;

    HookUsers(boolean replaceSha1) {
        this.replaceSha1 = replaceSha1;
    }

    synchronized InstalledProvider provider() {
        InstalledProvider present = provider;
        if (present == null) {
            present = new InstalledProvider();
            provider = present;
        }
        return present;
    }

    synchronized SecureRandomHook draws() {
        SecureRandomHook present = draws;
        if (present == null) {
            present = new SecureRandomHook(replaceSha1);
            draws = present;
        }
        return present;
    }

    /** Null: the hook of this class needs nobody, or somebody who comes later. */
    @Nullable
    HookUser of(String target) {
        return switch (target) {
            case Woven.PROVIDERS -> provider();
            case Woven.SECURE_RANDOM -> draws();
            default -> null;
        };
    }
}
