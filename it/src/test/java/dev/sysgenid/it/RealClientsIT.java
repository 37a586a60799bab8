// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Published clients of the device, unmodified, each in a JVM of its own and watched by strace: they find {@code
 * /dev/sysgenid}, and after a bump they take fresh entropy from the kernel, exactly once a thread, and never otherwise.
 */
class RealClientsIT {
    private static final String CALLS =
            "getrandom,openat,?open,mmap,close,%stat,?access,?faccessat,?faccessat2,read,ioctl";

    /** Amazon Corretto Crypto Provider: AWS-LC under a Java provider. Looks with stat, when it is loaded. */
    @ParameterizedTest
    @ValueSource(strings = {"passthrough", "store"})
    void accpReseedsOnceAThreadAfterABump(String mapping) {
        Trace trace = drawAround(AccpClient.class, mapping);
        trace.assertLooksWith("stat");
        trace.assertReseeds();
    }

    /**
     * aws-crt: AWS-LC under the runtime of Amazon's SDK. In this version it looks, with access, when its library is
     * loaded, before the first TLS context. A context draws nothing by itself; an ECDSA signature does.
     */
    @ParameterizedTest
    @ValueSource(strings = {"passthrough", "store"})
    void awsCrtReseedsOnceAThreadAfterABump(String mapping) {
        Trace trace = drawAround(CrtClient.class, mapping);
        trace.assertLooksWith("access");
        assertThat(trace.lookedAfter()).as("when it looks").isEqualTo("load");
        trace.assertReseeds();
    }

    /** Where there is no device the same clients work, and say nothing: what the device adds is the reseeding. */
    @Test
    void withoutTheDeviceNothingIsReseeded() {
        Namespace.require();
        assertThat(Path.of("/dev/sysgenid")).doesNotExist();
        Path directory = Path.of("target").toAbsolutePath();
        Path output = directory.resolve("strace-without-device.txt");
        try (Child client = Child.start(command(AccpClient.class, directory, output))) {
            draw(client, "first");
            draw(client, "again");
            client.closeInput();
            assertThat(client.awaitExit()).isZero();
        }
        Trace trace = new Trace(output);
        assertThat(trace.draws("again")).containsOnlyKeys("again-0", "again-1", "again-2", "again-3");
        assertThat(trace.draws("again").values()).containsOnly(0);
        assertThat(trace.lines.stream().filter(line -> line.contains("\"/dev/sysgenid\"")))
                .as("calls that name the device")
                .singleElement()
                .asString()
                .matches(".* stat.*= -1 ENOENT.*");
    }

    private static Trace drawAround(Class<?> main, String mapping) {
        try (ServedDevice device = ServedDevice.startAtDefaultPaths("--mapping", mapping)) {
            Path output = device.directory().resolve("strace.txt");
            Child client = device.startProgram(command(main, device.directory(), output));
            draw(client, "first");
            draw(client, "before");
            device.bump();
            draw(client, "bumped");
            draw(client, "between");
            device.bump();
            device.bump();
            draw(client, "twice");
            draw(client, "after");
            client.closeInput();
            assertThat(client.awaitExit()).as(client.output()).isZero();
            return new Trace(output);
        }
    }

    private static void draw(Child client, String phase) {
        if (phase.equals("first")) {
            client.awaitLine("ready");
        }
        client.send(phase);
        client.awaitLine("done " + phase);
    }

    private static List<String> command(Class<?> main, Path directory, Path output) {
        String classPath = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        return List.of(
                "strace",
                "--follow-forks",
                "--string-limit=100",
                "--trace=" + CALLS,
                "--output=" + output,
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xshare:auto",
                "-XX:+UseSerialGC",
                "--enable-native-access=ALL-UNNAMED",
                // They unpack their libraries there.
                "-Djava.io.tmpdir=" + directory,
                "--class-path",
                classPath,
                main.getName());
    }

    /** What strace wrote, put back into whole calls. */
    private static final class Trace {
        private static final Pattern LINE = Pattern.compile("(\\d+) +(.*)");
        private static final Pattern UNFINISHED = Pattern.compile("(.*) <unfinished \\.\\.\\.>");
        private static final Pattern RESUMED = Pattern.compile("<\\.\\.\\. \\w+ resumed>(.*)");
        private static final Pattern MARK = Pattern.compile(".*\"" + DrawingClient.MARKER + "([^\"]*)\".*");
        private static final Pattern SEED = Pattern.compile("getrandom\\(.*, 48, 0\\) += 48");
        private static final Pattern OPENED =
                Pattern.compile("(?:open|openat)\\(.*\"/dev/sysgenid\", O_RDONLY[^)]*\\) += (\\d+)");

        /** Each call with its result: thread, blank, call. In order of their ends. */
        private final List<String> lines = new ArrayList<>();

        Trace(Path file) {
            Map<String, String> begun = new TreeMap<>();
            try {
                for (String text : Files.readAllLines(file)) {
                    Matcher line = LINE.matcher(text);
                    if (!line.matches()) {
                        continue;
                    }
                    String thread = line.group(1);
                    String call = line.group(2);
                    Matcher unfinished = UNFINISHED.matcher(call);
                    Matcher resumed = RESUMED.matcher(call);
                    if (unfinished.matches()) {
                        begun.put(thread, unfinished.group(1));
                        continue;
                    }
                    if (resumed.matches()) {
                        call = begun.remove(thread) + resumed.group(1);
                    }
                    lines.add(thread + " " + call);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private static String call(String line) {
            return line.substring(line.indexOf(' ') + 1);
        }

        private static String thread(String line) {
            return line.substring(0, line.indexOf(' '));
        }

        /** It looks, opens read-only, maps four bytes, closes, and never opens again. */
        void assertLooksWith(String call) {
            List<String> device = lines.stream()
                    .filter(line -> line.contains("\"/dev/sysgenid\""))
                    .toList();
            assertThat(device).as("calls that name the device").hasSize(2);
            assertThat(call(device.get(0))).matches(".*" + call + ".*= 0");
            Matcher opened = OPENED.matcher(call(device.get(1)));
            assertThat(opened.matches()).as(device.get(1)).isTrue();
            String thread = thread(device.get(1));
            List<String> next = lines.subList(lines.indexOf(device.get(1)) + 1, lines.size()).stream()
                    .filter(line -> thread(line).equals(thread))
                    .map(Trace::call)
                    .limit(2)
                    .toList();
            assertThat(next.get(0))
                    .matches("mmap\\(NULL, 4, PROT_READ, MAP_SHARED, " + opened.group(1) + ", 0\\) += 0x[0-9a-f]+");
            assertThat(next.get(1)).matches("close\\(" + opened.group(1) + "\\) += 0");
        }

        /** The last mark of any thread before the device was opened. */
        String lookedAfter() {
            String last = "";
            for (String line : lines) {
                Matcher mark = MARK.matcher(line);
                if (mark.matches()) {
                    last = mark.group(1);
                } else if (OPENED.matcher(call(line)).matches()) {
                    return last;
                }
            }
            throw new AssertionError("never opened");
        }

        void assertReseeds() {
            assertDraws("before", 0, 0, 0, 0);
            assertDraws("bumped", 1, 0, 0, 0);
            assertDraws("between", 0, 0, 0, 0);
            assertDraws("twice", 1, 0, 0, 0);
            assertDraws("after", 0, 0, 0, 0);
        }

        /** In each thread, this many {@code getrandom} of 48 bytes in the first, second... call of a phase. */
        private void assertDraws(String phase, int... expected) {
            Map<String, Integer> draws = draws(phase);
            assertThat(draws).as("phase " + phase).hasSize(DrawingClient.CALLS);
            for (int k = 0; k < expected.length; k++) {
                assertThat(draws.get(phase + "-" + k))
                        .as("getrandom(48) of %s threads in call %s of phase %s", DrawingClient.THREADS, k, phase)
                        .isEqualTo(expected[k]);
            }
        }

        /**
         * By mark, how many times a thread drew 48 bytes between that mark and its next one: the same number in all
         * threads, or this fails.
         */
        Map<String, Integer> draws(String phase) {
            Map<String, String> at = new TreeMap<>();
            Map<String, Map<String, Integer>> byMark = new TreeMap<>();
            for (String line : lines) {
                Matcher mark = MARK.matcher(line);
                if (mark.matches()) {
                    at.put(thread(line), mark.group(1));
                    if (mark.group(1).startsWith(phase + "-")) {
                        byMark.computeIfAbsent(mark.group(1), _ -> new TreeMap<>())
                                .put(thread(line), 0);
                    }
                } else if (SEED.matcher(call(line)).matches()) {
                    Map<String, Integer> byThread = byMark.get(at.getOrDefault(thread(line), ""));
                    if (byThread != null) {
                        byThread.merge(thread(line), 1, Integer::sum);
                    }
                }
            }
            Map<String, Integer> result = new TreeMap<>();
            byMark.forEach((mark, byThread) -> {
                assertThat(byThread).as("threads that passed %s", mark).hasSize(DrawingClient.THREADS);
                assertThat(byThread.values().stream().distinct().toList())
                        .as("draws after %s by thread: %s", mark, byThread)
                        .hasSize(1);
                result.put(mark, byThread.values().iterator().next());
            });
            return result;
        }
    }
}
