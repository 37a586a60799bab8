// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.AbstractCollection;
import java.util.HashSet;
import java.util.List;
import java.util.stream.Stream;
import org.jetbrains.kotlinx.lincheck.Actor;
import org.jetbrains.kotlinx.lincheck.execution.ExecutionScenario;
import org.jetbrains.lincheck.LincheckAssertionError;
import org.jetbrains.lincheck.datastructures.ManagedStrategyGuaranteeKt;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.junit.jupiter.api.Test;

/**
 * That {@link LincheckIT} can fail: the calls that it makes up, written down here, with classes that differ from the real
 * ones in one mistake. Lincheck must find it; with the real class it must find nothing in the same calls.
 */
class PlantedBugIT {
    /** Far more than the mistakes here need. */
    private static final int ORDERS = 500;

    /** What is done before, by two threads at once in every order that a few switches make, and after. */
    private record Calls(List<String> before, List<String> one, List<String> other, List<String> after) {
        void check(Class<?> what) {
            new ModelCheckingOptions()
                    .iterations(0)
                    .invocationsPerIteration(ORDERS)
                    .minimizeFailedScenario(false)
                    // It reads a file, which is long, and nothing that is asked here depends on it.
                    .addGuarantee(ManagedStrategyGuaranteeKt.forClasses(LocalDomain.class.getName())
                            .methods("draw")
                            .ignore())
                    // In which order a set has its objects is chance, and nothing depends on that either.
                    .addGuarantee(ManagedStrategyGuaranteeKt.forClasses(
                                    HashSet.class.getName(), AbstractCollection.class.getName())
                            .allMethods()
                            .ignore())
                    .addCustomScenario(new ExecutionScenario(
                            actors(what, before),
                            List.of(actors(what, one), actors(what, other)),
                            actors(what, after),
                            null))
                    .check(what);
        }

        private static List<Actor> actors(Class<?> what, List<String> names) {
            return names.stream()
                    .map(name -> Stream.of(what.getMethods())
                            .filter(method -> method.getName().equals(name))
                            .findFirst()
                            .orElseThrow())
                    .map(method -> new Actor(method, List.of()))
                    .toList();
        }

        void findTheMistake(Class<?> right, Class<?> wrong) {
            check(right);
            assertThatThrownBy(() -> check(wrong))
                    .isInstanceOf(LincheckAssertionError.class)
                    .hasMessageContaining("Invalid execution results");
        }
    }

    @Test
    void aValueAndItsGenerationStoredOneAfterTheOther() {
        new Calls(List.of("get"), List.of("trigger", "get"), List.of("get"), List.of())
                .findTheMistake(LincheckIT.ValueCalls.class, SplitValue.class);
    }

    @Test
    void anAckThatLooksAndThenActs() {
        new Calls(List.of("bump"), List.of("bump"), List.of("acknowledge"), List.of("outdated"))
                .findTheMistake(RightAck.class, SplitAck.class);
    }

    /** A {@link PerGeneration}, as in {@link LincheckIT.ValueCalls}, of two fields where there should be one: who comes between sees an old value as new. */
    public static class SplitValue {
        private final SysGenId id = SysGenId.inProcess();
        private volatile long stamp = -1;
        private volatile int value;

        @Operation
        public void trigger() {
            id.trigger();
        }

        @Operation
        public int get() {
            if (stamp == id.stamp()) {
                return value;
            }
            synchronized (this) {
                stamp = id.stamp();
                value = id.generation();
                return value;
            }
        }
    }

    /** A watcher that has dealt with generation 1. */
    public static class RightAck {
        final LocalDomain domain = new LocalDomain();
        final Domain.Link link = domain.openLink();

        @Operation
        public int bump() {
            return domain.bump();
        }

        @Operation
        public boolean acknowledge() {
            return acknowledge(1);
        }

        final boolean acknowledge(int generation) {
            try {
                return link.acknowledge(generation);
            } catch (java.io.IOException e) {
                throw new AssertionError(e); // nothing is read or written here
            }
        }

        @Operation
        public int outdated() {
            return domain.outdated();
        }
    }

    /** Looks whether that is the newest generation, and acks without the lock that it looked under: a bump between is hidden. */
    public static class SplitAck extends RightAck {
        @Operation
        @Override
        public boolean acknowledge() {
            return domain.page().load() == 1 && acknowledge(domain.page().load());
        }
    }
}
