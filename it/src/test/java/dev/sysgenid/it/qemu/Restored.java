// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.qemu;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What one clone was and did.
 *
 * @param readySeconds from the start of the emulator to the first instruction
 * @param witness the lines of {@code witness.c}
 * @param tokens of each program, by a name
 * @param draws the lines of {@code Draws.java}
 * @param log what the daemon has said since the restore
 */
record Restored(
        int number,
        double readySeconds,
        String witness,
        Map<String, Map<String, String>> tokens,
        String draws,
        String generation,
        String log,
        String sources) {

    /** What {@code witness.c} tells of, in words. */
    private static final List<Map.Entry<String, String>> EVENTS = List.of(
            Map.entry("vmclock", "VMClock's page"),
            Map.entry("notified", "its notification"),
            Map.entry("log", "the kernel's line"),
            Map.entry("page", "the bump"),
            Map.entry("acked", "all acknowledged"));

    /** One draw of {@code Draws.java}: when it was over, and what came. */
    record Draw(long nanos, String guarded, String plain) {}

    /** What a program drew, by a name. */
    Map<String, String> tokensOf(String program) {
        return tokens.getOrDefault(program, Map.of());
    }

    /** In their order. */
    List<Draw> drawn() {
        return draws.lines()
                .map(line -> line.split(" ", -1))
                .map(words -> new Draw(Long.parseLong(words[0]), words[1], words[2]))
                .toList();
    }

    /** A word of the first line that tells of an event; -1 if there is none. */
    String word(String event, int number) {
        return witness.lines()
                .filter(line -> line.startsWith(event + " "))
                .findFirst()
                .map(line -> line.split(" ", -1)[number])
                .orElse("-1");
    }

    /** When something was first seen, in nanoseconds of the clone's clock; -1 if never. */
    long time(String event) {
        return Long.parseLong(word(event, 1));
    }

    /** The first moment at which the restore was seen. */
    long start() {
        return Long.parseLong(word("restored", 2));
    }

    /** Milliseconds from the restore to an event. */
    double after(String event) {
        return (time(event) - start()) / 1e6;
    }

    /** The source of which the daemon heard first. */
    String toldBy() {
        return log.replaceAll("(?s).*generation 1, by (\\w+).*", "$1");
    }

    String describe() {
        StringBuilder text = new StringBuilder();
        text.append(String.format(
                Locale.ROOT,
                "clone %d runs after %.2f s; in its own time after the restore, which is known to %.1f ms:",
                number,
                readySeconds,
                (start() - time("restored")) / 1e6));
        for (Map.Entry<String, String> event : EVENTS) {
            if (time(event.getKey()) >= 0) {
                text.append(String.format(Locale.ROOT, " %s %.1f ms,", event.getValue(), after(event.getKey())));
            }
        }
        return text + " the daemon was told by " + toldBy();
    }
}
