// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.core;

import dev.sysgenid.abi.Ioctl;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * The reference that {@link Domain} is held against: the same rules written down as plainly as possible. Every watcher
 * keeps the set of the bumps that it has not acked, everything is looked for everywhere, numbers do not overflow.
 */
final class NaiveDomain {
    static final class NaiveWatcher {
        final long id;
        boolean tracked;
        long acknowledged;
        /** The serial numbers of the bumps that it lived through and has not acked, with their times. */
        final Set<Long> unacked = new LinkedHashSet<>();

        final List<Long> unackedTimes = new ArrayList<>();

        NaiveWatcher(long id, boolean tracked, long generation) {
            this.id = id;
            this.tracked = tracked;
            this.acknowledged = generation;
        }

        boolean outdated() {
            return !unacked.isEmpty();
        }
    }

    /** A parked request; {@code deadline} is null where there is none, {@code timeoutErrno} is 0 for a read. */
    record Request(long number, NaiveWatcher watcher, int timeoutErrno, BigInteger deadline) {
        boolean isRead() {
            return timeoutErrno == 0;
        }
    }

    private static final BigInteger END_OF_CLOCK = BigInteger.valueOf(Long.MAX_VALUE);
    private static final BigInteger NEVER = END_OF_CLOCK;

    private final Tracking tracking;
    final List<NaiveWatcher> watchers = new ArrayList<>();
    final List<Request> parked = new ArrayList<>();
    private final Set<NaiveWatcher> wakes = new LinkedHashSet<>();
    private final List<String> effects = new ArrayList<>();
    long generation;
    long serial;
    private long opened;

    NaiveDomain(Tracking tracking, long generation) {
        this.tracking = tracking;
        this.generation = generation;
    }

    List<String> taken() {
        List<String> taken = List.copyOf(effects);
        effects.clear();
        return taken;
    }

    NaiveWatcher open(boolean writable) {
        NaiveWatcher watcher = new NaiveWatcher(++opened, writable && tracking == Tracking.WRITERS, generation);
        watchers.add(watcher);
        return watcher;
    }

    void close(NaiveWatcher watcher) {
        watchers.remove(watcher);
        wakes.remove(watcher);
        for (Request read : reads()) {
            if (read.watcher == watcher) {
                end(read, Errors.EINTR);
            }
        }
        for (Request wait : waits()) {
            if (wait.watcher == watcher) {
                end(wait, Errors.EINTR);
            }
        }
        endWaitsWhenNobodyIsOutdated();
    }

    int read(NaiveWatcher watcher, long number, long size, boolean nonblocking) {
        if (size == 0) {
            return 0;
        }
        if (size < 4) {
            return -Errors.EINVAL;
        }
        if (watcher.outdated()) {
            return 4;
        }
        if (nonblocking) {
            return -Errors.EAGAIN;
        }
        parked.add(new Request(number, watcher, 0, NEVER));
        return Domain.PARKED;
    }

    int write(NaiveWatcher watcher, long size, int value) {
        if (size == 4 && Integer.toUnsignedLong(value) == generation) {
            watcher.unacked.clear();
            watcher.unackedTimes.clear();
            watcher.acknowledged = generation;
            endWaitsWhenNobodyIsOutdated();
            return 4;
        }
        return -Errors.EINVAL;
    }

    int poll(NaiveWatcher watcher, boolean notify) {
        if (notify) {
            wakes.add(watcher);
        }
        return watcher.outdated() ? 0x41 : 0;
    }

    int ioctl(NaiveWatcher watcher, long number, int command, long argument, boolean privileged, long now) {
        BigInteger unsigned = new BigInteger(Long.toUnsignedString(argument));
        if (command == Ioctl.V4_GET_OUTDATED_WATCHERS) {
            return outdated();
        }
        if (command == Ioctl.SET_WATCHER_TRACKING) {
            watcher.tracked = unsigned.signum() != 0;
            endWaitsWhenNobodyIsOutdated();
            return 0;
        }
        if (command == Ioctl.V4_WAIT_WATCHERS || command == Ioctl.WAIT_WATCHERS) {
            if (watcher.outdated()) {
                return -Errors.EINTR;
            }
            if (outdated() == 0) {
                return 0;
            }
            BigInteger end = unsigned.multiply(BigInteger.valueOf(1_000_000)).add(BigInteger.valueOf(now));
            boolean endless = unsigned.signum() == 0 || end.compareTo(END_OF_CLOCK) > 0;
            int timeoutErrno = command == Ioctl.WAIT_WATCHERS ? Errors.ETIME : Errors.EINTR;
            parked.add(new Request(number, watcher, timeoutErrno, endless ? NEVER : end));
            return Domain.PARKED;
        }
        if (command == Ioctl.V4_FORCE_GEN_UPDATE || command == Ioctl.TRIGGER_GEN_UPDATE) {
            if (!privileged) {
                return -Errors.EACCES;
            }
            if (unsigned.bitLength() > 32) {
                return -Errors.EINVAL;
            }
            bump(unsigned.longValueExact(), now);
            return 0;
        }
        return -Errors.EINVAL;
    }

    void bump(long minimum, long now) {
        long successor = generation == 0xffff_ffffL ? 1 : generation + 1;
        long wished = Math.max(successor, minimum);
        generation = wished == generation ? successor : wished;
        serial++;
        for (NaiveWatcher watcher : watchers) {
            watcher.unacked.add(serial);
            watcher.unackedTimes.add(now);
        }
        for (Request read : reads()) {
            parked.remove(read);
            effects.add(RecordedEffects.read(read.number, (int) generation));
        }
        for (NaiveWatcher watcher : wakes) {
            effects.add(RecordedEffects.woken(watcher.id));
        }
        wakes.clear();
        for (Request wait : waits()) {
            end(wait, Errors.EINTR);
        }
    }

    boolean interrupt(long number) {
        for (Request request : List.copyOf(parked)) {
            if (request.number == number) {
                end(request, Errors.EINTR);
                return true;
            }
        }
        return false;
    }

    void expire(long now) {
        List<Request> waits = new ArrayList<>(waits());
        waits.sort(
                (one, two) -> one.deadline.compareTo(two.deadline)); // stable: the same deadline, in order of arrival
        for (Request wait : waits) {
            if (!wait.deadline.equals(NEVER) && wait.deadline.compareTo(BigInteger.valueOf(now)) <= 0) {
                end(wait, wait.timeoutErrno);
            }
        }
    }

    long nextDeadline() {
        return waits().stream()
                .map(Request::deadline)
                .min(BigInteger::compareTo)
                .orElse(NEVER)
                .longValueExact();
    }

    int outdated() {
        return (int) watchers.stream()
                .filter(watcher -> watcher.tracked && watcher.outdated())
                .count();
    }

    int tracked() {
        return (int) watchers.stream().filter(watcher -> watcher.tracked).count();
    }

    private List<Request> reads() {
        return parked.stream().filter(Request::isRead).toList();
    }

    private List<Request> waits() {
        return parked.stream().filter(request -> !request.isRead()).toList();
    }

    private void endWaitsWhenNobodyIsOutdated() {
        if (outdated() == 0) {
            waits().forEach(wait -> end(wait, 0));
        }
    }

    private void end(Request request, int errno) {
        parked.remove(request);
        effects.add(
                request.isRead()
                        ? RecordedEffects.failed(request.number, errno)
                        : RecordedEffects.waited(request.number, errno));
    }
}
