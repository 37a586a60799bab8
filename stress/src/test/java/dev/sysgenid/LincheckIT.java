// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jetbrains.lincheck.LincheckAssertionError;
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
 * lock); and the dispatcher, whose answers come from threads of its own, in {@code WatchTest}.
 */
class LincheckIT {
    /** Of scenarios in which a planted fault is to be found; the first will do as a rule. */
    private static final int PLANTED = 50;

    private static final int ITERATIONS = Integer.getInteger("lincheck.iterations", 3);

    /** In every order that a few switches between the threads make. */
    private static void checkInAllOrders(Class<?> what) {
        checkInAllOrders(what, ITERATIONS);
    }

    private static void checkInAllOrders(Class<?> what, int iterations) {
        new ModelCheckingOptions()
                .iterations(iterations)
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

    /** A test that cannot fail shows nothing: these fail, in the way that each of the others would. */
    @Test
    void plantedFaultsAreFound() {
        assertThatThrownBy(() -> checkInAllOrders(TornCalls.class, PLANTED)).isInstanceOf(LincheckAssertionError.class);
        assertThatThrownBy(() -> checkInParallel(LostUpdateCalls.class)).isInstanceOf(LincheckAssertionError.class);
    }

    /** As {@link ValueCalls}, of a value that looks at the generation once only: before it is made, and not after. */
    public static class TornCalls {
        private final SysGenId id = SysGenId.inProcess();
        private volatile int madeIn = -1;
        private volatile int made;

        @Operation
        public void trigger() {
            id.trigger();
        }

        @Operation
        public int get() {
            int generation = id.generation();
            if (madeIn != generation) {
                madeIn = generation;
                made = id.generation();
            }
            return made;
        }
    }

    /** As {@link LocalDomainCalls}, with a bump that two at once make one. */
    public static class LostUpdateCalls {
        private volatile int generation;

        @Operation
        public int bump() {
            int next = generation + 1;
            Thread.yield();
            generation = next;
            return next;
        }

        @Operation
        public int generation() {
            return generation;
        }
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
                Method method = SysGenId.class.getDeclaredMethod(name, parameters);
                method.setAccessible(true);
                return method;
            } catch (NoSuchMethodException e) {
                throw new LinkageError(e.getMessage(), e);
            }
        }

        private static Field domain() {
            try {
                Field field = SysGenId.class.getDeclaredField("domain");
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
