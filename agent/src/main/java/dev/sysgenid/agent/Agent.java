// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import dev.sysgenid.agent.mends.Mends;
import java.lang.instrument.Instrumentation;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The agent in this JVM; there is one at most.
 *
 * <p>Before the program's {@code main} it does what cannot be done later: it has classes changed when they are loaded, and
 * it is a watcher of the device ({@link Scout}). All else ({@link Renewal}) waits until the program has had a moment to
 * start. What a program has not used there is nothing to be renewed of.
 *
 * <p><b>Threads:</b> {@link #start} by the JVM; any.
 */
public final class Agent {
    /** The system property by which whoever attached learns how the agent fares. */
    public static final String STATE = "dev.sysgenid.agent";

    /** How long a program starts without the rest of the agent being loaded beside it. */
    private static final long MOMENT_MILLIS = 500;

    /** Guarded by the class. */
    private static @Nullable Agent running;

    private final Options options;
    private final Jdk jdk;
    private final HookUsers users;

    // Below: guarded by this.
    private @Nullable Scout scout;
    private @Nullable Renewal renewal;
    private boolean stopped;

    private Agent(Options options, Instrumentation instrumentation) {
        this.options = options;
        this.users = new HookUsers(options.sha1prng);
        this.jdk = new Jdk(instrumentation, users);
    }

    /**
     * The entry; again when somebody attaches once more.
     *
     * @param attached into a running program: then all is done when this returns, and {@link #STATE} says how it went
     */
    public static synchronized void start(@Nullable String text, Instrumentation instrumentation, boolean attached) {
        Options options = Options.parse(text);
        if (options.help) {
            Report.print(Options.HELP + "mends: " + Mends.names() + "\n");
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

    private synchronized void again(Options wished) {
        if (wished.off) {
            stop();
            return;
        }
        Renewal present = complete();
        Report.print("sysgenid agent: already in this program; "
                + (wished.report && present != null ? "its report:\n" + present.state() : "nothing was changed\n"));
    }

    // ---- the start

    private synchronized void begin(boolean attached) {
        if (!options.only.isEmpty() || !options.without.isEmpty()) {
            Set<String> unknown = new TreeSet<>(options.only);
            unknown.addAll(options.without);
            unknown.removeAll(Set.of(Mends.names().split(" ")));
            if (!unknown.isEmpty()) {
                Report.print("sysgenid agent: no mend is called " + String.join(", ", unknown) + "; there are: "
                        + Mends.names() + "\n");
            }
        }
        if (options.dryRun) {
            Renewal looked = new Renewal(options, jdk, users);
            looked.prepare();
            Report.print("sysgenid agent: dry run, nothing is changed\n" + looked.state());
            return;
        }
        want("provider", Woven.PROVIDERS);
        want("secure-random", Woven.SECURE_RANDOM);
        want("random", Woven.RANDOM);
        want("thread-local-random", Woven.THREAD_LOCAL_RANDOM);
        want("tls", Woven.TLS);
        jdk.weaver().start();
        if (attached || mustBeWhole()) {
            Renewal unused = complete();
            return;
        }
        scout = Scout.begin();
        Thread rest =
                new Thread(null, new Rest(this, options.report ? 0 : MOMENT_MILLIS), "sysgenid-agent-start", 0, false);
        rest.setDaemon(true);
        rest.setContextClassLoader(null);
        rest.start();
    }

    private void want(String mend, String target) {
        if (options.wants(mend)) {
            jdk.weaver().want(target);
        }
    }

    /**
     * Whether nothing may wait: what the agent does on the program's own threads it does under the program's permissions,
     * where there is a security manager; and a JVM with checkpoints of its own (CRaC) refuses to take one with files open.
     */
    private static boolean mustBeWhole() {
        String manager = System.getProperty("java.security.manager");
        return (manager != null && !manager.equals("disallow")) || hasCheckpoints();
    }

    private static boolean hasCheckpoints() {
        try {
            return Class.forName("jdk.crac.Core", false, null) != null;
        } catch (ClassNotFoundException e) {
            return false;
        }
    }

    /** The thread that completes the start. */
    private static final class Rest implements Runnable {
        private final Agent agent;
        private final long millis;

        Rest(Agent agent, long millis) {
            this.agent = agent;
            this.millis = millis;
        }

        @Override
        public void run() {
            try {
                Thread.sleep(millis);
                Renewal unused = agent.complete();
            } catch (InterruptedException | RuntimeException | Error e) {
                Report.print("sysgenid agent: not active, and the program goes on without it: " + e + "\n");
            }
        }
    }

    /** Null when it has been stopped. */
    private synchronized @Nullable Renewal complete() {
        Renewal present = renewal;
        if (present == null && !stopped) {
            present = new Renewal(options, jdk, users);
            present.prepare();
            renewal = present;
            present.begin(scout);
        }
        return present;
    }

    // ---- the end

    private void stop() {
        stopped = true;
        if (scout != null) {
            scout.end();
        }
        if (renewal != null) {
            renewal.stop();
        }
        jdk.weaver().stop();
        running = null;
        System.clearProperty(STATE);
        Report.print("sysgenid agent: off; what is made anew from here on may repeat in a clone\n");
    }
}
