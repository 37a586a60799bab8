// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import dev.sysgenid.abi.Generation;

/**
 * The page of the process-wide {@link SysGenId}. This is the class for Java 17 to 21; that for 22 and newer, in
 * {@code META-INF/versions/22}, lets the compiler know the address.
 */
final class ProcessPage {
    private static volatile Page page = new Page.Held(Generation.INITIAL);

    private ProcessPage() {}

    static int load() {
        return page.load();
    }

    /** From here on this page is looked at. When this has returned, no thread looks at an older one. */
    static void show(Page newPage) {
        page = newPage;
    }
}
