// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.daemon.FakeKernel.Message;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class WakeAllTest {
    private static final long HIGHEST = 3000;

    private FakeKernel kernel;
    private Loop loop;
    private int memory;
    private StateFile state;

    @BeforeEach
    void begin() throws Exception {
        kernel = new FakeKernel();
        kernel.letWritesWait();
        loop = new Loop();
        memory = States.memory();
        state = StateFile.create(
                States.again(memory),
                true,
                0,
                new StateFile.DomainRecord(PageContent.first(0, 0, 0), 0, 0, 0666, 0, 0));
    }

    @AfterEach
    void end() {
        state.close();
        dev.sysgenid.linux.Unistd.close(memory);
        loop.close();
        kernel.close();
    }

    /** How many notifications come until the one for the lowest name, each for one less than the one before. */
    private CompletableFuture<Long> hear() {
        return CompletableFuture.supplyAsync(
                () -> {
                    long next = HIGHEST;
                    while (next > 0) {
                        Message message = kernel.next();
                        if (message == null) {
                            Thread.onSpinWait();
                            continue;
                        }
                        assertThat(message).returns(Message.POLL, Message::code).returns(next, each -> each.u64(0));
                        next--;
                    }
                    return HIGHEST;
                },
                task -> Thread.ofPlatform().daemon().start(task));
    }

    @Test
    void eachNameThatWasGivenTheLatestFirst() throws Exception {
        CompletableFuture<Long> heard = hear();
        state.doubt().setWakingAll(true);
        WakeAll.startIfDue(loop, kernel.connection, state, HIGHEST);
        loop.again(this::stopWhenDone);
        loop.run();
        assertThat(heard.get()).isEqualTo(HIGHEST);
        assertThat(kernel.all()).isEmpty();
    }

    private void stopWhenDone() {
        if (state.doubt().isWakingAll()) {
            loop.again(this::stopWhenDone);
        } else {
            loop.stop();
        }
    }

    @Test
    void notWhenThereIsNoNeed() {
        WakeAll.startIfDue(loop, kernel.connection, state, HIGHEST);
        loop.submit(loop::stop);
        loop.run();
        assertThat(kernel.all()).isEmpty();
    }

    /** A daemon that takes over before all are notified finds that it is to be done. */
    @Test
    void itIsNotedUntilItIsDone() throws Exception {
        state.doubt().setWakingAll(true);
        StateFile next = Objects.requireNonNull(StateFile.open(States.again(memory)));
        assertThat(next.doubt().isWakingAll()).isTrue();
        CompletableFuture<Long> heard = hear();
        WakeAll.startIfDue(loop, kernel.connection, next, HIGHEST);
        loop.again(this::stopWhenDone);
        loop.run();
        assertThat(heard.get()).isEqualTo(HIGHEST);
        next.close();
        assertThat(state.doubt().isWakingAll()).isFalse();
    }
}
