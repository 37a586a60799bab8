// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.daemon.source.KernelRandom;
import dev.sysgenid.daemon.source.Source;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.TimerFd;
import dev.sysgenid.linux.Unistd;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The sources of a daemon: chooses them, has the loop wait for them, and makes one bump of what several of them say of one
 * restore.
 *
 * <p>Two signs that follow each other closely are of one restore, if they are different ones: each sign shows each restore.
 * The same sign again is another restore. A second sign bumps all the same if the kernel's random numbers may not have been
 * fresh at the first one: who has renewed then must renew again. A guess and the operator's bumps neither count as a sign nor
 * are spared.
 *
 * <p>Belongs to the loop's thread.
 */
final class Sources implements AutoCloseable {
    /**
     * How far two signs of one restore lie apart at most, the bump at the first one left out: 318 ms were seen, emulated, and a daemon may be
     * without a processor for longer. Two restores within this time are still two bumps, for one of their signs comes twice:
     * that takes signs which each restore shows, so a guess is none.
     */
    static final long SAME_RESTORE_NANOS = TimeUnit.SECONDS.toNanos(2);

    /** The mark of a source that has none. */
    private static final String UNKNOWN = "unknown";

    private static final Source.Restore CAUGHT_UP = Source.Restore.reseeded(
            "hwrng", "the hardware's generator has answered late, and the random numbers are fresh now");

    private final List<Entry> entries = new ArrayList<>();
    private final SourceMarks marks;
    private final boolean bumpOnDisruption;
    private final Consumer<String> log;
    private final Machine machine;
    private final KernelRandom random;
    private final boolean mayReseed;

    private @Nullable Loop loop;
    private Consumer<String> bumper = _ -> {};
    private int timer = -1;
    private long searchDue;

    /** Between the sign and the moment at which the bump wants fresh random numbers. */
    private Source.@Nullable Restore pending;

    private long lastRestore;
    private boolean lastCertain;
    /** Whether the last bump that a source made may have been before the kernel's random numbers were fresh. */
    private boolean owed;

    private final Set<String> lastSigns = new HashSet<>();

    /** A source, or why there is none. */
    private final class Entry implements Source.Listener {
        private final String name;
        /** Of the same source, when another daemon served. */
        private final @Nullable String before;

        private @Nullable Source source;
        /** Why there is no source. */
        private String why = "";

        private @Nullable String remedy;
        /** Whether there may be one later. */
        private boolean missing;

        private boolean lost;
        private long restores;
        private long due = Long.MAX_VALUE;
        /** Of the look that goes on. */
        private final List<Source.Restore> told = new ArrayList<>();

        Entry(String name, @Nullable String before) {
            this.name = name;
            this.before = before;
        }

        private void choose(SourceChoice choice, Requirements.Requirement found, boolean takeOver)
                throws StartException {
            Set<String> chosen = choice.names();
            if (chosen != null && !chosen.contains(name)) {
                why = SourceChoice.NOT_CHOSEN;
            } else if (chosen != null || isNeeded()) {
                open(found, takeOver && before == null ? UNKNOWN : before);
                if (missing && chosen != null) {
                    throw new StartException(
                            ExitCodes.UNAVAILABLE,
                            "--source " + name + ": " + why,
                            remedy == null ? "leave it out, or let --source choose (auto)" : remedy);
                }
            }
        }

        private boolean isNeeded() {
            if (name.equals(SourceChoice.FW_CFG) && isActive(SourceChoice.VMGENID)) {
                why = SourceChoice.NOT_NEEDED;
                remedy = null;
                missing = false;
                return false;
            }
            return true;
        }

        /** Opens it if it is there; notes why not otherwise. */
        private void open(Requirements.Requirement found, @Nullable String mark) {
            missing = true;
            why = found.finding();
            remedy = found.remedy();
            if (Requirements.isThere(found)) {
                try {
                    source = machine.open(name, mark);
                    missing = false;
                } catch (SystemCallException e) {
                    why = String.valueOf(e.getMessage());
                    remedy = e.errno() == Errno.EACCES || e.errno() == Errno.EPERM ? "run it as root" : null;
                }
            }
        }

        /** Looks whether it is there by now. */
        private void search(Loop waiting) {
            Requirements.Requirement found = missing && isNeeded() ? machine.found(name) : null;
            if (found == null) {
                return;
            }
            open(found, before);
            Source opened = source;
            if (opened != null) {
                try {
                    watch(waiting);
                    log.accept(name + " tells of restores from now on (" + opened.describe() + ")");
                    look(waiting);
                } catch (SystemCallException e) {
                    source = null;
                    opened.close();
                    missing = true;
                    why = String.valueOf(e.getMessage());
                }
            }
        }

        private void watch(Loop waiting) throws SystemCallException {
            Source opened = source;
            if (opened != null) {
                for (int descriptor : opened.descriptors()) {
                    waiting.watch(descriptor, () -> {
                        look(waiting);
                        looked();
                    });
                }
            }
        }

        private String state() {
            return source == null ? "off" : lost ? "lost" : "active";
        }

        private String detail() {
            if (source != null) {
                return source.describe();
            }
            return remedy == null ? why : why + " (" + remedy.replace("\n", "; ") + ")";
        }

        @Override
        public void restored(Source.Restore restore) {
            restores++;
            told.add(restore);
        }

        @Override
        public void disrupted(String what) {
            if (bumpOnDisruption) {
                restored(Source.Restore.guess(name + " disruption", what));
            } else {
                log.accept(name + ": " + what + "; nobody says that this is a clone, so the generation stays"
                        + " (serve --bump-on-disruption)");
            }
        }

        @Override
        public void lost(String why) {
            lost = true;
            log.accept("WARNING: " + name + " tells of restores no longer: " + why + "; trying again");
        }

        @Override
        public void found() {
            lost = false;
            log.accept(name + " tells of restores again");
        }

        private void look(Loop present) {
            lookOnly(present);
            // Behind it: what goes wrong in a bump is no defect of the source, and ends the daemon. The next one
            // finds the marks as they were, and so the restore.
            List<Source.Restore> restored = List.copyOf(told);
            told.clear();
            for (Source.Restore restore : restored) {
                Sources.this.restored(name, restore);
            }
        }

        /** What a source does wrong must not end the daemon; but then it is none any more. */
        private void lookOnly(Loop present) {
            Source looking = source;
            if (looking == null) {
                return;
            }
            try {
                looking.look(this);
                long period = looking.periodNanos();
                due = period == 0 ? Long.MAX_VALUE : present.now() + period;
            } catch (RuntimeException e) {
                log.accept("WARNING: a defect: " + name + " tells of restores no longer: " + e);
                why = "given up after a defect: " + e;
                source = null;
                due = Long.MAX_VALUE;
                looking.close();
            }
        }
    }

    private Sources(boolean bumpOnDisruption, SourceMarks marks, Consumer<String> log, Machine machine) {
        this.marks = marks;
        this.bumpOnDisruption = bumpOnDisruption;
        this.log = log;
        this.machine = machine;
        this.random = machine.random(log);
        this.mayReseed = random.reseed();
    }

    /**
     * Opens the sources: from here on no restore is missed.
     *
     * @param state where the marks of the sources are kept, for a daemon that takes over
     * @param takeOver whether this one does: then a restore that came while no daemon looked is told of
     * @param log told what people should know, one line each
     * @throws StartException when one that was chosen by name cannot be opened
     */
    static Sources open(SourceChoice choice, Path state, boolean takeOver, Consumer<String> log) throws StartException {
        return open(choice, Machine.here(), state, takeOver, log);
    }

    static Sources open(SourceChoice choice, Machine machine, Path state, boolean takeOver, Consumer<String> log)
            throws StartException {
        Sources sources = new Sources(choice.bumpOnDisruption(), new SourceMarks(state, log), log, machine);
        Map<String, String> before = takeOver ? sources.marks.read() : Map.of();
        try {
            for (Requirements.Requirement found : machine.sources()) {
                if (SourceChoice.ALL.contains(found.name())) {
                    Entry entry = sources.new Entry(found.name(), before.get(found.name()));
                    sources.entries.add(entry);
                    entry.choose(choice, found, takeOver);
                }
            }
            return sources;
        } catch (StartException e) {
            sources.close();
            throw e;
        }
    }

    /** After what they stand for was dealt with: a daemon that dies in between leaves it to be dealt with twice. */
    private void writeMarks() {
        StringBuilder text = new StringBuilder();
        for (Entry entry : entries) {
            Source source = entry.source;
            if (source != null) {
                text.append(entry.name).append(' ').append(source.mark()).append('\n');
            }
        }
        marks.write(text.toString());
    }

    private boolean isActive(String name) {
        for (Entry entry : entries) {
            if (entry.name.equals(name)) {
                return entry.source != null;
            }
        }
        return false;
    }

    /**
     * Has the loop wait for them.
     *
     * @param bumpBy bumps, and gets told by whom
     */
    void start(Loop waiting, Consumer<String> bumpBy) throws SystemCallException {
        loop = waiting;
        bumper = bumpBy;
        lastRestore = waiting.now() - SAME_RESTORE_NANOS;
        random.onAnswer(() -> waiting.submit(this::catchUp));
        timer = SystemCallException.check(
                TimerFd.timerfd_create(TimerFd.CLOCK_MONOTONIC, TimerFd.TFD_NONBLOCK | TimerFd.TFD_CLOEXEC),
                "timerfd_create",
                "the sources");
        waiting.watch(timer, this::timerFired);
        for (Entry entry : entries) {
            entry.watch(waiting);
            entry.look(waiting);
        }
        searchDue = waiting.now() + machine.searchNanos();
        looked();
    }

    private void timerFired() {
        TimerFd.read(timer);
        Loop present = loop;
        if (present != null) {
            long now = present.now();
            for (Entry entry : entries) {
                if (entry.due <= now) {
                    entry.look(present);
                }
            }
            if (searchDue <= now) {
                // The service starts early, and udev loads the modules of some sources when it sees fit.
                for (Entry entry : entries) {
                    entry.search(present);
                }
                searchDue = now + machine.searchNanos();
            }
            looked();
        }
    }

    private void looked() {
        writeMarks();
        long next = Long.MAX_VALUE;
        for (Entry entry : entries) {
            next = Math.min(next, entry.missing ? Math.min(entry.due, searchDue) : entry.due);
        }
        int result = TimerFd.settimeAbsolute(timer, next == Long.MAX_VALUE ? 0 : Math.max(1, next));
        if (result < 0) {
            throw new IllegalStateException("timerfd_settime: " + Errno.describe(-result));
        }
    }

    private void restored(String name, Source.Restore restore) {
        Loop present = loop;
        long now = present == null ? 0 : present.now();
        if (!restore.guess()) {
            if (lastCertain && now - lastRestore < SAME_RESTORE_NANOS && lastSigns.add(restore.sign())) {
                return;
            }
            lastSigns.clear();
            lastSigns.add(restore.sign());
        }
        pending = restore;
        bump(name, restore);
        now = present == null ? 0 : present.now();
        if (!restore.guess()) {
            // From its end on: what was said meanwhile could not be heard. A clone is cold, so a bump in it takes long.
            lastRestore = now;
        }
        // Whoever else has a sign of this restore is to show it now, and not later, when it would look like another
        // one.
        for (Entry entry : entries) {
            if (entry.due != Long.MAX_VALUE) {
                entry.due = now;
            }
        }
    }

    private void bump(String name, Source.Restore why) {
        pending = why;
        try {
            bumper.accept(name + ": " + why.detail());
        } finally {
            pending = null;
        }
    }

    /** The hardware's generator has answered. If nobody waited for it any more, who has renewed must renew again. */
    private void catchUp() {
        if (owed && random.catchUp()) {
            bump("hwrng", CAUGHT_UP); // and a further sign of that restore need not bump again
        }
    }

    /** Called at each bump, whoever makes it, before anybody is told: the kernel's random numbers are fresh after it. */
    void freshen() {
        Source.Restore restore = pending;
        if (restore == null) {
            // What the operator knows of the restore, the kernel may not know. Nobody is warned each time, and no bump
            // follows: it may be one of a domain, which is to disturb nobody else.
            if (mayReseed) {
                random.freshenQuietly();
            }
            return;
        }
        boolean certain = restore.kernelReseeded() || random.freshen(restore.entropy(), restore.unique());
        owed = !certain;
        if (!restore.guess()) {
            lastCertain = certain;
        }
    }

    /** For programs: a header, and a line for each source. */
    String report() {
        StringBuilder text = new StringBuilder("SOURCE STATE RESTORES DETAIL\n");
        for (Entry entry : entries) {
            text.append(entry.name)
                    .append(' ')
                    .append(entry.state())
                    .append(' ')
                    .append(entry.restores);
            text.append(' ').append(entry.detail()).append('\n');
        }
        return text.toString();
    }

    /** For people: lines of the banner, each with an indent in front. */
    String describe(String indent) {
        StringBuilder text = new StringBuilder();
        for (Entry entry : entries) {
            if (entry.source != null) {
                text.append(text.isEmpty() ? "" : indent)
                        .append(entry.name)
                        .append(" (")
                        .append(entry.detail());
                text.append(")\n");
            }
        }
        text.append(text.isEmpty() ? "none but the operator: whatever restores must run sysgenid bump\n" : "");
        for (Entry entry : entries) {
            if (entry.source == null) {
                text.append(indent)
                        .append("not ")
                        .append(entry.name)
                        .append(": ")
                        .append(entry.detail())
                        .append('\n');
            }
        }
        text.append(indent)
                .append(
                        mayReseed
                                ? "the kernel's random numbers are made new before each bump"
                                : "the kernel's random numbers are not made new before a bump: no CAP_SYS_ADMIN");
        return text.toString();
    }

    @Override
    public void close() {
        for (Entry entry : entries) {
            Source source = entry.source;
            if (source != null) {
                entry.source = null;
                source.close();
            }
        }
        if (timer >= 0) {
            Unistd.close(timer);
            timer = -1;
        }
        random.close();
    }
}
