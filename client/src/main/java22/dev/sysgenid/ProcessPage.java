// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import dev.sysgenid.abi.Generation;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.MutableCallSite;
import java.lang.invoke.VarHandle;

/**
 * The page of the process-wide {@link SysGenId}. To the compiler the segment is a constant, as if it were a static final
 * field: a look is one load from a fixed address, without any check. Another page (the daemon came back) costs a
 * recompilation.
 */
final class ProcessPage {
    private static final MutableCallSite SITE = new MutableCallSite(handle(new Page.Held(Generation.INITIAL)));
    private static final MethodHandle LOAD = SITE.dynamicInvoker();

    private ProcessPage() {}

    static int load() {
        try {
            return (int) LOAD.invokeExact();
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable t) {
            throw new AssertionError(t); // a look throws nothing that is checked
        }
    }

    /** From here on this page is looked at. When this has returned, no thread looks at an older one. */
    static void show(Page newPage) {
        SITE.setTarget(handle(newPage));
        MutableCallSite.syncAll(new MutableCallSite[] {SITE});
    }

    private static MethodHandle handle(Page page) {
        if (page instanceof Page.Mapped mapped) {
            MethodHandle load = ValueLayout.JAVA_INT.varHandle().toMethodHandle(VarHandle.AccessMode.GET_ACQUIRE);
            return MethodHandles.insertArguments(
                    load, 0, MemorySegment.ofBuffer(mapped.memory), (long) dev.sysgenid.abi.Page.GENERATION_OFFSET);
        }
        try {
            return MethodHandles.lookup()
                    .findVirtual(Page.class, "load", MethodType.methodType(int.class))
                    .bindTo(page);
        } catch (ReflectiveOperationException e) {
            throw new LinkageError(e.getMessage(), e);
        }
    }
}
