// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import dev.sysgenid.abi.Generation;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** One that its maker closes. */
final class SeparateSysGenId extends SysGenId {
    private volatile Page page = new Page.Held(Generation.INITIAL);

    SeparateSysGenId(@Nullable Path path, @Nullable VmClock clock) {
        super(path, true, clock);
    }

    @Override
    int load() {
        return page.load();
    }

    @Override
    void show(Page newPage) {
        page = newPage;
    }

    @Override
    public void close() {
        Crac.deregister(this);
        stop();
    }
}
