// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.abi.Ioctl;
import dev.sysgenid.core.NaiveDomain.NaiveWatcher;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random calls, made alike on a {@link Domain} and on a {@link NaiveDomain}: results, effects and states are the same
 * after each, and what must always hold holds. A failure names its seed and step, and comes again with them.
 */
class ModelTest {
    private static final int STEPS = 20_000;
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

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
    void theDomainIsTheReference(long seed) {
        new Run(seed).steps(STEPS);
    }

    @Test
    void nothingIsLeftOut() {
        Run run = new Run(2026);
        run.steps(STEPS);
        assertThat(run.seen)
                .containsKeys(
                        "read 0",
                        "read 4",
                        "read -22",
                        "read -11",
                        "read parked",
                        "write 4",
                        "write -22",
                        "poll 0",
                        "poll 65",
                        "ioctl 0",
                        "ioctl 1",
                        "ioctl -4",
                        "ioctl -13",
                        "ioctl -22",
                        "ioctl parked",
                        "interrupt true",
                        "interrupt false",
                        "read # gets #",
                        "read # fails with 4",
                        "wait # ends with 0",
                        "wait # ends with 4",
                        "wait # ends with 62",
                        "wake #");
    }

    /** One pair of domains and a source of chance. */
    private static final class Run {
        private final long seed;
        private final Random random;
        private final RecordedEffects effects = new RecordedEffects();
        private final Domain domain;
        private final NaiveDomain naive;
        private final List<Watcher> watchers = new ArrayList<>();
        private final List<NaiveWatcher> naiveWatchers = new ArrayList<>();
        private final Set<Long> parked = new HashSet<>();
        private final TreeMap<String, Integer> seen = new TreeMap<>();
        private long now;
        private long requests;

        Run(long seed) {
            this.seed = seed;
            this.random = new Random(seed);
            Tracking tracking = seed % 4 == 0 ? Tracking.OPT_IN : Tracking.WRITERS;
            long start = STARTS[(int) (seed % STARTS.length)];
            this.domain = new Domain(tracking, effects, (int) start);
            this.naive = new NaiveDomain(tracking, start);
        }

        void steps(int count) {
            for (int step = 0; step < count; step++) {
                try {
                    step();
                    check();
                } catch (RuntimeException | AssertionError e) {
                    throw new AssertionError("seed " + seed + ", step " + step, e);
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
                    same("read", result, naive.read(other, request, size, nonblocking));
                    noteParked(request, result);
                }
                case 4, 5, 6, 7, 8 -> {
                    long size = pick(4, 4, 4, 4, 4, 0, 3, 5);
                    int current = domain.generation();
                    int value = (int) pick(current, current, current, current, watcher.acknowledged(), current + 1);
                    same("write", domain.write(watcher, size, value), naive.write(other, size, value));
                }
                case 9 -> {
                    boolean notify = chance(70);
                    same("poll", domain.poll(watcher, notify), naive.poll(other, notify));
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
                    same("ioctl", result, naive.ioctl(other, request, command, argument, privileged, now));
                    noteParked(request, result);
                }
                case 14 -> {
                    // Half of them name a request that is parked, if one is.
                    long request = naive.parked.isEmpty() || chance(50)
                            ? random.nextLong(requests + 2)
                            : naive.parked
                                    .get(random.nextInt(naive.parked.size()))
                                    .number();
                    boolean ended = domain.interrupt(request);
                    see("interrupt " + ended);
                    assertThat(ended).isEqualTo(naive.interrupt(request));
                }
                default -> {
                    if (chance(60)) {
                        domain.expire(now);
                        naive.expire(now);
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
            assertThat(told).isEqualTo(naive.taken());
            for (String line : told) {
                see(line.replaceFirst(" \\d+", " #").replaceFirst("gets \\d+", "gets #"));
                if (!line.startsWith("wake")) {
                    assertThat(parked.remove(Long.valueOf(line.split(" ", 3)[1])))
                            .as("told once")
                            .isTrue();
                }
            }
            assertThat(domain.parked()).isEqualTo(parked.size()).isEqualTo(naive.parked.size());

            assertThat(Integer.toUnsignedLong(domain.generation())).isEqualTo(naive.generation);
            assertThat(domain.serial()).isEqualTo(naive.serial);
            assertThat(effects.generations().size()).as("bumps told of").isEqualTo((int) naive.serial);
            if (naive.serial > 0) {
                assertThat(effects.generations().getLast()).isEqualTo((int) naive.generation);
            }
            assertThat(domain.nextDeadline()).isEqualTo(naive.nextDeadline());
            assertThat(domain.tracked()).isEqualTo(naive.tracked());
            assertThat(domain.outdated()).isEqualTo(naive.outdated());
            assertThat(domain.watchers()).isEqualTo(watchers.size());
            assertThat(domain.all()).containsExactlyElementsOf(watchers);

            int tracked = 0;
            int outdated = 0;
            int requestsOfWatchers = 0;
            for (int i = 0; i < watchers.size(); i++) {
                Watcher watcher = watchers.get(i);
                NaiveWatcher other = naiveWatchers.get(i);
                assertThat(watcher.id()).isEqualTo(other.id);
                assertThat(watcher.tracked()).isEqualTo(other.tracked);
                assertThat(watcher.outdated()).isEqualTo(other.outdated());
                assertThat(Integer.toUnsignedLong(watcher.acknowledged())).isEqualTo(other.acknowledged);
                assertThat(domain.outdatedSince(watcher))
                        .isEqualTo(other.outdated() ? other.unackedTimes.getFirst() : Long.MAX_VALUE);
                assertThat(watcher.outdated() && watcher.parked > 0)
                        .as("an outdated watcher has a parked request")
                        .isFalse();
                tracked += watcher.tracked() ? 1 : 0;
                outdated += watcher.tracked() && watcher.outdated() ? 1 : 0;
                requestsOfWatchers += watcher.parked;
            }
            assertThat(domain.tracked()).isEqualTo(tracked);
            assertThat(domain.outdated()).isEqualTo(outdated);
            assertThat(domain.parked()).isEqualTo(requestsOfWatchers);
            if (outdated == 0) {
                assertThat(naive.parked).as("parked while nobody is outdated").allMatch(NaiveDomain.Request::isRead);
                assertThat(domain.nextDeadline()).isEqualTo(Long.MAX_VALUE);
            }
        }

        private void same(String call, int result, int expected) {
            assertThat(result).as(call).isEqualTo(expected);
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
}
