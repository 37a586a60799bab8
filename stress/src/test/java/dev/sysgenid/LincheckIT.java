// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.StressOptions;
import org.junit.jupiter.api.Test;

/**
 * Whatever several threads do to these at once, each call answers as if they had done it one after the other: Lincheck
 * makes up the calls, runs them in many orders, and looks for such a sequence.
 *
 * <p>Not here: the daemon's state machine and its loop, which belong to one thread (under a lock Lincheck would test the
 * lock), and are asked by many through the mounted device, in {@code LinearizableIT}; and the dispatcher, whose answers come
 * from threads of its own, in {@code WatchTest}.
 */
class LincheckIT {
    private static final int ITERATIONS = Integer.getInteger("lincheck.iterations", 3);

    /** In every order that a few switches between the threads make. */
    private static void checkInAllOrders(Class<?> what) {
        new ModelCheckingOptions()
                .iterations(ITERATIONS)
                .invocationsPerIteration(500)
                .threads(2)
                .actorsPerThread(3)
                .check(what);
    }

    /** As the machine happens to run them. */
    private static void checkInParallel(Class<?> what) {
        new StressOptions()
                .iterations(ITERATIONS)
                .invocationsPerIteration(1000)
                .threads(3)
                .actorsPerThread(3)
                .check(what);
    }

    @Test
    void bumpsAndAcksOfADomainInOneProcess() {
        // Not in all orders: a set of objects by identity is in no order, and Lincheck takes that for chance.
        checkInParallel(LocalDomainCalls.class);
    }

    @Test
    void stampsWhileTheDomainIsLostAndComesBack() {
        // Not in all orders: a loss is logged, and Lincheck does not come to an end in what the JDK does for that.
        checkInParallel(StampCalls.class);
    }

    @Test
    void valuesWhileGenerationsPass() {
        checkInAllOrders(ValueCalls.class);
        checkInParallel(ValueCalls.class);
    }

    /** Two watchers of a {@link LocalDomain}. */
    @Param(name = "watcher", gen = IntGen.class, conf = "0:1")
    @Param(name = "generation", gen = IntGen.class, conf = "0:2")
    public static class LocalDomainCalls {
        private final LocalDomain domain = new LocalDomain();
        private final Domain.Link[] links = {domain.openLink(), domain.openLink()};

        @Operation
        public int bump() {
            return domain.bump();
        }

        @Operation
        public boolean acknowledge(@Param(name = "watcher") int watcher, @Param(name = "generation") int generation)
                throws Exception {
            return links[watcher].acknowledge(generation);
        }

        @Operation
        public void close(@Param(name = "watcher") int watcher) {
            links[watcher].close();
        }

        @Operation
        public int outdated() {
            return domain.outdated();
        }

        @Operation
        public int generation() {
            return domain.page().load();
        }
    }

    /** A {@link SysGenId} whose domain comes and goes. */
    public static class StampCalls {
        private static final Method ATTACH = method("attach", Domain.class);
        private static final Method LOST = method("lost", Domain.class, Throwable.class);
        private static final Field DOMAIN = domain();

        static {
            // A loss is a line in the log.
            Logger.getLogger("dev.sysgenid").setLevel(Level.OFF);
            Log.LOGGER.log(System.Logger.Level.WARNING, "");
        }

        private final SeparateSysGenId id = new SeparateSysGenId(Path.of("/nowhere"), null);

        public StampCalls() {
            attach();
        }

        private static Method method(String name, Class<?>... parameters) {
            try {
                Method method = Attached.class.getDeclaredMethod(name, parameters);
                method.setAccessible(true);
                return method;
            } catch (NoSuchMethodException e) {
                throw new LinkageError(e.getMessage(), e);
            }
        }

        private static Field domain() {
            try {
                Field field = Attached.class.getDeclaredField("domain");
                field.setAccessible(true);
                return field;
            } catch (NoSuchFieldException e) {
                throw new LinkageError(e.getMessage(), e);
            }
        }

        @Operation
        public boolean attach() {
            try {
                return (boolean) ATTACH.invoke(id, new LocalDomain());
            } catch (ReflectiveOperationException e) {
                throw new LinkageError(e.getMessage(), e);
            }
        }

        @Operation
        public void lose() {
            try {
                Object present = DOMAIN.get(id);
                if (present != null) {
                    LOST.invoke(id, present, new IOException("as the test wished"));
                }
            } catch (ReflectiveOperationException e) {
                throw new LinkageError(e.getMessage(), e);
            }
        }

        @Operation
        public void trigger() {
            id.trigger();
        }

        @Operation
        public long stamp() {
            return id.stamp();
        }

        @Operation
        public boolean isKnown() {
            return id.isKnown();
        }
    }

    /** A value that shows in which generation it was made. */
    public static class ValueCalls {
        private final SysGenId id = SysGenId.inProcess();
        private final PerGeneration<Integer> value = id.perGeneration(id::generation);

        @Operation
        public void trigger() {
            id.trigger();
        }

        @Operation
        public int get() {
            return value.get();
        }
    }
}
