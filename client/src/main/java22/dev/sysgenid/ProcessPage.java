// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import dev.sysgenid.abi.Generation;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.MutableCallSite;
import java.lang.invoke.VarHandle;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The page of the process-wide {@link SysGenId}. To the compiler the segment is a constant: a look is one load from a fixed
 * address, without any check. Another page (the daemon came back) costs a recompilation.
 */
final class ProcessPage {
    private static final MethodType LOOK = MethodType.methodType(int.class);
    private static final MutableCallSite SITE = new MutableCallSite(onClass(ProcessPage.class, "none"));
    private static final MethodHandle LOAD = SITE.dynamicInvoker();

    /** The first page that was mapped; for the initialization of {@link First} alone. */
    private static @Nullable MappedPage first;

    private ProcessPage() {}

    /**
     * The first page, and in nearly all processes the only one, in a static final field. A method of a class is the cheapest
     * target that a call site can have: a starting JVM need not generate code for it.
     */
    private static final class First {
        static final MemorySegment MEMORY = Objects.requireNonNull(first).memory;

        @SuppressWarnings("unused") // the call site's target
        static int load() {
            return (int) MappedPage.INT.getAcquire(MEMORY, (long) dev.sysgenid.abi.Page.GENERATION_OFFSET);
        }
    }

    static int load() {
        try {
            return (int) LOAD.invokeExact();
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable t) {
            throw new AssertionError(t); // a look throws nothing that is checked
        }
    }

    /**
     * From here on this page is looked at. When this has returned, no thread looks at an older one. Called by one thread at
     * a time.
     */
    static void show(Page newPage) {
        SITE.setTarget(handle(newPage));
        MutableCallSite.syncAll(new MutableCallSite[] {SITE});
    }

    private static MethodHandle handle(Page page) {
        if (page instanceof MappedPage mapped) {
            if (first == null) {
                first = mapped;
                return onClass(First.class, "load");
            }
            return MethodHandles.insertArguments(
                    MappedPage.INT.toMethodHandle(VarHandle.AccessMode.GET_ACQUIRE), 0, mapped.memory, (long)
                            dev.sysgenid.abi.Page.GENERATION_OFFSET);
        }
        try {
            return MethodHandles.lookup().findVirtual(Page.class, "load", LOOK).bindTo(page);
        } catch (ReflectiveOperationException e) {
            throw new LinkageError(e.getMessage(), e);
        }
    }

    private static MethodHandle onClass(Class<?> owner, String name) {
        try {
            return MethodHandles.lookup().findStatic(owner, name, LOOK);
        } catch (ReflectiveOperationException e) {
            throw new LinkageError(e.getMessage(), e);
        }
    }

    @SuppressWarnings("unused") // before the first page is shown
    private static int none() {
        return Generation.INITIAL;
    }
}
