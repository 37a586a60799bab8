// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.core.Tracking;
import dev.sysgenid.linux.Epoll;
import dev.sysgenid.linux.Poll;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** poll(2) and epoll(7). */
abstract non-sealed class PollConformance extends Topic {
    private static final int EVERYTHING = Poll.POLLIN
            | Poll.POLLPRI
            | Poll.POLLOUT
            | Poll.POLLRDNORM
            | Poll.POLLRDBAND
            | Poll.POLLWRNORM
            | Poll.POLLWRBAND
            | Poll.POLLRDHUP;
    private static final int LEVEL = Epoll.EPOLLIN | Epoll.EPOLLRDNORM | Epoll.EPOLLOUT;
    private static final int EDGE = LEVEL | Epoll.EPOLLET;

    PollConformance(Function<Tracking, DeviceUnderTest> devices) {
        super(devices);
    }

    @ParameterizedTest
    @ValueSource(ints = {RDONLY, WRONLY, RDWR})
    void showsWhatIsUnackedInAnyAccessModeAndNeverPOLLOUT(int mode) {
        OpenFile file = open(mode);
        assertThat(file.poll(EVERYTHING)).isZero();
        bump();
        assertThat(file.poll(EVERYTHING)).isEqualTo(READABLE);
        bump();
        assertThat(file.poll(EVERYTHING)).isEqualTo(READABLE);
        if (mode != RDONLY) {
            ack(file);
            assertThat(file.poll(EVERYTHING)).isZero();
        }
    }

    @Test
    void tellsWhatWasAskedFor() {
        OpenFile file = open();
        bump();
        assertThat(file.poll(Poll.POLLIN)).isEqualTo(Poll.POLLIN);
        assertThat(file.poll(Poll.POLLRDNORM)).isEqualTo(Poll.POLLRDNORM);
        assertThat(file.poll(Poll.POLLOUT)).isZero();
        assertThat(file.poll(0)).isZero();
    }

    @Test
    void aReadDoesNotClearItOnlyTheAckDoes() {
        OpenFile file = open();
        int generation = bump();
        assertThat(file.read(4)).isEqualTo(Outcome.delivered(generation));
        assertOutdated(file);
        ack(file);
        assertUpToDate(file);
    }

    @Test
    void pollBlocksUntilABump() {
        OpenFile file = open();
        Pending poll = file.startPoll(Poll.POLLIN);
        assertThat(poll.isParked()).isTrue();
        ack(file);
        assertThat(poll.isParked()).isTrue();
        bump();
        assertThat(poll.await()).isEqualTo(Outcome.of(Poll.POLLIN));
    }

    @Test
    void pollOfOneThatIsOutdatedReturnsAtOnce() {
        OpenFile file = open(RDONLY);
        bump();
        assertThat(file.startPoll(EVERYTHING).await()).isEqualTo(Outcome.of(READABLE));
    }

    @Test
    void aSignalInterruptsPoll() {
        OpenFile file = open();
        Pending poll = file.startPoll(Poll.POLLIN);
        assertThat(poll.isParked()).isTrue();
        poll.interrupt(Pending.Signal.PLAIN);
        assertThat(poll.await()).isEqualTo(INTERRUPTED);
    }

    @Test
    void everyPollerOfADescriptionIsWoken() {
        OpenFile file = open();
        Pending one = file.startPoll(Poll.POLLIN);
        Pending two = file.dup().startPoll(Poll.POLLIN);
        Poller poller = device().poller();
        poller.add(file, LEVEL);
        Pending three = poller.startWait();
        assertThat(one.isParked()).isTrue();
        assertThat(two.isParked()).isTrue();
        assertThat(three.isParked()).isTrue();
        bump();
        assertThat(one.await()).isEqualTo(Outcome.of(Poll.POLLIN));
        assertThat(two.await()).isEqualTo(Outcome.of(Poll.POLLIN));
        assertThat(three.await()).isEqualTo(Outcome.of(1));
    }

    @ParameterizedTest
    @ValueSource(ints = {RDONLY, WRONLY, RDWR})
    void levelTriggeredTellsUntilTheAck(int mode) {
        OpenFile file = open(mode);
        Poller poller = device().poller();
        poller.add(file, LEVEL);
        assertThat(poller.ready()).isEmpty();
        bump();
        assertThat(poller.ready()).containsExactly(READABLE);
        assertThat(poller.ready()).containsExactly(READABLE);
        bump();
        assertThat(poller.ready()).containsExactly(READABLE);
        if (mode != RDONLY) {
            ack(file);
            assertThat(poller.ready()).isEmpty();
            bump();
            assertThat(poller.ready()).containsExactly(READABLE);
        }
    }

    @Test
    void anAckBeforeTheWaitTakesTheEventBack() {
        OpenFile file = open();
        Poller level = device().poller();
        Poller edge = device().poller();
        level.add(file, LEVEL);
        edge.add(file, EDGE);
        bump();
        ack(file);
        assertThat(level.ready()).isEmpty();
        assertThat(edge.ready()).isEmpty();
        bump();
        assertThat(level.ready()).containsExactly(READABLE);
        assertThat(edge.ready()).containsExactly(READABLE);
    }

    @Test
    void edgeTriggeredTellsEveryBumpOnceAlsoWhenTheEarlierIsUnacked() {
        OpenFile file = open();
        Poller poller = device().poller();
        poller.add(file, EDGE);
        assertThat(poller.ready()).isEmpty();
        for (int i = 0; i < 5; i++) {
            bump();
            assertThat(poller.ready()).containsExactly(READABLE);
            assertThat(poller.ready()).isEmpty();
            if (i == 2) {
                ack(file);
                assertThat(poller.ready()).isEmpty();
            }
        }
    }

    @Test
    void severalBumpsBeforeAWaitAreOneEdge() {
        OpenFile file = open();
        Poller poller = device().poller();
        poller.add(file, EDGE);
        bump();
        bump();
        bump();
        assertThat(poller.ready()).containsExactly(READABLE);
        assertThat(poller.ready()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = {LEVEL, EDGE})
    void whatIsOutdatedWhenItIsAddedIsToldAtOnceAndLosesNoLaterEvent(int events) {
        OpenFile file = open();
        bump();
        Poller poller = device().poller();
        poller.add(file, events);
        assertThat(poller.ready()).containsExactly(READABLE);
        bump();
        assertThat(poller.ready()).containsExactly(READABLE);
        ack(file);
        assertThat(poller.ready()).isEmpty();
        Pending wait = poller.startWait();
        assertThat(wait.isParked()).isTrue();
        bump();
        assertThat(wait.await()).isEqualTo(Outcome.of(1));
    }

    @ParameterizedTest
    @ValueSource(ints = {LEVEL, EDGE})
    void epollWaitBlocksUntilABump(int events) {
        OpenFile one = open();
        OpenFile two = open(RDONLY);
        Poller poller = device().poller();
        poller.add(one, events);
        poller.add(two, events);
        Pending wait = poller.startWait();
        assertThat(wait.isParked()).isTrue();
        bump();
        assertThat(wait.await().result()).isBetween(1L, 2L);
    }

    @Test
    void everyFileOfASetIsTold() {
        OpenFile one = open();
        OpenFile two = open(RDONLY);
        Poller poller = device().poller();
        poller.add(one, LEVEL);
        poller.add(two, EDGE);
        bump();
        assertThat(poller.ready()).containsExactly(READABLE, READABLE);
        assertThat(poller.ready()).as("the one at its level").containsExactly(READABLE);
        ack(one);
        assertThat(poller.ready()).isEmpty();
    }

    @Test
    void whatWasRemovedOrClosedIsNotTold() {
        OpenFile removed = open();
        OpenFile closed = open();
        Poller poller = device().poller();
        poller.add(removed, LEVEL);
        poller.add(closed, LEVEL);
        poller.remove(removed);
        closed.close();
        bump();
        assertThat(poller.ready()).isEmpty();
        assertOutdated(removed);
    }

    @Test
    void manyAreWokenByOneBump() {
        Poller poller = device().poller();
        for (int i = 0; i < 50; i++) {
            poller.add(open(), EDGE);
        }
        assertThat(poller.ready()).isEmpty();
        bump();
        assertThat(poller.ready()).hasSize(50).containsOnly(READABLE);
        assertThat(poller.ready()).isEmpty();
    }
}
