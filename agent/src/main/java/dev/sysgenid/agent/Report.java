// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import dev.sysgenid.SysGenId;
import dev.sysgenid.agent.mends.Mends;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What the agent says to people, on the standard error. Used under the agent's lock. */
final class Report {
    private final SysGenId id;
    private final List<Part> parts;

    Report(SysGenId id, List<Part> parts) {
        this.id = id;
        this.parts = parts;
    }

    static void print(String text) {
        System.err.print(text);
        System.err.flush();
    }

    /** How everything stands, in a line. */
    String summary() {
        return "Java " + Runtime.version().feature() + ", " + id + ", "
                + (id.isGuarded() ? "restores are told" : "nothing here tells of a restore from a snapshot") + ", "
                + count(Part.State.READY) + " mends ready, " + count(Part.State.SKIPPED) + " skipped";
    }

    /** How everything stands, a line for each mend. */
    String state() {
        StringBuilder text = new StringBuilder("sysgenid agent: Java "
                + Runtime.version().feature() + ", " + id + ", "
                + (id.isGuarded() ? "restores are told" : "nothing here tells of a restore from a snapshot") + ", "
                + count(Part.State.READY) + " mends ready, " + count(Part.State.SKIPPED) + " skipped\n");
        for (Part each : parts) {
            line(text, word(each), each.mend.name(), each.why == null ? each.mend.what() : each.why);
        }
        for (String each : Mends.beyond()) {
            text.append("  cannot    ").append(each).append('\n');
        }
        return text.toString();
    }

    /** What a change came to. */
    String change(int generation, long nanos) {
        StringBuilder text = new StringBuilder();
        text.append(String.format(
                Locale.ROOT,
                "sysgenid agent: generation %s: %d things renewed in %.1f ms, %d mends skipped, %d failed\n",
                Integer.toUnsignedString(generation),
                parts.stream().mapToInt(each -> each.renewed).sum(),
                nanos / 1e6,
                count(Part.State.SKIPPED),
                count(Part.State.FAILED)));
        for (Part each : parts) {
            switch (each.state) {
                case READY -> line(text, "renewed", each.mend.name(), String.valueOf(each.renewed));
                case FAILED -> line(text, "failed", each.mend.name(), each.why);
                default -> {}
            }
        }
        return text.toString();
    }

    private static String word(Part part) {
        return switch (part.state) {
            case NEW -> "waiting";
            case READY -> "ready";
            case ABSENT -> "absent";
            case SKIPPED -> "skipped";
            case UNWANTED -> "unwanted";
            case FAILED -> "failed";
        };
    }

    private static void line(StringBuilder text, String word, String name, @Nullable String rest) {
        text.append(String.format(Locale.ROOT, "  %-9s %-19s %s%n", word, name, rest));
    }

    private long count(Part.State state) {
        return parts.stream().filter(each -> each.state == state).count();
    }
}
