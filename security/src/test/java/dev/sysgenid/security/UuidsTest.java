// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** UUIDs and numbers: their form, their order, and that clones do not share them. */
class UuidsTest {
    private final TestGenerations generations = new TestGenerations();
    private final AtomicLong clock = new AtomicLong(1_800_000_000_000L);

    private Generator generator() {
        return new Generator(generations, new TestEntropy(), new AesWhenWarm(), 4);
    }

    @Test
    void version4IsRandomButForSixBits() {
        long ones = 0;
        long onesLow = 0;
        long zeros = -1;
        long zerosLow = -1;
        for (int i = 0; i < 1_000; i++) {
            UUID uuid = Uuids.v4();
            assertThat(uuid.version()).isEqualTo(4);
            assertThat(uuid.variant()).isEqualTo(2);
            ones |= uuid.getMostSignificantBits();
            zeros &= uuid.getMostSignificantBits();
            onesLow |= uuid.getLeastSignificantBits();
            zerosLow &= uuid.getLeastSignificantBits();
        }
        assertThat(ones).isEqualTo(~0xB000L);
        assertThat(zeros).isEqualTo(0x4000L);
        assertThat(onesLow).isEqualTo(~0x4000_0000_0000_0000L);
        assertThat(zerosLow).isEqualTo(0x8000_0000_0000_0000L);
    }

    @Test
    void version7HasTheTimeInFront() {
        UUID uuid = new TimeOrdered(generator(), clock::get).next();
        assertThat(uuid.version()).isEqualTo(7);
        assertThat(uuid.variant()).isEqualTo(2);
        assertThat(uuid.getMostSignificantBits() >>> 16).isEqualTo(1_800_000_000_000L);
        long before = System.currentTimeMillis();
        long time = Uuids.v7().getMostSignificantBits() >>> 16;
        assertThat(time).isGreaterThanOrEqualTo(before);
    }

    @Test
    void version7RisesWhateverTheClockDoes() {
        TimeOrdered timeOrdered = new TimeOrdered(generator(), clock::get);
        UUID last = timeOrdered.next();
        for (int i = 0; i < 200_000; i++) {
            if (i % 70_001 == 70_000) {
                clock.addAndGet(-5);
            }
            if (i % 5_000 == 4_999) {
                clock.incrementAndGet();
            }
            UUID next = timeOrdered.next();
            assertThat(next.compareTo(last)).isPositive();
            if (i % 100 == 0) {
                assertThat(next.toString().compareTo(last.toString())).isPositive();
            }
            last = next;
        }
    }

    @Test
    void version7OfTwoClonesDiffersEvenInTheSamePlaceOfTheSequence() {
        // Two machines that went on from one snapshot: the same clock, the same place; here the sequence is begun
        // twice.
        Generator generator = generator();
        Set<UUID> all = new HashSet<>();
        Set<Long> places = new HashSet<>();
        for (int clone = 0; clone < 2; clone++) {
            TimeOrdered timeOrdered = new TimeOrdered(generator, clock::get);
            generations.bump();
            for (int i = 0; i < 1_000; i++) {
                UUID uuid = timeOrdered.next();
                assertThat(all.add(uuid)).isTrue();
                places.add(uuid.getMostSignificantBits());
            }
        }
        assertThat(places).hasSizeLessThanOrEqualTo(1_000);
    }

    @Test
    void version7TakesItsRandomBitsAfterItsPlace() {
        // A restore between the two: the place is old, the random bits must not be.
        Generator generator = generator();
        generator.nextLong();
        byte[] old = new byte[0];
        for (Stripe stripe : generator.stripes()) {
            if (stripe.isSeeded()) {
                old = stripe.foretell(8);
            }
        }
        assertThat(old).isNotEmpty();
        UUID uuid = new TimeOrdered(generator, () -> {
                    generations.bump();
                    return clock.get();
                })
                .next();
        byte[] random = new byte[8];
        for (int i = 0; i < 8; i++) {
            random[i] = (byte) (uuid.getLeastSignificantBits() >>> (8 * i));
        }
        // 58 of the 64 bits: all but the last byte, and two bits of that.
        assertThat(Arrays.copyOf(random, 7)).isNotEqualTo(Arrays.copyOf(old, 7));
    }

    @Test
    void theRandomGeneratorGivesWhatTheInterfacePromises() {
        SnapshotSafeRandom random = SnapshotSafeRandom.instance();
        for (int i = 0; i < 1_000; i++) {
            assertThat(random.nextInt(10)).isBetween(0, 9);
            assertThat(random.nextDouble()).isBetween(0.0, 1.0);
        }
        assertThat(random.longs(100).distinct().count()).isEqualTo(100);
        byte[] bytes = new byte[64];
        random.nextBytes(bytes);
        assertThat(bytes).isNotEqualTo(new byte[64]);
        random.erase();
        assertThat(random.nextLong()).isNotEqualTo(random.nextLong());
    }
}
