// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.abi.Ioctl;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Shows that watchers that are merely there cost nothing, by what the domain can reach and whom it tells; no time is
 * measured.
 */
class CostTest extends DomainFixture {
    private static final int MANY = 100_000;

    /**
     * Many watchers of whom the domain keeps nothing but counts: the list of all is all that leads to them, and it is cut.
     * What is still right afterwards was done without visiting them.
     */
    private List<Watcher> unreachable(int count) {
        List<Watcher> watchers = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            watchers.add(writer());
        }
        watchers.forEach(watcher -> watcher.next = null);
        watchers.forEach(watcher -> watcher.previous = null);
        return watchers;
    }

    @Test
    void aBumpVisitsNoIdleWatcher() {
        List<Watcher> watchers = unreachable(MANY);
        assertThat(domain.all()).hasSizeLessThan(2);
        bump();
        happened();
        assertThat(domain.outdated()).isEqualTo(MANY);
        assertThat(watchers).allMatch(Watcher::outdated);
    }

    @Test
    void anAckVisitsNoOtherWatcher() {
        List<Watcher> watchers = unreachable(MANY);
        bump();
        Watcher waiter = writer();
        ioctl(waiter, 1, Ioctl.WAIT_WATCHERS, 0);
        for (Watcher watcher : watchers) {
            happened();
            ack(watcher);
        }
        happened(RecordedEffects.waited(1, 0));
        assertThat(domain.outdated()).isZero();
    }

    @Test
    void aBumpTellsOnlyThoseWhoWaitOrAsked() {
        List<Watcher> watchers = unreachable(MANY);
        Watcher late = watchers.get(500);
        bump();
        watchers.stream().filter(watcher -> watcher != late).forEach(this::ack);
        domain.read(watchers.get(10), 1, 4, false);
        domain.poll(watchers.get(99_999), true);
        ioctl(watchers.get(70_000), 2, Ioctl.WAIT_WATCHERS, 0);
        bump();
        happened(RecordedEffects.read(1, 2), RecordedEffects.woken(100_000), RecordedEffects.waited(2, Errors.EINTR));
    }

    @Test
    void openAndCloseTouchOnlyTheirNeighboursInTheList() {
        Watcher one = writer();
        Watcher two = writer();
        Watcher three = writer();
        one.previous = three; // a trap: whoever walked the list would go round for ever
        three.next = one;
        domain.close(two);
        assertThat(one.next).isSameAs(three);
        assertThat(three.previous).isSameAs(one);
        assertThat(domain.watchers()).isEqualTo(2);
    }

    @Test
    void anIdleWatcherIsOneSmallObject() {
        int bytes = Stream.of(Watcher.class.getDeclaredFields())
                .filter(field -> !Modifier.isStatic(field.getModifiers()))
                .mapToInt(CostTest::bytes)
                .sum();
        assertThat(bytes).as("bytes of its fields, with references of 8 bytes").isLessThanOrEqualTo(80);
        assertThat(Watcher.class.getSuperclass()).isEqualTo(Object.class);
    }

    @Test
    void idleWatchersOwnNothing() throws IllegalAccessException {
        Watcher one = writer();
        Watcher two = writer();
        bump();
        ack(one);
        ack(two);
        List<Object> shared = new ArrayList<>();
        for (Field field : Watcher.class.getDeclaredFields()) {
            if (!field.getType().isPrimitive() && !Modifier.isStatic(field.getModifiers())) {
                field.setAccessible(true);
                Object value = field.get(one);
                if (value != null && value != two) {
                    assertThat(field.get(two)).as(field.getName()).isSameAs(value);
                    shared.add(value);
                }
            }
        }
        assertThat(shared).as("the domain and the epoch").hasSize(2);
    }

    private static int bytes(Field field) {
        Class<?> type = field.getType();
        return type == boolean.class ? 1 : type == int.class ? 4 : 8;
    }
}
