// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.core;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;

/** A domain under test, its effects written down, its clock in the test's hand. */
abstract class DomainFixture {
    static final Privilege ROOT = () -> true;
    static final Privilege NOBODY = () -> false;
    static final int MAX = -1;

    final RecordedEffects effects = new RecordedEffects();
    Domain domain = new Domain(Tracking.WRITERS, effects);
    long now = 1_000_000_000;

    void bump() {
        domain.bump(0, now);
    }

    Watcher writer() {
        return domain.open(true);
    }

    Watcher reader() {
        return domain.open(false);
    }

    int ack(Watcher watcher) {
        return domain.write(watcher, 4, domain.generation());
    }

    int ioctl(Watcher watcher, long request, int command, long argument) {
        return domain.ioctl(watcher, request, command, argument, ROOT, now);
    }

    void happened(String... expected) {
        assertThat(effects.taken()).isEqualTo(List.of(expected));
    }
}
