// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.daemon.source.KernelRandom;
import dev.sysgenid.daemon.source.Source;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.TimerFd;
import dev.sysgenid.linux.Unistd;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashMap;
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

    /** The file in the state's directory that holds the marks of the sources. */
    static final String MARKS = "sources";

    private static final Source.Restore CAUGHT_UP = Source.Restore.reseeded(
            "hwrng", "the hardware's generator has answered late, and the random numbers are fresh now");

    private final List<Entry> entries = new ArrayList<>();
    private final Path marks;
    private @Nullable String marked;
    private final boolean bumpOnDisruption;
    private final Consumer<String> log;
    private final KernelRandom random;
    private final boolean mayReseed;

    private @Nullable Loop loop;
    private Consumer<String> bumper = _ -> {};
    private int timer = -1;

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
        private @Nullable Source source;
        private String detail;
        private boolean lost;
        private long restores;
        private long due = Long.MAX_VALUE;
        /** Of the look that goes on. */
        private final List<Source.Restore> told = new ArrayList<>();

        Entry(String name, @Nullable Source source, String detail) {
            this.name = name;
            this.source = source;
            this.detail = detail;
        }

        private String state() {
            return source == null ? "off" : lost ? "lost" : "active";
        }

        private String detail() {
            return source == null ? detail : source.describe();
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
            // Behind it, for what goes wrong in a bump is no defect of the source, and ends the daemon: the next one finds
            // the marks as they were, and so the restore.
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
                detail = "given up after a defect: " + e;
                source = null;
                due = Long.MAX_VALUE;
                looking.close();
            }
        }
    }

    private Sources(boolean bumpOnDisruption, Path marks, Consumer<String> log, KernelRandom random) {
        this.marks = marks;
        this.bumpOnDisruption = bumpOnDisruption;
        this.log = log;
        this.random = random;
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
        Sources sources = new Sources(choice.bumpOnDisruption(), state.resolve(MARKS), log, machine.random(log));
        Map<String, String> before = takeOver ? sources.readMarks() : Map.of();
        try {
            for (Requirements.Requirement found : machine.sources()) {
                if (SourceChoice.ALL.contains(found.name())) {
                    String mark = before.getOrDefault(found.name(), UNKNOWN);
                    sources.entries.add(sources.entry(choice, machine, found, takeOver ? mark : null));
                }
            }
            return sources;
        } catch (StartException e) {
            sources.close();
            throw e;
        }
    }

    private Entry entry(SourceChoice choice, Machine machine, Requirements.Requirement found, @Nullable String mark)
            throws StartException {
        String name = found.name();
        Set<String> chosen = choice.names();
        if (chosen != null && !chosen.contains(name)) {
            return new Entry(name, null, "not among the chosen ones");
        }
        if (chosen == null && name.equals(SourceChoice.FW_CFG) && isActive(SourceChoice.VMGENID)) {
            return new Entry(name, null, "not needed beside vmgenid");
        }
        String why = found.finding();
        String remedy = found.remedy();
        if (Requirements.isThere(found)) {
            try {
                return new Entry(name, machine.open(name, mark), "");
            } catch (SystemCallException e) {
                why = String.valueOf(e.getMessage());
                remedy = e.errno() == Errno.EACCES || e.errno() == Errno.EPERM ? "run it as root" : null;
            }
        }
        if (chosen != null) {
            throw new StartException(
                    ExitCodes.UNAVAILABLE,
                    "--source " + name + ": " + why,
                    remedy == null ? "leave it out, or let --source choose (auto)" : remedy);
        }
        return new Entry(name, null, remedy == null ? why : why + " (" + remedy.replace("\n", "; ") + ")");
    }

    /** By name; a source that had none, or that nobody wrote down, is not among them. */
    private Map<String, String> readMarks() {
        Map<String, String> read = new HashMap<>();
        try {
            for (String line : Files.readAllLines(marks)) {
                int space = line.indexOf(' ');
                read.put(line.substring(0, Math.max(0, space)), line.substring(space + 1));
            }
        } catch (IOException e) {
            log.accept("WARNING: what the last daemon knew of restores is lost (" + e.getMessage() + ")");
        }
        return read;
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
        String now = text.toString();
        if (now.equals(marked)) {
            return;
        }
        marked = now;
        try {
            Path draft = marks.resolveSibling(MARKS + ".new");
            Files.writeString(draft, now);
            Files.move(draft, marks, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            log.accept("WARNING: cannot note what is known of restores (" + e.getMessage()
                    + "): the next daemon may bump once too often");
        }
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
            Source source = entry.source;
            if (source != null) {
                for (int descriptor : source.descriptors()) {
                    waiting.watch(descriptor, () -> {
                        entry.look(waiting);
                        looked();
                    });
                }
                entry.look(waiting);
            }
        }
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
            looked();
        }
    }

    private void looked() {
        writeMarks();
        long next = Long.MAX_VALUE;
        for (Entry entry : entries) {
            next = Math.min(next, entry.due);
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
