// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.security.ProviderException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The rules of a draw, one at a time. */
class GeneratorTest {
    private final TestGenerations generations = new TestGenerations();
    private final TestEntropy entropy = new TestEntropy();
    private final AesWhenWarm drbgs = new AesWhenWarm();

    private Generator generator(Unguarded unguarded, int stripes) {
        generations.unguarded = unguarded;
        return new Generator(generations, entropy, drbgs, stripes);
    }

    @Test
    void fillsEveryLengthAndNothingElse() {
        Generator generator = generator(Unguarded.MIX, 1);
        for (int length : new int[] {0, 1, 15, 16, 255, 256, 257, 4096, 65_535, 65_536, 65_537, 200_001}) {
            byte[] out = new byte[length + 32];
            generator.nextBytes(out, 16, length);
            assertThat(Arrays.copyOf(out, 16)).containsOnly(0);
            assertThat(Arrays.copyOfRange(out, 16 + length, out.length)).containsOnly(0);
            // 64 zero bytes in a row do not happen in random bytes: every part was written.
            for (int from = 16; from + 64 <= 16 + length; from += 64) {
                assertThat(Arrays.copyOfRange(out, from, from + 64)).isNotEqualTo(new byte[64]);
            }
        }
    }

    /** All of the longest request, in order, without such an array: the generator is told where, and writes nothing. */
    @Test
    void drawsTheLongestArrayInPieces() {
        long[] next = {5, 0};
        Drbg told = new Drbg() {
            @Override
            public void reseed(byte[] seed) {}

            @Override
            public void generate(byte[] out, int offset, int length) {
                assertThat(length).isBetween(1, MAX_REQUEST);
                assertThat(offset).isEqualTo((int) next[0]);
                next[0] += length;
                next[1]++;
            }

            @Override
            public void erase() {}

            @Override
            public Drbg copy() {
                return this;
            }
        };
        Drbgs only = new Drbgs() {
            @Override
            public Drbg first() {
                return told;
            }

            @Override
            public @Nullable Drbg better(Drbg current) {
                return null;
            }
        };
        Stripe stripe = new Stripe(entropy, only);
        assertThat(stripe.tryTake()).isTrue();
        stripe.draw(1, new byte[0], 5, Integer.MAX_VALUE - 5);
        assertThat(next[0]).isEqualTo(Integer.MAX_VALUE);
        assertThat(next[1]).isEqualTo(1 << 15);
    }

    @Test
    void isTheForetoldStreamWhileTheGenerationLasts() {
        Generator generator = generator(Unguarded.MIX, 1);
        draw(generator, 16);
        byte[] foretold = stripe(generator, 0).foretell(496);
        byte[] drawn = new byte[496];
        for (int i = 0; i < 496; i += 16) {
            generator.nextBytes(drawn, i, 16);
        }
        assertThat(drawn).isEqualTo(foretold);
    }

    /** As in clones that know of their restore before the kernel does. */
    @Test
    void clonesDifferThoughTheKernelGivesThemTheSame() {
        Entropy same = new Entropy() {
            @Override
            public void read(byte[] out, int offset, int length) {
                Arrays.fill(out, offset, offset + length, (byte) 1);
            }

            @Override
            public void close() {}
        };
        Set<Long> drawn = new HashSet<>();
        for (int clone = 0; clone < 1_000; clone++) {
            Stripe stripe = new Stripe(same, drbgs);
            assertThat(stripe.tryTake()).isTrue();
            drawn.add(stripe.drawLong(1));
        }
        assertThat(drawn).hasSize(1_000);
    }

    @Test
    void nothingOfAnyOldStateIsLeftAfterAChange() throws Exception {
        drbgs.warm();
        Generator generator = generator(Unguarded.MIX, 4);
        // Four stripes in four states of life: fresh, used, grown and on AES, and one after a long request.
        List<Stripe> stripes = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            onStripe(generator, i, 16);
            stripes.add(stripe(generator, i));
        }
        onStripe(generator, 1, 200);
        for (int i = 0; i < 2_000; i++) {
            onStripe(generator, 2, 256);
        }
        onStripe(generator, 3, 10_000);
        assertThat(stripes.get(0).drbg()).isInstanceOf(ChaChaDrbg.class);
        assertThat(stripes.get(2).drbg()).isInstanceOf(CtrDrbg.class);
        assertThat(stripes.get(3).drbg()).isInstanceOf(CtrDrbg.class);

        // The clone: what each stripe would give next if it were not told.
        Set<Long> foretold = new HashSet<>(); // asked directly: AssertJ would look at every element
        for (Stripe each : stripes) {
            byte[] future = each.foretell(40_000);
            for (int i = 0; i + 8 <= future.length; i++) {
                foretold.add(word(future, i));
            }
        }
        generations.bump();
        for (int i = 0; i < 4; i++) {
            for (int length : new int[] {16, 8, 256, 33, 5_000, 16}) {
                byte[] drawn = onStripe(generator, i, length);
                for (int at = 0; at + 8 <= drawn.length; at++) {
                    assertThat(foretold.contains(word(drawn, at))).isFalse();
                }
            }
        }
        // And the comparison can find something: without the change the same draws are the foretold ones.
        byte[] future = stripes.get(2).foretell(16);
        assertThat(onStripe(generator, 2, 16)).isEqualTo(Arrays.copyOf(future, 16));
    }

    @Test
    void theRestOfTheOldBufferIsOverwritten() {
        Generator generator = generator(Unguarded.MIX, 1);
        for (int i = 0; i < 1_000; i++) {
            draw(generator, 256);
        }
        Stripe stripe = stripe(generator, 0);
        assertThat(stripe.bufferSize()).isEqualTo(16_384);
        Set<Long> old = new HashSet<>();
        byte[] future = stripe.foretell(0);
        for (int i = 0; i + 8 <= future.length; i += 8) {
            old.add(word(future, i));
        }
        assertThat(old).hasSizeGreaterThan(16);
        generations.bump();
        draw(generator, 16);
        byte[] buffer = stripe.buffer();
        for (int i = 0; i + 8 <= buffer.length; i++) {
            assertThat(old.contains(word(buffer, i))).isFalse();
        }
    }

    @Test
    void bytesHandedOutAreOverwritten() {
        Generator generator = generator(Unguarded.MIX, 1);
        draw(generator, 64); // all that is made at first
        draw(generator, 100);
        generator.nextLong();
        generator.nextUuid();
        byte[] buffer = stripe(generator, 0).buffer();
        assertThat(Arrays.copyOf(buffer, 124)).containsOnly(0);
        assertThat(Arrays.copyOfRange(buffer, 124, 188)).isNotEqualTo(new byte[64]);
    }

    @Test
    void theBufferGrowsWithUse() {
        Generator generator = generator(Unguarded.MIX, 1);
        List<Integer> sizes = new ArrayList<>();
        for (int i = 0; i < 1_000; i++) {
            draw(generator, 256);
            int size = stripe(generator, 0).bufferSize();
            if (sizes.isEmpty() || sizes.get(sizes.size() - 1) != size) {
                sizes.add(size);
            }
        }
        assertThat(sizes).containsExactly(512, 4096, 16_384);
    }

    @Test
    void aChangeDuringADrawIsNoticedAndTheDrawRepeated() {
        Generator generator = generator(Unguarded.MIX, 1);
        int[] changes = {2};
        entropy.during = () -> {
            if (changes[0]-- > 0) {
                generations.bump();
            }
        };
        draw(generator, 16);
        assertThat(entropy.reads).hasValue(3);
        assertThat(stripe(generator, 0).stamp).isEqualTo(2);
        assertThat(generations.lastSeenHere()).isEqualTo(2);
    }

    @Test
    void afterThreeRoundsTheKernelAnswers() {
        Generator generator = generator(Unguarded.MIX, 1);
        generations.unknown = true;
        byte[] drawn = draw(generator, 16);
        assertThat(drawn).isNotEqualTo(new byte[16]);
        // Three seeds, and three tries of the kernel's own bytes.
        assertThat(entropy.reads).hasValue(6);
        assertThat(generator.nextLong()).isNotEqualTo(generator.nextLong());
        assertThat(generator.nextUuid()).isNotEqualTo(generator.nextUuid());
        generations.unknown = false;
        int before = entropy.reads.get();
        draw(generator, 16);
        draw(generator, 16);
        assertThat(entropy.reads).hasValue(before + 1);
    }

    @Test
    void withAllStripesTakenTheKernelAnswers() {
        Generator generator = generator(Unguarded.MIX, 2);
        onStripe(generator, 0, 16);
        onStripe(generator, 1, 16);
        assertThat(stripe(generator, 0).tryTake()).isTrue();
        assertThat(stripe(generator, 1).tryTake()).isTrue();
        int before = entropy.reads.get();
        assertThat(draw(generator, 16)).isNotEqualTo(new byte[16]);
        assertThat(entropy.reads).hasValue(before + 1);
        stripe(generator, 1).release();
        draw(generator, 16);
        assertThat(entropy.reads).hasValue(before + 1);
    }

    @Test
    void aFailingKernelIsAnExceptionAndNothingStaysTaken() {
        Generator generator = generator(Unguarded.MIX, 1);
        entropy.fails = true;
        assertThatThrownBy(() -> draw(generator, 16)).isInstanceOf(ProviderException.class);
        assertThatThrownBy(generator::nextLong).isInstanceOf(ProviderException.class);
        assertThatThrownBy(generator::nextUuid).isInstanceOf(ProviderException.class);
        assertThat(stripe(generator, 0).taken).isZero();
        entropy.fails = false;
        assertThat(draw(generator, 16)).isNotEqualTo(draw(generator, 16));
        // Seeded stripes outlive a failure that does not concern them; a change makes them need the kernel again.
        entropy.fails = true;
        draw(generator, 16);
        generations.bump();
        assertThatThrownBy(() -> draw(generator, 16)).isInstanceOf(ProviderException.class);
        entropy.fails = false;
        draw(generator, 16);
    }

    @Test
    void erasureLeavesNothingAndTheNextDrawIsSeededAnew() {
        drbgs.warm();
        Generator generator = generator(Unguarded.MIX, 2);
        onStripe(generator, 0, 16);
        onStripe(generator, 1, 5_000);
        onStripe(generator, 1, 16);
        byte[] future = stripe(generator, 1).foretell(64);
        generator.erase();
        for (int i = 0; i < 2; i++) {
            assertThat(stripe(generator, i).isErased()).isTrue();
            Drbg zero = stripe(generator, i).drbg() instanceof CtrDrbg ? newCtr() : new ChaChaDrbg();
            byte[] known = new byte[32];
            zero.generate(known, 0, 32);
            byte[] erased = new byte[32];
            stripe(generator, i).drbg().copy().generate(erased, 0, 32);
            assertThat(erased).isEqualTo(known);
        }
        assertThat(entropy.closes).hasValue(1);
        int before = entropy.reads.get();
        byte[] drawn = onStripe(generator, 1, 64);
        assertThat(entropy.reads).hasValue(before + 1);
        assertThat(drawn).isNotEqualTo(Arrays.copyOf(future, 64));
    }

    @Test
    void reseedMakesEveryStripeAskTheKernel() {
        Generator generator = generator(Unguarded.MIX, 2);
        onStripe(generator, 0, 16);
        onStripe(generator, 1, 16);
        generator.reseed();
        int before = entropy.reads.get();
        onStripe(generator, 0, 16);
        onStripe(generator, 1, 16);
        onStripe(generator, 1, 16);
        assertThat(entropy.reads).hasValue(before + 2);
    }

    @Test
    void whatTheCallerMixesInChangesWhatComesAndReplacesNothing() {
        Generator generator = generator(Unguarded.MIX, 1);
        draw(generator, 16);
        Drbg copy = stripe(generator, 0).drbg().copy();
        byte[] future = stripe(generator, 0).foretell(64);
        generator.mix(new byte[100]);
        byte[] mixed = draw(generator, 64);
        assertThat(mixed).isNotEqualTo(Arrays.copyOf(future, 64));
        for (int i = 0; i < 3; i++) {
            copy.reseed(new byte[Drbg.SEED]);
        }
        byte[] derived = new byte[512];
        copy.generate(derived, 0, 512);
        assertThat(mixed).isEqualTo(Arrays.copyOf(derived, 64));
    }

    @Test
    void unguardedEveryDrawReadsTheKernel() {
        generations.guarded = false;
        drbgs.warm();
        Generator generator = generator(Unguarded.MIX, 1);
        draw(generator, 16);
        assertThat(entropy.reads).hasValue(2);
        draw(generator, 300); // the stripe goes over to AES, which is one more seed
        for (int length : new int[] {1, 16, 256, 257, 100_000}) {
            int before = entropy.reads.get();
            Stripe stripe = stripe(generator, 0);
            byte[] future = stripe.foretell(64);
            byte[] drawn = draw(generator, length);
            assertThat(entropy.reads).as("%d bytes", length).hasValue(before + 1);
            if (length >= 16) {
                assertThat(Arrays.copyOf(drawn, 16)).isNotEqualTo(Arrays.copyOf(future, 16));
            }
        }
        int before = entropy.reads.get();
        generator.nextLong();
        generator.nextUuid();
        assertThat(entropy.reads).hasValue(before + 3);
    }

    @Test
    void unguardedAndStrictTheKernelIsAllThereIs() {
        generations.guarded = false;
        Generator generator = generator(Unguarded.STRICT, 1);
        draw(generator, 16);
        draw(generator, 5_000);
        assertThat(entropy.reads).hasValue(2);
        assertThat(generator.stripes()[0].isSeeded()).isFalse();
    }

    @Test
    void unguardedAndTrustingIsAsIfGuarded() {
        generations.guarded = false;
        Generator generator = generator(Unguarded.TRUST, 1);
        draw(generator, 16);
        draw(generator, 16);
        assertThat(entropy.reads).hasValue(1);
    }

    @Test
    void freshBytesReadTheKernelEvenWhereRestoresAreTold() {
        drbgs.warm();
        Generator generator = generator(Unguarded.MIX, 1);
        draw(generator, 1_000); // changes to AES, which reads the kernel once
        int before = entropy.reads.get();
        generator.nextFreshBytes(new byte[16]);
        generator.nextFreshBytes(new byte[1_000]);
        assertThat(entropy.reads).hasValue(before + 2);
    }

    @Test
    void theChoiceIsTheUsersAndAnUnknownWordIsTheStrictest() {
        String before = System.getProperty(Unguarded.PROPERTY);
        try {
            System.clearProperty(Unguarded.PROPERTY);
            assertThat(Unguarded.chosen()).isEqualTo(Unguarded.MIX);
            System.setProperty(Unguarded.PROPERTY, "trust");
            assertThat(Unguarded.chosen()).isEqualTo(Unguarded.TRUST);
            System.setProperty(Unguarded.PROPERTY, "strict");
            assertThat(Unguarded.chosen()).isEqualTo(Unguarded.STRICT);
            System.setProperty(Unguarded.PROPERTY, "trsut");
            assertThat(Unguarded.chosen()).isEqualTo(Unguarded.STRICT);
        } finally {
            if (before == null) {
                System.clearProperty(Unguarded.PROPERTY);
            } else {
                System.setProperty(Unguarded.PROPERTY, before);
            }
        }
    }

    @Test
    void thereAreFourStripesForEachProcessor() {
        int stripes = Generator.stripesHere();
        assertThat(stripes).isGreaterThanOrEqualTo(4 * Runtime.getRuntime().availableProcessors());
        assertThat(Integer.bitCount(stripes)).isEqualTo(1);
        assertThatThrownBy(() -> generator(Unguarded.MIX, 3)).hasMessageContaining("3");
    }

    private static CtrDrbg newCtr() {
        try {
            return new CtrDrbg();
        } catch (java.security.GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    private static byte[] draw(Generator generator, int length) {
        byte[] out = new byte[length];
        generator.nextBytes(out);
        return out;
    }

    /** Draws from stripe {@code index}, by taking those that would be found before it. */
    private byte[] onStripe(Generator generator, int index, int length) {
        int stripes = generator.stripes().length;
        List<Stripe> held = new ArrayList<>();
        int first = (int) Thread.currentThread().getId();
        for (int i = 0; i < stripes; i++) {
            int at = (first + i) & (stripes - 1);
            if (at == index) {
                break;
            }
            Stripe before = generator.stripes()[at];
            assertThat(before.tryTake()).isTrue();
            held.add(before);
        }
        byte[] out = draw(generator, length);
        held.forEach(Stripe::release);
        return out;
    }

    private static Stripe stripe(Generator generator, int index) {
        return generator.stripes()[index];
    }

    private static long word(byte[] bytes, int at) {
        return (ChaCha20.word(bytes, at) & 0xFFFF_FFFFL) | ((long) ChaCha20.word(bytes, at + 4) << 32);
    }
}
