// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import java.util.List;
import java.util.Locale;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.FlightRecorder;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;
import org.jspecify.annotations.Nullable;

/** The events. The only class that needs jdk.jfr; nobody but {@link Flight} loads it. */
final class FlightEvents extends Flight {
    @Override
    void started(List<Part> parts) {
        if (FlightRecorder.isInitialized()) {
            parts.forEach(each -> commit(each, -1));
        }
    }

    @Override
    void changed(int generation, long nanos, List<Part> parts) {
        if (!FlightRecorder.isInitialized()) {
            return;
        }
        Change change = new Change();
        change.generation = Integer.toUnsignedLong(generation);
        change.timeToRenew = nanos;
        for (Part each : parts) {
            change.renewed += each.renewed;
            change.skipped += each.state == Part.State.SKIPPED ? 1 : 0;
            change.failed += each.state == Part.State.FAILED ? 1 : 0;
            commit(each, change.generation);
        }
        change.commit();
    }

    private static void commit(Part part, long generation) {
        Mended event = new Mended();
        event.generation = generation;
        event.mend = part.mend.name();
        event.state = part.state.name().toLowerCase(Locale.ROOT);
        event.why = part.why;
        event.renewed = part.renewed;
        event.timeToRenew = part.nanos;
        event.commit();
    }

    /** A change of the generation, dealt with. */
    @Name("dev.sysgenid.Change")
    @Label("Generation Changed")
    @Category("SysGenID")
    @Description("The system generation has changed, and the agent has renewed what a clone would repeat")
    @StackTrace(false)
    static final class Change extends Event {
        @Label("Generation")
        long generation;

        @Label("Things Renewed")
        int renewed;

        @Label("Mends Skipped")
        int skipped;

        @Label("Mends Failed")
        int failed;

        @Label("Time To Renew")
        @Timespan(Timespan.NANOSECONDS)
        long timeToRenew;
    }

    /** One mend, at the start (generation -1) and after each change. */
    @Name("dev.sysgenid.Mend")
    @Label("Mend")
    @Category("SysGenID")
    @Description("One thing that a clone would repeat, and whether it was renewed")
    @StackTrace(false)
    static final class Mended extends Event {
        @Label("Generation")
        long generation;

        @Label("Mend")
        @Nullable
        String mend;

        @Label("State")
        @Nullable
        String state;

        @Label("Reason")
        @Nullable
        String why;

        @Label("Things Renewed")
        int renewed;

        @Label("Time To Renew")
        @Timespan(Timespan.NANOSECONDS)
        long timeToRenew;
    }
}
