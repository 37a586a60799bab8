// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.abi.Ioctl;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class BumpTest extends DomainFixture {
    private static final int[] COMMANDS = {Ioctl.V4_FORCE_GEN_UPDATE, Ioctl.TRIGGER_GEN_UPDATE};

    @Test
    void startsAtZero() {
        assertThat(domain.generation()).isZero();
        assertThat(domain.serial()).isZero();
    }

    @ParameterizedTest
    @CsvSource({
        "0,          0,          1",
        "0,          1,          1",
        "0,          5,          5",
        "7,          7,          8",
        "7,          3,          8",
        "2147483647, 0,          2147483648",
        "2147483647, 5,          2147483648",
        "2147483648, 0,          2147483649",
        "2147483648, 2147483647, 2147483649",
        "5,          2147483648, 2147483648",
        "5,          4294967295, 4294967295",
        "4294967294, 0,          4294967295",
        "4294967295, 0,          1",
        "4294967295, 1,          1",
        "4294967295, 9,          9",
        "4294967295, 4294967294, 4294967294",
        "4294967295, 4294967295, 1",
    })
    void theNewGenerationIsTheGreaterOfTheWishAndTheSuccessor(long from, long minimum, long expected) {
        for (int command : COMMANDS) {
            domain = new Domain(Tracking.WRITERS, effects, (int) from);
            Watcher watcher = writer();
            assertThat(ioctl(watcher, 1, command, minimum)).isZero();
            assertThat(Integer.toUnsignedLong(domain.generation())).isEqualTo(expected);
            assertThat(domain.serial()).isEqualTo(1);
            assertThat(watcher.outdated()).isTrue();
            assertThat(Integer.toUnsignedLong(watcher.acknowledged())).isEqualTo(from);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0x7fffffff, 0x80000000, -2, -1})
    void aWatcherGoesThroughItsRoundAtTheEdgesOfTheRange(int from) {
        domain = new Domain(Tracking.WRITERS, effects, from);
        Watcher watcher = writer();
        for (int round = 0; round < 4; round++) {
            domain.read(watcher, round, 4, false);
            bump();
            happened(RecordedEffects.read(round, domain.generation()));
            assertThat(watcher.outdated()).isTrue();
            assertThat(domain.outdated()).isEqualTo(1);
            assertThat(domain.read(watcher, round, 4, true)).isEqualTo(4);
            assertThat(ack(watcher)).isEqualTo(4);
            assertThat(watcher.acknowledged()).isEqualTo(domain.generation());
            assertThat(domain.outdated()).isZero();
        }
        assertThat(domain.serial()).isEqualTo(4);
    }

    @Test
    void noWrapHidesABump() {
        domain = new Domain(Tracking.WRITERS, effects, 9);
        Watcher watcher = writer();
        domain.bump(MAX, now);
        domain.bump(9, now);
        assertThat(domain.generation()).isEqualTo(9);
        assertThat(watcher.acknowledged()).isEqualTo(9);
        assertThat(watcher.outdated()).isTrue();
        assertThat(domain.outdated()).isEqualTo(1);
        assertThat(domain.read(watcher, 1, 4, true)).isEqualTo(4);
        assertThat(domain.poll(watcher, false)).isNotZero();
        assertThat(domain.write(watcher, 4, 9)).isEqualTo(4);
        assertThat(watcher.outdated()).isFalse();
    }

    @Test
    void needsThePrivilegeAndAsksForItBeforeItLooksAtTheArgument() {
        Watcher watcher = writer();
        for (int command : COMMANDS) {
            assertThat(domain.ioctl(watcher, 1, command, 0, NOBODY, now)).isEqualTo(-Errors.EACCES);
            assertThat(domain.ioctl(watcher, 1, command, 1L << 32, NOBODY, now)).isEqualTo(-Errors.EACCES);
        }
        assertThat(domain.generation()).isZero();
        assertThat(domain.serial()).isZero();
    }

    @Test
    void refusesWishesBeyondTheRange() {
        Watcher watcher = writer();
        for (int command : COMMANDS) {
            for (long minimum : new long[] {1L << 32, (1L << 32) + 5, Long.MAX_VALUE, Long.MIN_VALUE, -1}) {
                assertThat(ioctl(watcher, 1, command, minimum)).isEqualTo(-Errors.EINVAL);
            }
        }
        assertThat(domain.generation()).isZero();
        assertThat(watcher.outdated()).isFalse();
    }

    @Test
    void onlyTheCommandsThatBumpAskForThePrivilege() {
        Watcher watcher = writer();
        AtomicInteger asked = new AtomicInteger();
        Privilege counting = () -> asked.incrementAndGet() > 0;
        domain.ioctl(watcher, 1, Ioctl.V4_GET_OUTDATED_WATCHERS, 0, counting, now);
        domain.ioctl(watcher, 1, Ioctl.SET_WATCHER_TRACKING, 1, counting, now);
        domain.ioctl(watcher, 1, Ioctl.V4_WAIT_WATCHERS, 1, counting, now);
        domain.ioctl(watcher, 1, Ioctl.WAIT_WATCHERS, 1, counting, now);
        domain.ioctl(watcher, 1, 0xE404, 0, counting, now);
        assertThat(asked).hasValue(0);
        for (int command : COMMANDS) {
            domain.ioctl(watcher, 1, command, 0, counting, now);
        }
        assertThat(asked).hasValue(2);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 0x2d00, 0x2d04, 0xE400, 0xE404, 0x5401, -1, 0x12d01, 0x8004E401})
    void refusesUnknownCommands(int command) {
        assertThat(ioctl(writer(), 1, command, 0)).isEqualTo(-Errors.EINVAL);
    }

    @Test
    void outdatesFirstThenEndsReadsThenWakesThenEndsWaits() {
        Watcher late = writer();
        bump();
        Watcher one = writer();
        Watcher two = writer();
        assertThat(ioctl(one, 1, Ioctl.WAIT_WATCHERS, 0)).isEqualTo(Domain.PARKED);
        domain.poll(one, true);
        domain.poll(late, true);
        assertThat(domain.read(two, 2, 4, false)).isEqualTo(Domain.PARKED);
        assertThat(ioctl(two, 3, Ioctl.V4_WAIT_WATCHERS, 5)).isEqualTo(Domain.PARKED);
        bump();
        happened(
                RecordedEffects.read(2, 2),
                RecordedEffects.woken(2),
                RecordedEffects.woken(1),
                RecordedEffects.waited(1, Errors.EINTR),
                RecordedEffects.waited(3, Errors.EINTR));
        assertThat(domain.parked()).isZero();
        assertThat(domain.nextDeadline()).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void effectsSeeTheStateAfterTheBump() {
        AtomicInteger seen = new AtomicInteger();
        class Looking implements Effects {
            private void look() {
                assertThat(domain.generation()).isEqualTo(1);
                assertThat(domain.outdated()).isEqualTo(2);
                assertThat(domain.all()).allMatch(Watcher::outdated);
                seen.incrementAndGet();
            }

            @Override
            public void bumped(int generation) {
                assertThat(generation).isEqualTo(1);
                assertThat(seen).as("effects before it").hasValue(0);
                look();
            }

            @Override
            public void readCompleted(long request, int generation) {
                look();
            }

            @Override
            public void readFailed(long request, int errno) {
                throw new AssertionError();
            }

            @Override
            public void waitCompleted(long request, int errnoOrZero) {
                throw new AssertionError();
            }

            @Override
            public void wake(Watcher watcher) {
                look();
            }
        }
        domain = new Domain(Tracking.WRITERS, new Looking());
        Watcher one = writer();
        Watcher two = writer();
        domain.read(one, 1, 4, false);
        domain.read(two, 2, 4, false);
        domain.poll(one, true);
        bump();
        assertThat(seen).hasValue(4);
    }

    @Test
    void anEffectMayCallBack() {
        class Answering implements Effects {
            int reads;
            int wakes;

            @Override
            public void bumped(int generation) {}

            @Override
            public void readCompleted(long request, int generation) {
                reads++;
                Watcher watcher = domain.all().iterator().next();
                domain.write(watcher, 4, generation);
                assertThat(domain.read(watcher, request, 4, false)).isEqualTo(Domain.PARKED);
            }

            @Override
            public void readFailed(long request, int errno) {}

            @Override
            public void waitCompleted(long request, int errnoOrZero) {}

            @Override
            public void wake(Watcher watcher) {
                wakes++;
                domain.poll(watcher, true);
            }
        }
        Answering answering = new Answering();
        domain = new Domain(Tracking.WRITERS, answering);
        Watcher watcher = writer();
        domain.read(watcher, 1, 4, false);
        domain.poll(watcher, true);
        bump();
        assertThat(answering.reads).isEqualTo(1);
        assertThat(answering.wakes).isEqualTo(1);
        assertThat(domain.parked()).isEqualTo(1);
        bump();
        assertThat(answering.reads).isEqualTo(2);
        assertThat(answering.wakes).isEqualTo(2);
    }

    @Test
    void whatAnEffectParksOutlivesTheBumpAndWhatItClosesIsNotTold() {
        List<String> told = new ArrayList<>();
        class Meddling implements Effects {
            @Override
            public void bumped(int generation) {
                told.add("bumped");
            }

            @Override
            public void readCompleted(long request, int generation) {
                told.add("read");
                Watcher caller = domain.all().iterator().next();
                domain.write(caller, 4, generation);
                assertThat(ioctl(caller, request, Ioctl.WAIT_WATCHERS, 0)).isEqualTo(Domain.PARKED);
            }

            @Override
            public void readFailed(long request, int errno) {
                told.add("read failed");
            }

            @Override
            public void waitCompleted(long request, int errnoOrZero) {
                told.add("wait " + errnoOrZero);
            }

            @Override
            public void wake(Watcher watcher) {
                told.add("wake " + watcher.id());
                for (Watcher other : domain.all()) {
                    if (other.id() > watcher.id()) {
                        domain.close(other);
                    }
                }
            }
        }
        domain = new Domain(Tracking.WRITERS, new Meddling());
        Watcher caller = writer();
        Watcher late = writer();
        Watcher closed = writer();
        domain.read(caller, 1, 4, false);
        domain.poll(late, true);
        domain.poll(closed, true);
        bump();
        assertThat(told).containsExactly("bumped", "read", "wake 2");
        assertThat(domain.parked()).isEqualTo(1);
        ack(late);
        assertThat(told).containsExactly("bumped", "read", "wake 2", "wait 0");
    }
}
