// SPDX-License-Identifier: Apache-2.0
package sun.security.ssl;

import java.util.function.Consumer;

/** Where {@code SSLContextImpl} tells the agent that it is in use, once the agent has added that to it. */
final class SysGenIdContexts {
    static volatile Consumer<Object> used;

    private SysGenIdContexts() {}

    static void used(Object context) {
        Consumer<Object> told = used;
        if (told != null) {
            told.accept(context);
        }
    }
}
