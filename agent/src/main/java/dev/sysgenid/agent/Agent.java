// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import dev.sysgenid.Phase;
import dev.sysgenid.SysGenId;
import dev.sysgenid.Watch;
import dev.sysgenid.agent.mends.Mends;
import java.lang.instrument.Instrumentation;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The agent in this JVM; there is one at most. Begins with what the program could notice at once, does the rest on a
 * thread of its own, and renews everything at each change, before the program's own listeners are called.
 *
 * <p><b>Threads:</b> {@link #start} by the JVM, {@link #renew} by the thread of the change, both under one lock.
 */
public final class Agent {
    /** The system property by which whoever attached learns how the agent fares. */
    public static final String STATE = "dev.sysgenid.agent";

    /** Guarded by the class. */
    private static @Nullable Agent running;

    private final Options options;
    private final Jdk jdk;
    private final SysGenId id;
    private final List<Part> parts = new ArrayList<>();
    private final Report report;
    private final Flight flight = Flight.open();
    private final Figures figures;

    private @Nullable Watch watch;
    private @Nullable Management management;
    /** The second half of the start has been done. */
    private boolean complete;

    private boolean stopped;

    private Agent(Options options, Instrumentation instrumentation) throws Unsuitable {
        this.options = options;
        this.jdk = new Jdk(instrumentation);
        NativeGrant.take(jdk);
        this.id = SysGenId.open();
        Mends.all(options.sha1prng).forEach(each -> parts.add(new Part(each)));
        this.report = new Report(id, parts);
        this.figures = new Figures(id);
    }

    /**
     * The entry; again when somebody attaches once more.
     *
     * @param attached into a running program: then all is done when this returns, and {@link #STATE} says how it went
     */
    public static synchronized void start(@Nullable String text, Instrumentation instrumentation, boolean attached)
            throws Exception {
        Options options = Options.parse(text);
        if (options.help) {
            Report.print(Options.HELP + "mends: " + names() + "\n");
        }
        if (!options.unknown.isEmpty()) {
            Report.print("sysgenid agent: unknown and passed over: " + String.join(", ", options.unknown)
                    + "; the option help lists what there is\n");
        }
        Agent present = running;
        if (present != null) {
            present.again(options);
        } else if (options.off) {
            Report.print("sysgenid agent: it is not in this program\n");
        } else {
            Agent agent = new Agent(options, instrumentation);
            agent.begin(attached);
            running = options.dryRun ? null : agent;
        }
    }

    private static String names() {
        return Mends.all(false).stream().map(Mend::name).collect(Collectors.joining(" "));
    }

    private synchronized void again(Options wished) {
        if (wished.off) {
            stop();
            return;
        }
        complete();
        Report.print("sysgenid agent: already in this program; "
                + (wished.report ? "its report:\n" + report.state() : "nothing was changed\n"));
    }

    // ---- the start

    private synchronized void begin(boolean attached) {
        Set<String> unknown = new TreeSet<>(options.only);
        unknown.addAll(options.without);
        for (Part each : parts) {
            unknown.remove(each.mend.name());
            if (!options.wants(each.mend)) {
                each.state = Part.State.UNWANTED;
            }
        }
        if (!unknown.isEmpty()) {
            Report.print("sysgenid agent: no mend is called " + String.join(", ", unknown) + "; there are: " + names()
                    + "\n");
        }
        if (options.dryRun) {
            parts.forEach(each -> each.prepare(jdk));
            Report.print("sysgenid agent: dry run, nothing is changed\n" + report.state());
            return;
        }
        jdk.weaver().start();
        for (Part each : parts.subList(0, Mends.FIRST)) {
            each.prepare(jdk);
            each.install();
        }
        // From here on a change is noticed, and nothing is acknowledged before it is dealt with.
        watch = id.watch(Phase.ENTROPY, "agent", this::renew);
        if (attached) {
            complete();
            return;
        }
        Thread rest = new Thread(null, this::complete, "sysgenid-agent-start", 0, false);
        rest.setDaemon(true);
        rest.setContextClassLoader(null);
        rest.start();
    }

    /** The second half, which nobody waits for unless there is a change. */
    private synchronized void complete() {
        if (complete || stopped) {
            return;
        }
        for (Part each : parts) {
            if (each.state == Part.State.NEW) {
                each.prepare(jdk);
                each.install();
            }
        }
        complete = true;
        figures.parts(parts);
        System.setProperty(STATE, report.summary());
        management = Management.whenWanted(jdk, figures);
        if (options.report) {
            Report.print(report.state());
        }
        flight.started(parts);
    }

    // ---- a change

    private synchronized void renew(int generation) throws Exception {
        if (stopped) {
            return;
        }
        complete();
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
    }

    // ---- the end

    private void stop() {
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
        jdk.weaver().stop();
        if (management != null) {
            management.close();
        }
        running = null;
        System.clearProperty(STATE);
        Report.print("sysgenid agent: off; what is made anew from here on may repeat in a clone\n");
    }
}
