// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.core.Domain;
import dev.sysgenid.core.Effects;
import dev.sysgenid.core.Tracking;
import dev.sysgenid.core.Watcher;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class WatcherListTest {
    private static final String HEADER = "ID PID UID ACCESS TRACKED ACKED OUTDATED_MS COMMAND\n";
    private static final int ALL = 65536 - 16;

    private final Domain domain = domain(0);

    private static Domain domain(int generation) {
        return new Domain(Tracking.WRITERS, new NoEffects(), generation);
    }

    /** Nothing here blocks, so there is nothing to tell. */
    private static final class NoEffects implements Effects {
        @Override
        public void bumped(int generation) {}

        @Override
        public void readCompleted(long request, int generation) {}

        @Override
        public void readFailed(long request, int errno) {}

        @Override
        public void waitCompleted(long request, int errnoOrZero) {}

        @Override
        public void wake(Watcher watcher) {}
    }

    @SuppressWarnings("NullAway") // a list asks no watcher for its device
    private static Watcher open(Domain domain, boolean writable, int pid, int uid, String command) {
        return new OpenFile(
                        new DeviceNode(16, null), 1, 0, domain.open(writable), new Callers.Identity(pid, command), uid)
                .watcher;
    }

    private Watcher open(String command) {
        return open(domain, true, 100, 0, command);
    }

    /** A read that is not refused. */
    private static byte[] read(WatcherList list, long offset, int size) {
        return Objects.requireNonNull(list.read(offset, size));
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static String whole(Domain domain) {
        return inParts(new WatcherList(domain), ALL);
    }

    /** As a program reads that asks for {@code size} bytes at a time, until there are none. */
    private static String inParts(WatcherList list, int size) {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        byte[] part;
        do {
            part = read(list, text.size(), size);
            assertThat(part.length).isLessThanOrEqualTo(size);
            text.writeBytes(part);
        } while (part.length > 0);
        return text(text.toByteArray());
    }

    // What a line says.

    @Test
    void aHeaderWhenNobodyWatches() {
        assertThat(whole(domain)).isEqualTo(HEADER);
    }

    @Test
    void aLineForEachInOrderOfOpening() {
        open(domain, true, 1234, 0, "postgres");
        open(domain, false, 1240, 65534, "my prog");
        Watcher gone = open("gone");
        open(domain, true, 0, -2, "?");
        domain.close(gone);
        assertThat(whole(domain)).isEqualTo(HEADER + """
                1 1234 0 rw yes 0 - postgres
                2 1240 65534 r no 0 - my prog
                4 0 4294967294 rw yes 0 - ?
                """);
    }

    @Test
    void trackingIsWhatItIsNow() {
        Watcher reader = open(domain, false, 1, 0, "a");
        domain.ioctl(reader, 1, dev.sysgenid.abi.Ioctl.SET_WATCHER_TRACKING, 1, () -> false, 0);
        Watcher writer = open(domain, true, 1, 0, "b");
        domain.ioctl(writer, 1, dev.sysgenid.abi.Ioctl.SET_WATCHER_TRACKING, 0, () -> false, 0);
        assertThat(whole(domain)).isEqualTo(HEADER + "1 1 0 r yes 0 - a\n2 1 0 rw no 0 - b\n");
    }

    @Test
    void whoIsLateAndForHowLong() {
        Domain late = domain(0xffff_fff0);
        open(late, true, 1, 0, "late");
        long before = System.nanoTime();
        late.bump(0, before - 5_000_000_000L);
        late.bump(0, before - 1_000_000_000L);
        Watcher acked = open(late, true, 2, 0, "came later");
        String[] lines = whole(late).split("\n", -1);
        long after = System.nanoTime();
        assertThat(lines[1]).startsWith("1 1 0 rw yes 4294967280 ").endsWith(" late");
        long millis = Long.parseLong(lines[1].split(" ", -1)[6]);
        assertThat(millis).isBetween(5000L, 5000 + (after - before) / 1_000_000);
        assertThat(lines[2]).isEqualTo("2 2 0 rw yes 4294967282 - came later");

        late.bump(7, System.nanoTime());
        assertThat(late.write(acked, 4, late.generation())).isEqualTo(4);
        assertThat(whole(late).split("\n", -1)[2]).isEqualTo("2 2 0 rw yes 4294967283 - came later");
    }

    /** A name is its owner's choice; a line is ours. */
    @Test
    void controlCharactersAreSpelt() {
        for (char c = 0; c < ' '; c++) {
            open("a" + c + "b");
        }
        open("a\u007fb");
        open("a\u0080b\u009b31m");
        open("\u00e4 \u05d0 7 \u20ac \ud83d\ude00 a\u202eb\u00ad\ufffd");
        List<String> lines = whole(domain).lines().skip(1).toList();
        assertThat(lines).hasSize(35);
        for (int c = 0; c < ' '; c++) {
            assertThat(lines.get(c)).endsWith(" - a\\x%02xb".formatted(c));
        }
        assertThat(lines.get(32)).endsWith(" - a\\x7fb");
        assertThat(lines.get(33)).endsWith(" - a\\x80b\\x9b31m");
        assertThat(lines.get(34)).endsWith(" - \u00e4 \u05d0 7 \\u{20ac} \\u{1f600} a\\u{202e}b\\xad\\u{fffd}");
    }

    @Test
    void anEmptyNameAndOneOfBlanks() {
        open("");
        open("  ");
        assertThat(whole(domain)).isEqualTo(HEADER + "1 100 0 rw yes 0 - \n2 100 0 rw yes 0 -   \n");
    }

    @Test
    void oneThatIsBeingOpenedHasNoLineYet() {
        domain.open(true);
        open("a");
        assertThat(whole(domain)).isEqualTo(HEADER + "2 100 0 rw yes 0 - a\n");
    }

    // In parts.

    @Test
    void everySizeOfReadGivesTheSameText() {
        open("a");
        open(domain, false, 4_194_303, -1, "\u00e4\u20ac\ud83d\ude00");
        open("");
        open("a\u0001b");
        open("123456789012345");
        String expected = whole(domain);
        int length = expected.getBytes(StandardCharsets.UTF_8).length;
        for (int size = 1; size <= length + 2; size++) {
            assertThat(inParts(new WatcherList(domain), size)).as("by %d", size).isEqualTo(expected);
        }
        assertThat(inParts(new WatcherList(domain), Integer.MAX_VALUE)).isEqualTo(expected);
    }

    @Test
    void sizesThatChange() {
        for (int i = 0; i < 200; i++) {
            open("program " + i);
        }
        String expected = whole(domain);
        SplittableRandom random = new SplittableRandom(1);
        for (int round = 0; round < 200; round++) {
            WatcherList list = new WatcherList(domain);
            StringBuilder text = new StringBuilder();
            while (text.length() < expected.length()) {
                text.append(text(read(list, text.length(), 1 + random.nextInt(300))));
            }
            assertThat(text).hasToString(expected);
            assertThat(read(list, text.length(), 100)).isEmpty();
        }
    }

    @Test
    void aReadIsFilledAsLongAsThereIsText() {
        for (int i = 0; i < 5000; i++) {
            open("program");
        }
        WatcherList list = new WatcherList(domain);
        assertThat(read(list, 0, ALL)).hasSize(ALL);
        assertThat(read(list, ALL, ALL)).hasSize(ALL);
        assertThat(read(list, 2 * ALL, 100)).hasSize(100);
    }

    @Test
    void aReadOfNothing() {
        open("a");
        WatcherList list = new WatcherList(domain);
        assertThat(read(list, 0, 0)).isEmpty();
        assertThat(text(read(list, 0, 3))).isEqualTo("ID ");
        assertThat(read(list, 3, 0)).isEmpty();
        assertThat(text(read(list, 3, 4))).isEqualTo("PID ");
    }

    @Test
    void theEndIsTheEndAgainAndAgain() {
        open("a");
        WatcherList list = new WatcherList(domain);
        int length = inParts(list, ALL).length();
        for (int i = 0; i < 3; i++) {
            assertThat(read(list, length, ALL)).isEmpty();
        }
    }

    // From elsewhere.

    /** As lseek(fd, 0) and the second cat of a shell's redirection do. */
    @ParameterizedTest
    @ValueSource(ints = {1, 5, 52, 53, 60, 1000})
    void goingBackIsANewReading(int had) {
        open("a");
        Watcher second = open("b");
        WatcherList list = new WatcherList(domain);
        int there = read(list, 0, had).length;
        domain.close(second);
        open("c");
        if (there > 0) {
            assertThat(text(read(list, 0, ALL))).isEqualTo(whole(domain)).endsWith(" - c\n");
        }
        assertThat(inParts(list, 7)).isEqualTo(whole(domain));
    }

    @Test
    void anyOffsetIsWhereItIsInTheText() {
        for (int i = 0; i < 20; i++) {
            open("program " + i);
        }
        String expected = whole(domain);
        WatcherList list = new WatcherList(domain);
        SplittableRandom random = new SplittableRandom(2);
        for (int i = 0; i < 20_000; i++) {
            int offset = random.nextInt(expected.length() + 50);
            int size = random.nextInt(100);
            int from = Math.min(offset, expected.length());
            assertThat(text(read(list, offset, size)))
                    .as("%d bytes at %d", size, offset)
                    .isEqualTo(expected.substring(from, Math.min(expected.length(), from + size)));
        }
    }

    @ParameterizedTest
    @CsvSource({"1000000", "2147483647", "2147483648", "4294967296", "9223372036854775807"})
    void farBeyondTheEnd(long offset) {
        open("a");
        WatcherList list = new WatcherList(domain);
        assertThat(read(list, offset, ALL)).isEmpty();
        assertThat(read(list, offset, ALL)).isEmpty();
        assertThat(text(read(list, 0, ALL))).isEqualTo(whole(domain));
        assertThat(read(list, offset, 1)).isEmpty();
        assertThat(text(read(list, 3, 3))).isEqualTo("PID");
    }

    /** To find the place takes as much work as all that is before it; each try does a part of that. */
    @Test
    void farFromWhereTheReadingIsIsRefusedUntilItIsThere() {
        for (int i = 0; i < 10_000; i++) {
            open("program");
        }
        String expected = whole(domain);
        WatcherList list = new WatcherList(domain);
        assertThat(list.read(1 << 30, 1)).isNull();
        int tries = 1;
        byte @Nullable [] found;
        do {
            found = list.read(expected.length() - 5, 100);
            tries++;
        } while (found == null);
        assertThat(tries).isBetween(expected.length() / 70_000, expected.length() / 60_000 + 1);
        assertThat(text(found)).isEqualTo("gram\n");
        assertThat(read(list, 1 << 30, 1)).as("now the end is known").isEmpty();
        assertThat(list.read(expected.length() - 5, 100))
                .as("back is from the beginning")
                .isNull();
        assertThat(inParts(list, ALL)).isEqualTo(expected);
        assertThat(text(read(list, 60_000, 10))).isEqualTo(expected.substring(60_000, 60_010));
    }

    @Test
    void theOneThatWasListedLastGoes() {
        Watcher first = open("first");
        open("second");
        WatcherList list = new WatcherList(domain);
        String text = text(read(list, 0, HEADER.length() + 25));
        assertThat(text).endsWith(" - first\n");
        domain.close(first);
        assertThat(text(read(list, text.length(), ALL))).isEqualTo("2 100 0 rw yes 0 - second\n");
    }

    // While they come and go.

    /**
     * Whoever was there during all of a reading is in it once; nobody is in it twice; nobody who was gone before is in it;
     * and every line is whole.
     */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void watchersThatComeAndGoBetweenReads(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        Map<Long, Watcher> open = new LinkedHashMap<>();
        for (int i = 0; i < 100; i++) {
            Watcher watcher = open("early " + i);
            open.put(watcher.id(), watcher);
        }
        for (int round = 0; round < 50; round++) {
            Set<Long> throughout = new HashSet<>(open.keySet());
            Set<Long> ever = new HashSet<>(open.keySet());
            WatcherList list = new WatcherList(domain);
            StringBuilder text = new StringBuilder();
            int most = 1 + random.nextInt(400);
            while (true) {
                byte[] part = read(list, text.length(), 1 + random.nextInt(most));
                if (part.length == 0) {
                    break;
                }
                text.append(text(part));
                // No more than this come, so that the reading ends.
                if (ever.size() < 200 && random.nextInt(4) == 0) {
                    Watcher watcher = open("late");
                    open.put(watcher.id(), watcher);
                    ever.add(watcher.id());
                }
                for (int i = random.nextInt(3); i > 0 && open.size() > 50; i--) {
                    List<Long> ids = new ArrayList<>(open.keySet());
                    long id = ids.get(random.nextInt(ids.size()));
                    domain.close(Objects.requireNonNull(open.remove(id)));
                    throughout.remove(id);
                }
            }
            assertThat(text.toString()).startsWith(HEADER).endsWith("\n");
            List<Long> listed = text.toString()
                    .lines()
                    .skip(1)
                    .peek(line -> assertThat(line).matches("\\d+ 100 0 rw yes 0 - (early \\d+|late)"))
                    .map(line -> Long.valueOf(line.substring(0, line.indexOf(' '))))
                    .collect(Collectors.toList());
            assertThat(listed).isSorted().doesNotHaveDuplicates();
            assertThat(listed).containsAll(throughout);
            assertThat(ever).containsAll(listed);
            while (open.size() < 100) {
                Watcher watcher = open("early 0");
                open.put(watcher.id(), watcher);
            }
        }
    }

    @Test
    void theOneWhoseLineIsHalfReadGoes() {
        Watcher first = open("first");
        Watcher second = open("second");
        WatcherList list = new WatcherList(domain);
        String start = text(read(list, 0, HEADER.length() + 3));
        domain.close(first);
        domain.close(second);
        open("third");
        assertThat(start + text(read(list, start.length(), ALL)))
                .startsWith(HEADER + "1 100 0 rw yes 0 - first\n")
                .endsWith("3 100 0 rw yes 0 - third\n");
    }

    @Test
    void oneThatComesAfterTheEndIsThereToBeRead() {
        open("a");
        WatcherList list = new WatcherList(domain);
        int length = inParts(list, ALL).length();
        open("b");
        assertThat(text(read(list, length, ALL))).isEqualTo("2 100 0 rw yes 0 - b\n");
    }

    /** Lists of people's own do not disturb each other. */
    @Test
    void twoReadersAtOnce() {
        for (int i = 0; i < 50; i++) {
            open("program " + i);
        }
        String expected = whole(domain);
        WatcherList one = new WatcherList(domain);
        WatcherList two = new WatcherList(domain);
        StringBuilder first = new StringBuilder();
        StringBuilder second = new StringBuilder();
        while (second.length() < expected.length()) {
            first.append(text(read(one, first.length(), 100)));
            second.append(text(read(two, second.length(), 33)));
        }
        assertThat(first).hasToString(expected);
        assertThat(second).hasToString(expected);
    }
}
