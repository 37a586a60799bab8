// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * All clones of one saved machine, and what they have in common.
 *
 * @param all at least two
 */
record Clones(List<Restored> all) {
    private static final List<String> PROTECTED = List.of("c-with", "java-with");
    private static final List<String> CONTROL = List.of("c-without", "java-without");

    /** Who needs a mapping is not among those on a kernel that has none. */
    private static final int ALL_CLIENTS = 5;

    private static final int UNMAPPED_CLIENTS = 3;

    /** The names of a program's tokens that at least two clones share. */
    private Set<String> repeated(String program) {
        Set<String> repeated = new TreeSet<>();
        for (String name : all.getFirst().tokensOf(program).keySet()) {
            Set<String> seen = new HashSet<>();
            for (Restored clone : all) {
                if (!seen.add(String.valueOf(clone.tokensOf(program).get(name)))) {
                    repeated.add(name);
                }
            }
        }
        return repeated;
    }

    private Set<String> names(String program) {
        return all.getFirst().tokensOf(program).keySet();
    }

    /** The programs that nobody tells draw the same in all clones: what the rest is worth. */
    void requireThatOthersRepeat() {
        for (String program : CONTROL) {
            assertThat(repeated(program)).as(program).isEqualTo(names(program));
        }
        for (Restored clone : all) {
            // Of the very last draw before the snapshot one clone may have seen the end, and the other one not.
            assertThat(repeatedDraws(clone, Restored.Draw::plain))
                    .as("draws of the JDK's generator")
                    .hasSizeGreaterThanOrEqualTo(Experiment.DRAWS - 1);
        }
    }

    /** Each clone has bumped once, and after that nobody who was told has drawn what another one has drawn. */
    void requireThatNoneRepeats() {
        requireThatNoneRepeats(ALL_CLIENTS);
    }

    /**
     * As {@link #requireThatNoneRepeats}, where the device cannot be mapped. What is drawn there is the kernel's too, which is
     * told before the daemon is.
     */
    void requireThatNoneRepeatsUnmapped() {
        requireThatNoneRepeats(UNMAPPED_CLIENTS);
        for (Restored clone : all) {
            long told = clone.time("log");
            assertThat(told).isPositive();
            assertThat(repeatedDraws(clone, Restored.Draw::guarded))
                    .as("numbers drawn after the kernel's line, but for one that was begun before")
                    .filteredOn(draw -> draw.nanos() >= told)
                    .hasSizeLessThanOrEqualTo(1);
        }
    }

    private void requireThatNoneRepeats(int clients) {
        for (Restored clone : all) {
            assertThat(clone.generation()).as("one bump").isEqualTo("1");
            assertThat(clone.tokensOf("c-with").values())
                    .as("each has renewed, and its mapping shows it, if it has one")
                    .hasSize(clients)
                    .allMatch(token -> token.endsWith(" 1 1"));
            long acked = clone.time("acked");
            assertThat(clone.drawn())
                    .filteredOn(draw -> draw.nanos() >= acked)
                    .hasSizeGreaterThanOrEqualTo(Experiment.LAST_DRAWS);
            assertThat(repeatedDraws(clone, Restored.Draw::guarded))
                    .as("numbers drawn after the last acknowledgement")
                    .noneMatch(draw -> draw.nanos() >= acked);
        }
        for (String program : PROTECTED) {
            assertThat(names(program)).hasSizeGreaterThanOrEqualTo(clients);
            assertThat(repeated(program)).as(program).isEmpty();
        }
    }

    /** From its first instruction on no clone has drawn what another one has drawn. */
    void requireNoWindow() {
        for (Restored clone : all) {
            assertThat(repeatedDraws(clone, Restored.Draw::guarded)).isEmpty();
        }
    }

    private interface Value {
        String of(Restored.Draw draw);
    }

    /** The draws of a clone that another one has made too. */
    private List<Restored.Draw> repeatedDraws(Restored clone, Value value) {
        Map<String, Integer> count = new HashMap<>();
        for (Restored other : all) {
            other.drawn().forEach(draw -> count.merge(value.of(draw), 1, Integer::sum));
        }
        return clone.drawn().stream()
                .filter(draw -> count.getOrDefault(value.of(draw), 0) > 1)
                .toList();
    }

    String describe() {
        StringBuilder text = new StringBuilder();
        for (List<String> programs : List.of(CONTROL, PROTECTED)) {
            for (String program : programs) {
                text.append("  %s: %d of %d repeat%n"
                        .formatted(
                                program,
                                repeated(program).size(),
                                names(program).size()));
            }
        }
        Set<String> kernels = new HashSet<>();
        all.forEach(clone -> kernels.add(clone.word("kernel", 2)));
        text.append("  the kernel's random number at the first look: %d different ones in %d clones%n"
                .formatted(kernels.size(), all.size()));
        for (Restored clone : all) {
            List<Restored.Draw> repeated = repeatedDraws(clone, Restored.Draw::guarded);
            text.append(String.format(
                    Locale.ROOT,
                    "  clone %d: of %d draws after the restore (the first after %.1f ms) another clone has made %d by the"
                            + " JDK's generator, %d by ours%s%n",
                    clone.number(),
                    Experiment.DRAWS,
                    (clone.drawn().getFirst().nanos() - clone.start()) / 1e6,
                    repeatedDraws(clone, Restored.Draw::plain).size(),
                    repeated.size(),
                    repeated.isEmpty()
                            ? ""
                            : ", the last of them after %.1f ms"
                                    .formatted((repeated.getLast().nanos() - clone.start()) / 1e6)));
        }
        return text.toString();
    }
}
