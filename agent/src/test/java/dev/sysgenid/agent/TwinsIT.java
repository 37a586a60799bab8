// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.agent.mends.Mends;
import dev.sysgenid.agent.program.Twin;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Each mend, in fresh JVMs: two in which every state was made the same draw different things after a change; and the same
 * things without the agent, and with the agent and without the mends.
 */
class TwinsIT {
    /** Mends by instructions inside methods; they also cover what is held elsewhere, and are left out for the others. */
    private static final List<String> HOOKS = List.of("secure-random", "random", "thread-local-random");

    /** What names of more than one state begin with stands for their mend. */
    private static String mend(String state) {
        return Mends.all().stream()
                .map(Mend::name)
                .filter(name -> state.equals(name) || state.startsWith(name + "-") || state.startsWith(name + "$"))
                .max(Comparator.comparingInt(String::length))
                .orElseThrow(() -> new AssertionError("no mend for " + state));
    }

    /** What each of two such JVMs draws, after a change where there is an agent. */
    private record Pair(Map<String, String> one, Map<String, String> other) {}

    private static Pair pair(Jdks jdk, List<String> jvmOptions, boolean agent) throws Exception {
        List<String> options = new ArrayList<>(Jvm.OPENED);
        options.addAll(jvmOptions);
        try (Jvm one = Jvm.start(jdk.java(), options, Twin.class);
                Jvm other = Jvm.start(jdk.java(), options, Twin.class)) {
            return new Pair(draw(one, agent), draw(other, agent));
        }
    }

    private static Map<String, String> draw(Jvm twin, boolean agent) throws IOException, InterruptedException {
        twin.awaitLine("forced");
        if (agent) {
            twin.bump(1);
            String line = twin.awaitLine("sysgenid agent: generation 1: ");
            assertThat(line).endsWith(" 0 mends skipped, 0 failed");
        }
        twin.send("go");
        assertThat(twin.awaitExit()).as(twin.output()).isZero();
        Map<String, String> drawn = new LinkedHashMap<>();
        for (String line : twin.output().split("\n", -1)) {
            if (line.matches("[a-zA-Z0-9$-]+=.*")) {
                drawn.put(line.substring(0, line.indexOf('=')), line.substring(line.indexOf('=') + 1));
            }
        }
        assertThat(twin.output()).endsWith("done");
        return drawn;
    }

    @TestFactory
    Stream<DynamicNode> withEachMendTheTwinsDiffer() throws Exception {
        List<DynamicNode> tests = new ArrayList<>();
        for (Jdks jdk : Jdks.here()) {
            String others = "report,without=" + String.join("+", HOOKS);
            String hooks = "report,only=provider+" + String.join("+", HOOKS);
            Pair byHook = pair(jdk, List.of(Jvm.agent(hooks)), true);
            Pair byOther = pair(jdk, List.of(Jvm.agent(others)), true);
            byHook.one.forEach((state, value) -> {
                if (HOOKS.contains(mend(state)) || state.equals("provider")) {
                    tests.add(DynamicTest.dynamicTest(
                            jdk + " " + state, () -> assertThat(value).isNotEqualTo(byHook.other.get(state))));
                }
            });
            byOther.one.forEach((state, value) -> {
                if (!HOOKS.contains(mend(state))) {
                    tests.add(DynamicTest.dynamicTest(
                            jdk + " " + state, () -> assertThat(value).isNotEqualTo(byOther.other.get(state))));
                }
            });
            Set<String> tested = new TreeSet<>();
            byOther.one.keySet().forEach(state -> tested.add(mend(state)));
            tests.add(DynamicTest.dynamicTest(
                    jdk + " every mend has a state here",
                    () -> assertThat(tested)
                            .isEqualTo(new TreeSet<>(
                                    Mends.all().stream().map(Mend::name).toList()))));
        }
        return tests.stream();
    }

    private static final List<String> EGD = List.of("-Djava.security.egd=file:/dev/./urandom");

    static List<Jdks> jdks() {
        return Jdks.here();
    }

    /** Without what differs when a thread of the JVM's own happens to start in between, and takes the next seed. */
    private static Map<String, String> steady(Map<String, String> drawn) {
        Map<String, String> steady = new LinkedHashMap<>(drawn);
        steady.remove("thread-seeds");
        return steady;
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void withoutTheAgentTheTwinsAreTheSame(Jdks jdk) throws Exception {
        Pair pair = pair(jdk, List.of(), false);
        assertThat(steady(pair.one)).hasSizeGreaterThan(35).isEqualTo(steady(pair.other));
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void withTheAgentAndNoMendTheTwinsAreTheSame(Jdks jdk) throws Exception {
        Pair pair = pair(jdk, List.of(Jvm.agent("report,only=none")), true);
        assertThat(steady(pair.one)).hasSizeGreaterThan(35).isEqualTo(steady(pair.other));
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void withAllMendsNothingIsTheSame(Jdks jdk) throws Exception {
        Pair pair = pair(jdk, List.of(Jvm.agent("report")), true);
        assertThat(pair.one.entrySet()).hasSizeGreaterThan(35).doesNotContainAnyElementsOf(pair.other.entrySet());
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void norWithAnotherSourceOfSeeds(Jdks jdk) throws Exception {
        List<String> options = new ArrayList<>(EGD);
        options.add(Jvm.agent("report"));
        Pair pair = pair(jdk, options, true);
        assertThat(pair.one.entrySet()).hasSizeGreaterThan(35).doesNotContainAnyElementsOf(pair.other.entrySet());
    }

    @Test
    void theNamesOfMendsAreUnique() {
        assertThat(Mends.all().stream().map(Mend::name)).doesNotHaveDuplicates();
    }
}
