// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sysgenid.abi.Ioctl;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class LifetimeTest extends DomainFixture {
    @Test
    void watchersAreNumberedAndListedInOrderOfOpening() {
        Watcher one = writer();
        Watcher two = reader();
        Watcher three = writer();
        assertThat(List.of(one.id(), two.id(), three.id())).containsExactly(1L, 2L, 3L);
        assertThat(domain.all()).containsExactly(one, two, three);
        domain.close(two);
        assertThat(domain.all()).containsExactly(one, three);
        Watcher four = writer();
        assertThat(four.id()).isEqualTo(4);
        domain.close(one);
        assertThat(domain.all()).containsExactly(three, four);
        domain.close(four);
        assertThat(domain.all()).containsExactly(three);
        domain.close(three);
        assertThat(domain.all()).isEmpty();
        assertThat(domain.watchers()).isZero();
        Watcher five = writer();
        assertThat(domain.all()).containsExactly(five);
    }

    /** A domain that continues another: who was late is late, who was not is not, and nothing is counted anew. */
    @Test
    void watchersAreResumed() {
        RecordedEffects told = new RecordedEffects();
        Domain next = new Domain(Tracking.WRITERS, told, 7, 3, 20);
        Watcher late = next.resume(4, true, true, 5, 100);
        Watcher current = next.resume(9, true, true, 7, Long.MAX_VALUE);
        Watcher lateToo = next.resume(10, true, false, 7, 200);
        assertThat(next.all()).containsExactly(late, current, lateToo);
        assertThat(next.generation()).isEqualTo(7);
        assertThat(next.serial()).isEqualTo(3);
        assertThat(next.tracked()).isEqualTo(2);
        assertThat(next.outdated()).isEqualTo(1);
        assertThat(late.acknowledged()).isEqualTo(5);
        assertThat(next.outdatedSince(late)).isEqualTo(100);
        assertThat(lateToo.outdated()).as("whatever the numbers say").isTrue();
        assertThat(current.outdated()).isFalse();
        assertThat(next.write(late, 4, 7)).isEqualTo(4);
        assertThat(next.outdated()).isZero();
        assertThat(next.open(false).id()).isEqualTo(21);
        assertThatThrownBy(() -> next.resume(21, true, true, 7, Long.MAX_VALUE))
                .isInstanceOf(IllegalArgumentException.class);
    }

    /** What an owner must note is told before a WAIT can end because of it. */
    @Test
    void changesAreToldBeforeTheirConsequences() {
        List<String> told = new ArrayList<>();
        Domain[] domain = new Domain[1];
        domain[0] = new Domain(Tracking.WRITERS, new Effects() {
            @Override
            public void changed(Watcher watcher) {
                told.add("changed " + watcher.id() + " " + domain[0].outdated() + " " + watcher.tracked());
            }

            @Override
            public void bumped(int generation) {}

            @Override
            public void readCompleted(long request, int generation) {}

            @Override
            public void readFailed(long request, int errno) {}

            @Override
            public void waitCompleted(long request, int errnoOrZero) {
                told.add("wait " + request + " " + errnoOrZero);
            }

            @Override
            public void wake(Watcher watcher) {}
        });
        Watcher one = domain[0].open(true);
        Watcher other = domain[0].open(true);
        domain[0].bump(0, 1);
        domain[0].write(one, 4, 1);
        domain[0].ioctl(one, 1, Ioctl.WAIT_WATCHERS, 0, () -> true, 2);
        domain[0].write(other, 4, 1);
        domain[0].write(other, 4, 1);
        domain[0].bump(0, 3);
        domain[0].write(one, 4, 2);
        domain[0].ioctl(one, 2, Ioctl.WAIT_WATCHERS, 0, () -> true, 4);
        domain[0].ioctl(other, 3, Ioctl.SET_WATCHER_TRACKING, 1, () -> true, 5);
        domain[0].ioctl(other, 3, Ioctl.SET_WATCHER_TRACKING, 0, () -> true, 5);
        assertThat(told)
                .containsExactly(
                        "changed 1 1 true",
                        "changed 2 0 true",
                        "wait 1 0",
                        "changed 1 1 true",
                        "changed 2 0 false",
                        "wait 2 0");
    }

    @Test
    void theListCanBeClosedWhileItIsGoneThrough() {
        writer();
        writer();
        writer();
        List<Long> closed = new ArrayList<>();
        for (Watcher watcher : domain.all()) {
            closed.add(watcher.id());
            domain.close(watcher);
        }
        assertThat(closed).containsExactly(1L, 2L, 3L);
        assertThat(domain.watchers()).isZero();
    }

    @Test
    void theListEnds() {
        assertThatThrownBy(() -> domain.all().iterator().next()).isInstanceOf(NoSuchElementException.class);
    }

    @Test
    void aCloseCountsOnce() {
        Watcher one = writer();
        writer();
        bump();
        domain.close(one);
        domain.close(one);
        assertThat(domain.watchers()).isEqualTo(1);
        assertThat(domain.tracked()).isEqualTo(1);
        assertThat(domain.outdated()).isEqualTo(1);
    }

    @Test
    void aClosedWatcherIsNothingAnyMore() {
        Watcher watcher = writer();
        bump();
        domain.close(watcher);
        assertThat(watcher.state()).isEqualTo(Watcher.State.CLOSED);
        assertThat(watcher.outdated()).isFalse();
        assertThat(watcher.tracked()).isFalse();
        List<ThrowingCallable> calls = List.of(
                () -> domain.read(watcher, 1, 4, true),
                () -> domain.write(watcher, 4, 1),
                () -> domain.poll(watcher, true),
                () -> domain.outdatedSince(watcher),
                () -> ioctl(watcher, 1, Ioctl.V4_GET_OUTDATED_WATCHERS, 0));
        for (ThrowingCallable call : calls) {
            assertThatThrownBy(call)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("watcher 1 (CLOSED, acked 0)");
        }
    }

    @Test
    void aWatcherBelongsToOneDomain() {
        Watcher stranger = new Domain(Tracking.WRITERS, effects).open(true);
        assertThatThrownBy(() -> domain.write(stranger, 4, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageEndingWith(" of another domain");
        assertThatThrownBy(() -> domain.close(stranger)).isInstanceOf(IllegalArgumentException.class);
        assertThat(stranger.state()).isEqualTo(Watcher.State.CURRENT);
    }

    @Test
    void aCloseEndsItsOwnRequestsAndNobodyElses() {
        writer();
        bump();
        Watcher one = writer();
        Watcher two = writer();
        domain.read(one, 1, 4, false);
        domain.read(two, 2, 4, false);
        ioctl(one, 3, Ioctl.WAIT_WATCHERS, 5);
        ioctl(two, 4, Ioctl.WAIT_WATCHERS, 9);
        domain.read(one, 5, 4, false);
        domain.close(one);
        happened(
                RecordedEffects.failed(1, Errors.EINTR),
                RecordedEffects.failed(5, Errors.EINTR),
                RecordedEffects.waited(3, Errors.EINTR));
        assertThat(domain.parked()).isEqualTo(2);
        assertThat(domain.nextDeadline()).isEqualTo(now + 9_000_000);
        domain.close(two);
        happened(RecordedEffects.failed(2, Errors.EINTR), RecordedEffects.waited(4, Errors.EINTR));
        assertThat(domain.parked()).isZero();
    }

    @Test
    void aClosedWatcherIsNotWoken() {
        Watcher watcher = writer();
        domain.poll(watcher, true);
        domain.close(watcher);
        bump();
        happened();
    }

    @Test
    void outdatedSinceTheFirstBumpNotAcked() {
        Watcher one = writer();
        assertThat(domain.outdatedSince(one)).isEqualTo(Long.MAX_VALUE);
        domain.bump(0, 100);
        Watcher two = writer();
        for (long time = 200; time < 1_000_000; time += 100) {
            domain.bump(0, time);
        }
        assertThat(domain.outdatedSince(one)).isEqualTo(100);
        assertThat(domain.outdatedSince(two)).isEqualTo(200);
        ack(one);
        assertThat(domain.outdatedSince(one)).isEqualTo(Long.MAX_VALUE);
        domain.bump(0, 2_000_000);
        assertThat(domain.outdatedSince(one)).isEqualTo(2_000_000);
        assertThat(domain.outdatedSince(two)).isEqualTo(200);
    }

    @Test
    void keepsWhatItsOwnerAttaches() {
        Watcher watcher = writer();
        assertThat(watcher.attachment(String.class)).isNull();
        watcher.attach("mine");
        assertThat(watcher.attachment(String.class)).isEqualTo("mine");
        assertThatThrownBy(() -> watcher.attachment(Integer.class)).isInstanceOf(ClassCastException.class);
        watcher.attach(null);
        assertThat(watcher.attachment(String.class)).isNull();
    }

    @Test
    void saysWhatItIs() {
        domain = new Domain(Tracking.WRITERS, effects, MAX);
        Watcher watcher = writer();
        assertThat(watcher).hasToString("watcher 1 (CURRENT, tracked, acked 4294967295)");
        bump();
        assertThat(watcher).hasToString("watcher 1 (OUTDATED, tracked, acked 4294967295)");
        domain.close(watcher);
        assertThat(watcher).hasToString("watcher 1 (CLOSED, acked 4294967295)");
    }
}
