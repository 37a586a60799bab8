// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.core;

import dev.sysgenid.abi.Ioctl;
import dev.sysgenid.core.NaiveDomain.NaiveWatcher;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;

/**
 * One pair of domains, a {@link Domain} and a {@link NaiveDomain}, and a source of chance that decides which calls are
 * made on both. After each call results, effects and states are the same, and what must always hold holds.
 */
final class ModelRun {
    /** How many settings there are: where generations begin, who is tracked, and whether there is a domain above. */
    static final int VARIANTS = 24;

    private static final long[] STARTS = {0, 0x7fff_fffcL, 0xffff_fffcL};
    private static final int[] COMMANDS = {
        Ioctl.V4_GET_OUTDATED_WATCHERS,
        Ioctl.V4_WAIT_WATCHERS,
        Ioctl.V4_WAIT_WATCHERS,
        Ioctl.V4_FORCE_GEN_UPDATE,
        Ioctl.SET_WATCHER_TRACKING,
        Ioctl.SET_WATCHER_TRACKING,
        Ioctl.WAIT_WATCHERS,
        Ioctl.WAIT_WATCHERS,
        Ioctl.TRIGGER_GEN_UPDATE,
        0xE404,
    };

    private final Random random;
    private final String name;
    private final RecordedEffects effects = new RecordedEffects();
    private final Domain domain;
    /** The domain above, of which nothing is to be seen but its bumps; or the same. */
    private final Domain machine;

    private final NaiveDomain naive;
    private final List<Watcher> watchers = new ArrayList<>();
    private final List<NaiveWatcher> naiveWatchers = new ArrayList<>();
    private final Set<Long> parked = new HashSet<>();
    private final Map<String, Integer> seen = new TreeMap<>();
    private long now;
    private long requests;

    /**
     * @param name for people, when something differs
     * @param variant less than {@link #VARIANTS}
     */
    ModelRun(Random random, String name, int variant) {
        this.random = random;
        this.name = name;
        Tracking tracking = variant % 4 == 0 ? Tracking.OPT_IN : Tracking.WRITERS;
        long start = STARTS[variant % STARTS.length];
        if (variant < VARIANTS / 2) {
            this.domain = new Domain(tracking, effects, (int) start);
            this.machine = domain;
        } else {
            this.machine = new Domain(tracking, new RecordedEffects());
            this.domain = new Domain(machine, effects, (int) start, 0);
        }
        this.naive = new NaiveDomain(tracking, start);
    }

    /** What happened how often, without numbers. */
    Map<String, Integer> seen() {
        return seen;
    }

    void steps(int count) {
        for (int step = 0; step < count; step++) {
            try {
                step();
                check();
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError(name + ", step " + step, e);
            }
        }
    }

    private void step() {
        now += random.nextInt(3) * 400_000L;
        if (watchers.isEmpty() || (watchers.size() < 12 && chance(8))) {
            boolean writable = !chance(30);
            watchers.add(domain.open(writable));
            naiveWatchers.add(naive.open(writable));
            return;
        }
        int i = random.nextInt(watchers.size());
        Watcher watcher = watchers.get(i);
        NaiveWatcher other = naiveWatchers.get(i);
        switch (random.nextInt(16)) {
            case 0 -> {
                domain.close(watcher);
                naive.close(other);
                watchers.remove(i);
                naiveWatchers.remove(i);
            }
            case 1, 2, 3 -> {
                long size = pick(4, 4, 4, 8, 4096, 0, 1, 3, -1);
                boolean nonblocking = chance(30);
                long request = ++requests;
                int result = domain.read(watcher, request, size, nonblocking);
                call("read", result, naive.read(other, request, size, nonblocking));
                noteParked(request, result);
            }
            case 4, 5, 6, 7, 8 -> {
                long size = pick(4, 4, 4, 4, 4, 0, 3, 5);
                int current = domain.generation();
                int value = (int) pick(current, current, current, current, watcher.acknowledged(), current + 1);
                call("write", domain.write(watcher, size, value), naive.write(other, size, value));
            }
            case 9 -> {
                boolean notify = chance(70);
                call("poll", domain.poll(watcher, notify), naive.poll(other, notify));
            }
            case 10, 11, 12, 13 -> {
                int command = COMMANDS[random.nextInt(COMMANDS.length)];
                long argument = pick(
                        0,
                        0,
                        1,
                        1,
                        2,
                        5,
                        now % 7,
                        1L << 58,
                        18_446_744_073_710L,
                        -1,
                        Long.MAX_VALUE,
                        0xffff_ffffL,
                        1L << 32,
                        domain.generation() + 2L);
                boolean privileged = chance(70);
                long request = ++requests;
                int result = domain.ioctl(watcher, request, command, argument, () -> privileged, now);
                call("ioctl", result, naive.ioctl(other, request, command, argument, privileged, now));
                noteParked(request, result);
            }
            case 14 -> {
                // Half of them name a request that is parked, if one is.
                long request = naive.parked.isEmpty() || chance(50)
                        ? random.nextLong(requests + 2)
                        : naive.parked.get(random.nextInt(naive.parked.size())).number();
                boolean ended = machine.interrupt(request);
                see("interrupt " + ended);
                same("interrupt", ended, naive.interrupt(request));
            }
            default -> {
                if (chance(60)) {
                    machine.expire(now);
                    naive.expire(now);
                } else if (machine != domain && chance(50)) {
                    machine.bump((int) pick(0, 7), now);
                    naive.bump(0, now);
                } else {
                    int minimum = (int) pick(0, 0, 0, 3, 0x8000_0000, -1, domain.generation());
                    domain.bump(minimum, now);
                    naive.bump(Integer.toUnsignedLong(minimum), now);
                }
            }
        }
    }

    private void noteParked(long request, int result) {
        if (result == Domain.PARKED) {
            parked.add(request);
        }
    }

    private void check() {
        List<String> told = effects.taken();
        same("effects", told, naive.taken());
        for (String line : told) {
            see(line.replaceFirst(" \\d+", " #").replaceFirst("gets \\d+", "gets #"));
            if (!line.startsWith("wake")) {
                same("told once", parked.remove(Long.valueOf(line.split(" ", 3)[1])), true);
            }
        }
        same("parked requests", domain.parked(), parked.size());
        same("parked requests", domain.parked(), naive.parked.size());

        same("generation", Integer.toUnsignedLong(domain.generation()), naive.generation);
        same("serial", domain.serial(), naive.serial);
        same("bumps told of", effects.generations().size(), (int) naive.serial);
        if (naive.serial > 0) {
            same("the last bump told of", effects.generations().getLast(), (int) naive.generation);
        }
        same("next deadline", domain.nextDeadline(), naive.nextDeadline());
        same("tracked", domain.tracked(), naive.tracked());
        same("outdated", domain.outdated(), naive.outdated());
        same("watchers", domain.watchers(), watchers.size());
        int at = 0;
        for (Watcher each : domain.all()) {
            same("the watchers in order", each, watchers.get(at++));
        }
        same("the watchers listed", at, watchers.size());

        int tracked = 0;
        int outdated = 0;
        int requestsOfWatchers = 0;
        for (int i = 0; i < watchers.size(); i++) {
            Watcher watcher = watchers.get(i);
            NaiveWatcher other = naiveWatchers.get(i);
            same("id", watcher.id(), other.id);
            same("tracked", watcher.tracked(), other.tracked);
            same("outdated", watcher.outdated(), other.outdated());
            same("acknowledged", Integer.toUnsignedLong(watcher.acknowledged()), other.acknowledged);
            same(
                    "outdated since",
                    domain.outdatedSince(watcher),
                    other.outdated() ? other.unackedTimes.getFirst() : Long.MAX_VALUE);
            same("an outdated watcher has a parked request", watcher.outdated() && watcher.parked > 0, false);
            tracked += watcher.tracked() ? 1 : 0;
            outdated += watcher.tracked() && watcher.outdated() ? 1 : 0;
            requestsOfWatchers += watcher.parked;
        }
        same("tracked", domain.tracked(), tracked);
        same("outdated", domain.outdated(), outdated);
        same("parked requests", domain.parked(), requestsOfWatchers);
        if (outdated == 0) {
            same(
                    "WAITs parked while nobody is outdated",
                    naive.parked.stream().allMatch(NaiveDomain.Request::isRead),
                    true);
            same("next deadline", domain.nextDeadline(), Long.MAX_VALUE);
        }
    }

    /** Not by AssertJ, which is slow when a fuzzer asks millions of times. */
    private static void same(String what, Object actual, Object expected) {
        if (!actual.equals(expected)) {
            throw new AssertionError(what + ": " + actual + ", expected " + expected);
        }
    }

    private void call(String call, int result, int expected) {
        same(call, result, expected);
        see(call + " " + (result == Domain.PARKED ? "parked" : Integer.toString(result)));
    }

    private void see(String what) {
        seen.merge(what, 1, Integer::sum);
    }

    private boolean chance(int percent) {
        return random.nextInt(100) < percent;
    }

    private long pick(long... choices) {
        return choices[random.nextInt(choices.length)];
    }
}
