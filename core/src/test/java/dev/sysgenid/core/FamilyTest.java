// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sysgenid.abi.Generation;
import dev.sysgenid.abi.Ioctl;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The domain of a machine and those of its containers. */
class FamilyTest {
    private static final Privilege ROOT = () -> true;

    /** What happened in which domain, in order. */
    private final List<String> told = new ArrayList<>();

    private final Domain machine = new Domain(Tracking.WRITERS, new Told("machine"));
    private final Domain one = new Domain(machine, new Told("one"), 7, 0);
    private final Domain two = new Domain(machine, new Told("two"), 0, 0);

    private final class Told implements Effects {
        private final String name;

        Told(String name) {
            this.name = name;
        }

        @Override
        public void bumped(int generation) {
            told.add(name + " bumped " + Integer.toUnsignedString(generation));
        }

        @Override
        public void bumpedFromAbove(int generation) {
            told.add(name + " follows " + Integer.toUnsignedString(generation));
            for (Domain domain : List.of(machine, one, two)) {
                for (Watcher watcher : domain.all()) {
                    assertThat(watcher.outdated())
                            .as("%s when %s is told", watcher, name)
                            .isTrue();
                }
            }
        }

        @Override
        public void readCompleted(long request, int generation) {
            told.add(name + " read " + request + " gets " + Integer.toUnsignedString(generation));
        }

        @Override
        public void readFailed(long request, int errno) {
            told.add(name + " read " + request + " fails with " + errno);
        }

        @Override
        public void waitCompleted(long request, int errnoOrZero) {
            told.add(name + " wait " + request + " ends with " + errnoOrZero);
        }

        @Override
        public void wake(Watcher watcher) {
            told.add(name + " wakes " + watcher.id());
        }
    }

    private void happened(String... expected) {
        assertThat(told).containsExactly(expected);
        told.clear();
    }

    @Test
    void aBumpOfOneDisturbsNobodyElse() {
        Watcher ofMachine = machine.open(true);
        Watcher ofOne = one.open(true);
        Watcher ofTwo = two.open(true);
        machine.read(ofMachine, 1, 4, false);
        one.read(ofOne, 2, 4, false);
        two.read(ofTwo, 3, 4, false);
        machine.poll(ofMachine, true);
        two.poll(ofTwo, true);

        one.bump(0, 5);

        happened("one bumped 8", "one read 2 gets 8");
        assertThat(ofOne.outdated()).isTrue();
        assertThat(ofMachine.outdated()).isFalse();
        assertThat(ofTwo.outdated()).isFalse();
        assertThat(machine.generation()).isZero();
        assertThat(two.generation()).isZero();
        assertThat(machine.outdated()).isZero();
        assertThat(machine.parkedInAll()).isEqualTo(2);
    }

    @Test
    void aBumpOfTheMachineIsOneStepInAll() {
        Watcher ofMachine = machine.open(true);
        Watcher ofOne = one.open(true);
        Watcher ofTwo = two.open(true);
        Watcher late = two.open(true);
        machine.read(ofMachine, 1, 4, false);
        one.read(ofOne, 2, 4, false);
        one.poll(ofOne, true);
        two.poll(ofTwo, true);
        machine.poll(ofMachine, true);
        assertThat(late.id()).as("one row of numbers").isEqualTo(4);

        machine.bump(100, 5);

        happened(
                "machine bumped 100",
                "one follows 8",
                "two follows 1",
                "machine read 1 gets 100",
                "one read 2 gets 8",
                "machine wakes 1",
                "one wakes 2",
                "two wakes 3");
        assertThat(two.outdated()).isEqualTo(2);
        assertThat(two.outdatedSince(late)).isEqualTo(5);
        assertThat(one.serial()).isEqualTo(1);
    }

    @Test
    void whoWaitsForADomainWaitsForThatOneOnly() {
        Watcher ofMachine = machine.open(true);
        Watcher waiter = machine.open(false);
        Watcher ofOne = one.open(true);
        machine.bump(0, 1);
        happened("machine bumped 1", "one follows 8", "two follows 1");
        machine.write(waiter, 4, 1);
        assertThat(machine.ioctl(waiter, 9, Ioctl.WAIT_WATCHERS, 0, ROOT, 1)).isEqualTo(Domain.PARKED);

        one.write(ofOne, 4, 8);
        happened();
        machine.write(ofMachine, 4, 1);
        happened("machine wait 9 ends with 0");
    }

    @Test
    void signalsAndTimesFindTheirRequestInAnyDomain() {
        Watcher ofOne = one.open(true);
        Watcher waiter = one.open(false);
        Watcher ofTwo = two.open(true);
        one.bump(0, 0);
        one.write(waiter, 4, one.generation());
        one.ioctl(waiter, 1, Ioctl.WAIT_WATCHERS, 3, ROOT, 0);
        two.read(ofTwo, 2, 4, false);
        told.clear();
        assertThat(machine.nextDeadline()).isEqualTo(3_000_000);

        assertThat(one.interrupt(2)).isTrue();
        assertThat(machine.interrupt(2)).isFalse();
        machine.expire(3_000_000);

        happened("two read 2 fails with 4", "one wait 1 ends with 62");
        assertThat(two.nextDeadline()).isEqualTo(Long.MAX_VALUE);
        assertThat(ofOne.outdated()).isTrue();
        assertThat(machine.parkedInAll()).isZero();
    }

    @Test
    void noTwoRequestsOfAnyDomainHaveOneNumber() {
        one.read(one.open(true), 1, 4, false);
        Watcher other = two.open(true);
        assertThatThrownBy(() -> two.read(other, 1, 4, false)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void whatIsRemovedIsBumpedNoMore() {
        Watcher watcher = one.open(true);
        assertThatThrownBy(one::remove).isInstanceOf(IllegalStateException.class);
        one.close(watcher);
        one.remove();
        machine.bump(0, 1);
        happened("machine bumped 1", "two follows 1");
        assertThatThrownBy(machine::remove).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> new Domain(two, new Told("three"), 0, 0)).isInstanceOf(IllegalArgumentException.class);
    }

    /** What a daemon reckons that has noted only the bumps of the machine is what the domain has counted. */
    @Test
    void theGenerationFollowsFromTheBumpsOfTheMachine() {
        for (long start : new long[] {0, 1, 7, 0xffff_fffdL, 0xffff_ffffL, 0x7_ffff_fffeL}) {
            Domain below = new Domain(machine, new Told("below"), (int) start, 0);
            long wide = start;
            for (int bumps = 1; bumps < 10; bumps++) {
                machine.bump(0, bumps);
                wide = Generation.widen(wide, below.generation());
                assertThat(Generation.advance(start, bumps)).isEqualTo(wide);
            }
            below.remove();
        }
    }
}
