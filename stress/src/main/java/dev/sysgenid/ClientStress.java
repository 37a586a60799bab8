// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.L_Result;
import org.openjdk.jcstress.infra.results.ZI_Result;

/** Acks against bumps, and values against the generations that they were made in. */
public final class ClientStress {
    private ClientStress() {}

    /** A watcher acks the generation that it has dealt with, while the next one comes. */
    @JCStressTest
    @Outcome(id = "true, 1", expect = Expect.ACCEPTABLE, desc = "acked, then outdated by the bump")
    @Outcome(id = "false, 1", expect = Expect.ACCEPTABLE, desc = "too late: refused, and outdated")
    @Outcome(expect = Expect.FORBIDDEN, desc = "the ack of an old generation hides a bump")
    @State
    public static class AnAckHidesNoBump {
        private final LocalDomain domain = new LocalDomain();
        private final Domain.Link link = domain.openLink();
        private final int dealtWith = domain.page().load();

        /** A restore. */
        @Actor
        public void bump() {
            int unused = domain.bump();
        }

        /** A watcher. */
        @Actor
        public void ack(ZI_Result result) {
            try {
                result.r1 = link.acknowledge(dealtWith);
            } catch (java.io.IOException e) {
                throw new AssertionError(e); // nothing is read or written here
            }
        }

        /** An orchestrator, afterwards. */
        @Arbiter
        public void count(ZI_Result result) {
            result.r2 = domain.outdated();
        }
    }

    /** The value is made of two looks at the generation, one after the other, so it shows when it is of two of them. */
    @JCStressTest
    @Outcome(
            id = {"0 0", "1 1"},
            expect = Expect.ACCEPTABLE,
            desc = "made in one generation")
    @Outcome(expect = Expect.FORBIDDEN, desc = "made in two generations")
    @State
    public static class AValueIsOfOneGeneration {
        private final SysGenId id = SysGenId.inProcess();
        private final PerGeneration<String> value = id.perGeneration(() -> id.generation() + " " + id.generation());

        /** A restore. */
        @Actor
        public void bump() {
            id.trigger();
        }

        /** A user of the value. */
        @Actor
        public void use(L_Result result) {
            result.r1 = value.get();
        }
    }

    /** Two users of a new value get the same one, made once. */
    @JCStressTest
    @Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "one value, made once")
    @Outcome(expect = Expect.FORBIDDEN, desc = "two values in one generation")
    @State
    public static class AValueIsMadeOnce {
        private final SysGenId id = SysGenId.inProcess();
        private final java.util.concurrent.atomic.AtomicInteger made = new java.util.concurrent.atomic.AtomicInteger();
        private final PerGeneration<Integer> value = id.perGeneration(made::incrementAndGet);

        /** A user of the value. */
        @Actor
        public void one(org.openjdk.jcstress.infra.results.II_Result result) {
            result.r1 = value.get();
        }

        /** Another. */
        @Actor
        public void another(org.openjdk.jcstress.infra.results.II_Result result) {
            result.r2 = value.get();
        }
    }
}
