// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import dev.sysgenid.SysGenId;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodType;

/**
 * Native access for the {@link ClientModule}, and for no other: the VMClock page and the device of a kernel driver are
 * mapped by a system call that Java has no method for. Not taken where the command line says
 * {@code --illegal-native-access=deny}; all else works without.
 */
final class NativeGrant {
    /** Since then there is something to be granted, and something to use it. */
    private static final int SINCE = 22;

    private NativeGrant() {}

    static void take(Jdk jdk) {
        if (Runtime.version().feature() < SINCE) {
            return;
        }
        try {
            Module client = SysGenId.class.getModule();
            if (client.isNamed() && !isDenied(jdk)) { // else it would be granted to the program too
                MethodHandle grant =
                        jdk.method(Module.class, "implAddEnableNativeAccess", MethodType.methodType(Module.class));
                Module unused = (Module) grant.invoke(client);
            }
        } catch (Throwable e) {
            // Then without: the client says what it lacks.
        }
    }

    private static boolean isDenied(Jdk jdk) throws Throwable {
        Class<?> start = jdk.find("jdk.internal.module.ModuleBootstrap");
        Class<?> kind = jdk.findOrNull("jdk.internal.module.ModuleBootstrap$IllegalNativeAccess");
        if (kind == null) {
            return false; // before 24: nothing is denied
        }
        Object said = jdk.staticMethod(start, "illegalNativeAccess", MethodType.methodType(kind))
                .invoke();
        return String.valueOf(said).equals("DENY");
    }
}
