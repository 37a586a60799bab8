// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import dev.sysgenid.Phase;
import dev.sysgenid.SysGenId;
import dev.sysgenid.Watch;
import dev.sysgenid.agent.mends.Mends;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * All mends, and what is done with them at each change: they renew, before the program's own listeners are called.
 *
 * <p><b>Threads:</b> {@link #renew} by the thread of the change, all else by the agent; both under the lock of this.
 */
final class Renewal {
    private final Options options;
    private final Jdk jdk;
    private final SysGenId id;
    private final List<Part> parts = new ArrayList<>();
    private final Report report;
    private final Flight flight = Flight.open();
    private final Figures figures;

    private @Nullable Scout scout;
    private @Nullable Watch watch;
    private @Nullable Management management;
    private boolean stopped;

    Renewal(Options options, Jdk jdk, HookUsers users) {
        this.options = options;
        this.jdk = jdk;
        jdk.grantNativeAccess();
        this.id = SysGenId.open();
        for (Mend each : Mends.all(users.provider(), users.draws().mend())) {
            Part part = new Part(each);
            if (!options.wants(each.name())) {
                part.state = Part.State.UNWANTED;
            }
            parts.add(part);
        }
        this.report = new Report(id, parts);
        this.figures = new Figures(id);
    }

    /** Looks what of this JDK is what is expected; changes nothing. */
    synchronized void prepare() {
        for (Part each : parts) {
            each.prepare(jdk);
        }
    }

    /**
     * Takes effect.
     *
     * @param first what has looked after changes up to now; null when nothing was here before
     */
    synchronized void begin(@Nullable Scout first) {
        for (Part each : parts) {
            each.install();
        }
        scout = first;
        watch = id.watch(Phase.ENTROPY, "agent", this::renew);
        // From here on every change is told to renew(), which waits for this to return.
        if (first != null) {
            if (id.isGuarded() && first.isChanged()) {
                id.trigger();
            } else {
                endScout();
            }
        }
        figures.parts(parts);
        System.setProperty(Agent.STATE, report.summary());
        management = Management.whenWanted(jdk, figures);
        if (options.report) {
            Report.print(report.state());
        }
        flight.started(parts);
    }

    private void endScout() {
        Scout present = scout;
        if (present != null) {
            present.end();
            scout = null;
        }
    }

    synchronized String state() {
        return report.state();
    }

    private synchronized void renew(int generation) throws Exception {
        if (stopped) {
            return;
        }
        long start = System.nanoTime();
        List<String> failed = new ArrayList<>();
        for (Part each : parts) {
            if (!each.renew()) {
                failed.add(each.mend.name() + " (" + each.why + ")");
            }
        }
        long nanos = System.nanoTime() - start;
        figures.changed(generation, nanos, parts);
        flight.changed(generation, nanos, parts);
        if (options.report) {
            Report.print(report.change(generation, nanos));
        }
        if (!failed.isEmpty()) {
            throw new IllegalStateException("not renewed: " + String.join(", ", failed));
        }
        endScout();
    }

    synchronized void stop() {
        stopped = true;
        if (watch != null) {
            watch.close();
        }
        for (int i = parts.size() - 1; i >= 0; i--) {
            Part each = parts.get(i);
            if (each.state == Part.State.READY || each.state == Part.State.FAILED) {
                each.mend.remove();
            }
        }
        if (management != null) {
            management.close();
        }
    }
}
