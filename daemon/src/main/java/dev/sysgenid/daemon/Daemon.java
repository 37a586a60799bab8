// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.fuse.Connection;
import dev.sysgenid.fuse.Session;
import dev.sysgenid.linux.Poll;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.io.PrintStream;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/**
 * The daemon, from start to stop: checks that it can serve, mounts, serves, unmounts. What it makes it takes away again
 * in the opposite order, also when a later step of the start fails.
 */
public final class Daemon {
    private static final int HANDSHAKE_MILLIS = 5000;

    /** When so many daemons in a row could not take over, the next one does not go by what is noted. */
    private static final int FAILURES_OF_TRUST = 3;

    /** When so many did, that is no help either: it begins anew, so that those who wait for an answer get an error. */
    private static final int MOST_FAILURES = 6;

    private final ServeOptions options;
    private final PrintStream out;
    /** Whether another daemon is to go on with what this one leaves. */
    private boolean handingOver;

    private Daemon(ServeOptions options, PrintStream out) {
        this.options = options;
        this.out = out;
    }

    /**
     * Serves the device until SIGTERM, SIGINT or SIGHUP; then unmounts and lets the process exit with 0.
     *
     * @param out gets lines for people: what is served, and each bump
     * @throws StartException when it cannot start, or when somebody else takes the mount away; nothing is left behind
     */
    public static void serve(ServeOptions options, PrintStream out) throws StartException {
        new Daemon(options, out).run();
    }

    private void run() throws StartException {
        if (HandedDown.isOver()) {
            StateDirectory.retire(StateDirectory.beside(options.mount()));
            return;
        }
        ProgramFiles.open();
        boolean privileged = isPrivileged();
        if (options.mapping() == Mapping.PASSTHROUGH && !privileged) {
            throw new StartException(
                    ExitCodes.NO_PERMISSION,
                    "passthrough needs CAP_SYS_ADMIN in the initial user namespace",
                    "run as root, or let --mapping choose (auto)");
        }
        HandedDown handed = HandedDown.take(System.getenv());
        CountDownLatch stopped = new CountDownLatch(1);
        try {
            boolean served = handed.life() == HandedDown.Life.MOUNTED && takeOver(handed, privileged, stopped);
            if (!served) {
                beginAnew(handed);
                mountAndServe(handed, privileged, stopped);
            }
            if (handingOver) {
                say("handing over");
                throw new StartException(ExitCodes.HAND_OVER, "", "");
            }
            say("stopped; " + options.mount() + " is unmounted");
        } catch (SystemCallException e) {
            throw new StartException(ExitCodes.FAILURE, String.valueOf(e.getMessage()), "see sysgenid doctor", e);
        } finally {
            stopped.countDown();
        }
    }

    /** The connection that was handed down is over, or cannot be gone on with. */
    private static void beginAnew(HandedDown handed) throws StartException {
        if (handed.life() == HandedDown.Life.NONE || handed.life() == HandedDown.Life.FRESH) {
            return;
        }
        if (HandedDown.byKeeper()) {
            throw new StartException(ExitCodes.BEGIN_ANEW, "", "");
        }
        ServiceManager.release(HandedDown.NAME);
        Unistd.close(handed.descriptor());
    }

    private void mountAndServe(HandedDown handed, boolean privileged, CountDownLatch stopped)
            throws StartException, SystemCallException {
        refuseRequestTimeouts();
        // Closed in the opposite order: programs find no new device; the mount goes; those who still hold the device
        // open are told by an error, and their pages stay as they are.
        try (Arena arena = Arena.ofShared();
                Loop loop = new Loop();
                Callers callers = new Callers();
                Mountpoint mountpoint = Mountpoint.prepare(options.mount(), privileged, this::say);
                StateDirectory directory =
                        StateDirectory.prepare(StateDirectory.beside(options.mount()), privileged, maxPages());
                Sources sources = Sources.open(options.sources(), directory.path(), false, this::say);
                Link link = prepareLink()) {
            Runtime.getRuntime().addShutdownHook(new Thread(() -> endBySignal(loop, stopped), "sysgenid-stop"));
            int descriptor = mountpoint.mount(handed.life() == HandedDown.Life.FRESH ? handed.descriptor() : -1);
            if (ServiceManager.isThere()) {
                ServiceManager.keep(HandedDown.NAME, descriptor);
            }
            Connection connection = new Connection(descriptor, this::say, arena);
            Session session = new Session(connection, privileged && options.mapping() != Mapping.STORE);
            shakeHands(session, connection);
            Serving serving = new Serving(loop, session);
            try (StateFile state =
                    StateFile.create(directory.openState(), mountpoint.made(), mountpoint.device(), newDomain(0, 0))) {
                state.setPolls(directory.polls());
                Pages pages = PagesChoice.make(session, serving, connection, directory.pages(), options.mapping());
                Domains domains = makeDomains(pages, serving, connection, callers, loop, sources, state, privileged);
                MountFileSystem files = makeFiles(connection, domains, sources, state);
                session.start(files);
                if (link.link() != null) {
                    link.link().create();
                }
                sources.start(loop, domains.machine()::bump);
                say(ReadyMessage.of(options, pages, sources, privileged, Objects.requireNonNull(state.domain())));
                serve(mountpoint, directory, link, loop, serving, connection, pages, domains, files, state);
            }
        }
    }

    /** Nobody knows what it was: so it is nothing that it can have been. */
    private StateFile.DomainRecord unknownDomain() {
        SecureRandom random = new SecureRandom();
        return newDomain(random.nextInt(), StateFile.newEra(random.nextInt()));
    }

    private StateFile.DomainRecord newDomain(int generation, long serial) {
        CloneIdentity identity = new CloneIdentity();
        identity.draw();
        PageContent content = PageContent.first(generation, identity.head(), identity.tail());
        return new StateFile.DomainRecord(content, serial, 0, options.mode(), options.uid(), options.gid());
    }

    private static int maxPages() {
        return PassthroughPages.capacity(Requirements.maxMappings());
    }

    /**
     * Serves a connection that another daemon left, to the end. Returns false when that cannot be done.
     *
     * @throws StartException when it could not be tried; all is left as it is, for another try
     */
    private boolean takeOver(HandedDown handed, boolean privileged, CountDownLatch stopped)
            throws StartException, SystemCallException {
        StateDirectory found = StateDirectory.find(StateDirectory.beside(options.mount()), privileged, maxPages());
        if (found == null) {
            say("what the last daemon left at " + options.mount() + " cannot be gone on with: its state is gone");
            Mountpoint.abandon(options.mount());
            return false;
        }
        try (StateDirectory directory = found) {
            NumberFile failures = directory.failures();
            if (failures.value() >= MOST_FAILURES) {
                say("what the last daemon left cannot be gone on with: " + failures.value()
                        + " daemons in a row could not");
                Mountpoint.abandon(options.mount());
                return false;
            }
            boolean trusted = failures.value() < FAILURES_OF_TRUST;
            if (!trusted) {
                say(failures.value() + " daemons in a row could not take over: this one does not go by what was noted");
            }
            directory.keep(true);
            try {
                return takeOver(directory, trusted, handed, privileged, stopped);
            } catch (SystemCallException | RuntimeException | Error failure) {
                if (!directory.isKept()) { // it served, and nobody else would
                    throw failure;
                }
                failures.set(Math.max(0, failures.value()) + 1);
                leaveToTheNext(failure, isKept());
                say("what the last daemon left cannot be gone on with");
                directory.keep(false);
                Mountpoint.abandon(options.mount());
                return false;
            }
        }
    }

    private boolean takeOver(
            StateDirectory directory, boolean trusted, HandedDown handed, boolean privileged, CountDownLatch stopped)
            throws StartException, SystemCallException {
        Undead undead = directory.undead();
        if (undead.areThere()) {
            say("process " + undead
                    + ", which served before, was killed and cannot end until its requests are answered");
        }
        warnOfRequestTimeouts();
        try (Arena arena = Arena.ofShared();
                Loop loop = new Loop();
                Callers callers = new Callers();
                Sources sources = takeOverSources(directory)) {
            Connection connection = new Connection(handed.descriptor(), this::say, arena);
            Session session = new Session(connection, privileged);
            session.resume(privileged, true);
            Serving serving = new Serving(loop, session);
            TakeOver takeOver = TakeOver.begin(connection, session, directory, trusted, unknownDomain(), this::say);
            try (StateFile state = takeOver.state();
                    Mountpoint mountpoint = Mountpoint.takeOver(
                            options.mount(), state.madeDirectory(), privileged, handed.descriptor(), state.device())) {
                if (mountpoint == null) {
                    say("what the last daemon served is not mounted at " + options.mount() + " any more");
                    directory.keep(false);
                    return false;
                }
                mountpoint.keep(true);
                Runtime.getRuntime().addShutdownHook(new Thread(() -> endBySignal(loop, stopped), "sysgenid-stop"));
                // As it was agreed when it was mounted, whatever the options say now.
                Pages pages = PagesChoice.takeOver(session, serving, connection, directory.pages());
                Domains domains = makeDomains(pages, serving, connection, callers, loop, sources, state, privileged);
                MountFileSystem files = makeFiles(connection, domains, sources, state);
                session.start(files);
                try {
                    takeOver.restore(domains, files, pages, directory.pages());
                    takeOver.finish(domains, files, pages, undead);
                } catch (TakeOver.ImpossibleException e) {
                    // It would be so each time.
                    say("what the last daemon left cannot be gone on with: " + e.getMessage());
                    directory.keep(false);
                    mountpoint.keep(false);
                    return false;
                }
                directory.lock();
                try (Link link = takeOverLink().keep(true)) {
                    WakeAll.startIfDue(
                            loop, connection, state, directory.polls().value());
                    sources.start(loop, domains.machine()::bump);
                    say(ReadyMessage.of(options, pages, sources, privileged, Objects.requireNonNull(state.domain())));
                    serve(mountpoint, directory, link, loop, serving, connection, pages, domains, files, state);
                    return true;
                }
            }
        }
    }

    /** {@link DeviceLink}, or nothing where none is wanted. */
    private record Link(@Nullable DeviceLink link) implements AutoCloseable {
        @Override
        public void close() {
            if (link != null) {
                link.close();
            }
        }

        /** As {@link DeviceLink#keep}. */
        Link keep(boolean keep) {
            if (link != null) {
                link.keep(keep);
            }
            return this;
        }
    }

    private Link prepareLink() throws StartException {
        return new Link(options.device() == null ? null : DeviceLink.prepare(options.device(), deviceInMount()));
    }

    /** Those who have the device open need no link: so what is in its way now is no reason to let them down. */
    private Link takeOverLink() {
        try {
            return new Link(options.device() == null ? null : DeviceLink.takeOver(options.device(), deviceInMount()));
        } catch (StartException e) {
            warn(e);
            return new Link(null);
        }
    }

    /** Those that were chosen by name; where one of them is not there any more, whatever there is. */
    private Sources takeOverSources(StateDirectory directory) throws StartException {
        try {
            return Sources.open(options.sources(), directory.path(), true, this::say);
        } catch (StartException e) {
            warn(e);
            SourceChoice any = new SourceChoice(null, options.sources().bumpOnDisruption());
            return Sources.open(any, directory.path(), true, this::say);
        }
    }

    private void warn(StartException e) {
        say("WARNING: " + e.getMessage() + " (" + e.remedy().replace("\n", "; ") + ")");
    }

    private Path deviceInMount() {
        return options.mount().resolve(MountFileSystem.DEVICE_NAME);
    }

    private Domains makeDomains(
            Pages pages,
            Serving serving,
            Connection connection,
            Callers callers,
            Loop loop,
            Sources sources,
            StateFile state,
            boolean privileged) {
        int all = Math.min(maxPages(), StateFile.MOST_WATCHERS);
        Surroundings surroundings = new Surroundings(
                connection,
                pages,
                callers,
                privileged
                        ? (caller, owner) -> callers.mayBump(caller.pid(), owner)
                        : (caller, _) -> caller.uid() == Unistd.geteuid(),
                loop,
                serving::reclaim,
                sources::freshen,
                new BumpLog(this::say, System::nanoTime),
                state,
                new Quotas(all, options.watchersPerUser()));
        return new Domains(new Device(options.tracking(), surroundings), state, callers);
    }

    private MountFileSystem makeFiles(Connection connection, Domains domains, Sources sources, StateFile state) {
        return new MountFileSystem(connection, domains, sources::report, this::say, state);
    }

    private void serve(
            Mountpoint mountpoint,
            StateDirectory directory,
            Link link,
            Loop loop,
            Serving serving,
            Connection connection,
            Pages pages,
            Domains domains,
            MountFileSystem files,
            StateFile state)
            throws StartException, SystemCallException {
        boolean[] lost = {false};
        serving.start(connection.descriptor(), () -> {
            lost[0] = true;
            mountpoint.lost();
            loop.stop();
        });
        Runnable handOver = () -> {
            handingOver = true;
            loop.stop();
        };
        boolean kept = isKept();
        try (Control _ = Control.open(directory, loop, handOver);
                SelfCheck check = SelfCheck.start(loop, pages::size, domains::mend, this::say);
                Watchdog _ =
                        Watchdog.start(loop, Watchdog.half(System.getenv()), () -> ServiceManager.tell("WATCHDOG=1"))) {
            files.setHealth(check::report);
            if (kept) {
                HandOverSignal.handle(() -> loop.submit(handOver));
            }
            state.serving(kept);
            directory.failures().set(0);
            ServiceManager.tell("READY=1\nSTATUS=serving " + options.mount());
            // From here on an end is one.
            keep(false, link, directory, mountpoint);
            try {
                run(loop, kept);
            } finally {
                end(lost[0], link, directory, mountpoint, pages, domains);
            }
        }
        if (lost[0]) {
            throw new StartException(
                    ExitCodes.TAKEN_AWAY,
                    options.mount() + " was unmounted, or its connection aborted, by somebody else",
                    "start the daemon again; those who had the device open must open it anew");
        }
    }

    private static void keep(boolean keep, Link link, StateDirectory directory, Mountpoint mountpoint) {
        link.keep(keep);
        directory.keep(keep);
        mountpoint.keep(keep);
    }

    /** After the last request: leaves everything to another daemon, or tells everybody that it is over. */
    private void end(
            boolean lost, Link link, StateDirectory directory, Mountpoint mountpoint, Pages pages, Domains domains) {
        if (handingOver && !lost) {
            keep(true, link, directory, mountpoint);
        } else {
            ServiceManager.tell("STOPPING=1");
            // What the kernel keeps cannot be stored into once the connection is lost.
            if (!(pages instanceof StoredPages) || !lost) {
                domains.all().forEach(Device::retire);
            }
            if (ServiceManager.isThere()) {
                ServiceManager.release(HandedDown.NAME);
            }
        }
        if (pages instanceof StoredPages stored) {
            stored.stop();
        }
    }

    /** Whether somebody holds the connection, and starts another daemon when this one dies. */
    private static boolean isKept() {
        return HandedDown.byKeeper() || ServiceManager.isThere();
    }

    /**
     * Runs the loop until it is stopped. After a defect, where another daemon will go on, this process ends as if it had been killed,
     * and takes nothing away: who watches notices no more than a pause.
     */
    private void run(Loop loop, boolean kept) {
        try {
            loop.run();
        } catch (RuntimeException | Error defect) {
            leaveToTheNext(defect, kept);
            throw defect;
        }
    }

    /** Tells of a defect, or of a refused system call. Where another daemon will go on, this does not return. */
    private void leaveToTheNext(Throwable failure, boolean kept) {
        try {
            String what = failure instanceof SystemCallException
                    ? String.valueOf(failure.getMessage())
                    : "a defect: " + failure;
            say(what + (kept ? "; another daemon is to take over" : ""));
            if (System.getenv("SYSGENID_DEBUG") != null) {
                failure.printStackTrace();
            }
        } finally {
            if (kept) {
                Runtime.getRuntime().halt(ExitCodes.DEFECT);
            }
        }
    }

    /**
     * Runs while the JVM ends. When that is because of a signal: lets the loop end, waits until all is cleaned up, and makes
     * the exit code 0. When it is because the daemon has ended, everything is done, and the exit code is not touched.
     */
    private static void endBySignal(Loop loop, CountDownLatch stopped) {
        if (stopped.getCount() == 0) {
            return;
        }
        loop.submit(loop::stop);
        try {
            stopped.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        Runtime.getRuntime().halt(ExitCodes.OK);
    }

    private static void shakeHands(Session session, Connection connection) throws StartException {
        long end = System.nanoTime() + HANDSHAKE_MILLIS * 1_000_000L;
        while (!session.initialized()) {
            long left = (end - System.nanoTime()) / 1_000_000;
            int ready = left > 0 ? Poll.poll(connection.descriptor(), Poll.POLLIN, (int) left) : 0;
            if (ready == 0 || session.serveOne() == Session.Outcome.ENDED) {
                throw new StartException(
                        ExitCodes.UNAVAILABLE,
                        "the kernel and this daemon could not agree on a version of FUSE",
                        "Linux 5.4 or later is needed, 6.9 or later is best");
            }
        }
    }

    /** A request timeout aborts the whole connection as soon as one program has been blocked in a read that long. */
    private static void refuseRequestTimeouts() throws StartException {
        Requirements.Requirement timeouts = Requirements.requestTimeouts();
        if (timeouts.status() == Requirements.Status.MISSING) {
            throw new StartException(ExitCodes.UNAVAILABLE, timeouts.finding(), String.valueOf(timeouts.remedy()));
        }
    }

    /** A connection keeps what it was mounted with. */
    private void warnOfRequestTimeouts() {
        try {
            refuseRequestTimeouts();
        } catch (StartException e) {
            warn(e);
        }
    }

    private static boolean isPrivileged() {
        return Unistd.geteuid() == 0;
    }

    private void say(String line) {
        out.println("sysgenid: " + line);
        out.flush();
    }
}
