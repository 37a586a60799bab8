// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Stripes that are never given back, and draws for which there is no stack. */
class LostStripeTest {
    private final TestGenerations generations = new TestGenerations();
    private final Generator generator = new Generator(generations, new TestEntropy(), new AesWhenWarm(), 4);

    @Test
    @Timeout(120)
    void aStripeThatIsNeverGivenBackHoldsUpNoErasure() {
        for (int i = 0; i < 64; i++) {
            long unused = generator.nextLong();
        }
        Stripe lost = generator.stripes()[1];
        assertThat(lost.tryTake()).isTrue();

        generator.erase(TimeUnit.MILLISECONDS.toNanos(50));

        for (Stripe each : generator.stripes()) {
            assertThat(each).isNotSameAs(lost);
            assertThat(each.isErased()).isTrue();
            assertThat(each.tryTake()).isTrue();
            each.release();
        }
        // Its holder was only slow: what it gives back is used by nobody.
        lost.release();
        lost.expire();
        drawWithEachStripe();
        assertThat(lost.isSeeded()).isFalse();
        for (Stripe each : generator.stripes()) {
            assertThat(each.isSeeded()).isTrue();
        }
    }

    private void drawWithEachStripe() {
        List<Stripe> taken = new ArrayList<>();
        for (int i = 0; i < generator.stripes().length; i++) {
            long unused = generator.nextLong();
            for (Stripe each : generator.stripes()) {
                if (each.isSeeded() && !taken.contains(each)) {
                    assertThat(each.tryTake()).isTrue();
                    taken.add(each);
                }
            }
        }
        taken.forEach(Stripe::release);
    }

    /** Draws wherever there is just not enough stack for it. */
    @SuppressWarnings("InfiniteRecursion") // until there is none
    private void dive(Runnable draw) {
        try {
            dive(draw);
        } finally {
            draw.run();
        }
    }

    @Test
    void aDrawWithoutStackLeavesEveryStripeUsable() throws Exception {
        byte[] bytes = new byte[40];
        List<Runnable> draws = List.of(
                () -> generator.nextBytes(bytes),
                () -> generator.nextLong(),
                () -> generator.nextUuid(),
                () -> generator.mix(bytes),
                () -> generator.nextFreshBytes(new byte[300]));
        List<Throwable> thrown = Collections.synchronizedList(new ArrayList<>());
        for (Runnable each : draws) {
            Thread diver = new Thread(
                    null,
                    () -> {
                        try {
                            dive(each);
                        } catch (StackOverflowError e) {
                            thrown.add(e);
                        }
                    },
                    "diver",
                    200_000);
            diver.start();
            diver.join();
            generations.bump();
        }
        assertThat(thrown).hasSize(draws.size());
        generator.erase(0); // replaces what was lost
        drawWithEachStripe();
    }
}
