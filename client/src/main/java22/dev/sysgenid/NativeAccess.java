// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import java.lang.System.Logger.Level;
import org.jspecify.annotations.Nullable;

/**
 * The system calls that Java has no method for: on Java 22 and newer, if native access was granted. It is never used
 * without having been granted, so that no warning is printed and nothing fails where it is denied.
 */
final class NativeAccess {
    private NativeAccess() {}

    /** The calls; null when they cannot be made here. */
    static @Nullable SystemCalls calls() {
        return Holder.CALLS;
    }

    /** What it would take to make them. */
    static String remedy() {
        Module module = NativeAccess.class.getModule();
        return module.isNativeAccessEnabled()
                ? "it takes Linux on x86-64 or aarch64"
                : "it takes the option --enable-native-access=" + (module.isNamed() ? module.getName() : "ALL-UNNAMED");
    }

    private static final class Holder {
        static final @Nullable SystemCalls CALLS = find();

        private static @Nullable SystemCalls find() {
            if (!NativeAccess.class.getModule().isNativeAccessEnabled()) {
                Log.LOGGER.log(
                        Level.INFO,
                        "SysGenID: works without native access, but cannot change the generation, wait for others, or"
                                + " map the device of a kernel driver and the VMClock page: {0}",
                        remedy());
                return null;
            }
            String machine = System.getProperty("os.arch");
            if (!System.getProperty("os.name").equals("Linux")
                    || !(machine.equals("amd64") || machine.equals("aarch64"))) {
                return null;
            }
            return new LinuxCalls();
        }
    }
}
