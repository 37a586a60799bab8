// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import java.time.Duration;

/** Durations as people write them: a whole number and a unit, as in {@code 500ms}, {@code 10s}, {@code 2m}, {@code 1h}. */
final class Durations {
    /** As it is shown where a duration is refused. */
    static final String FORM = "a number and a unit, as in 500ms, 10s, 2m or 1h";

    private static final long MILLIS_PER_SECOND = 1000;
    private static final long MILLIS_PER_MINUTE = 60 * MILLIS_PER_SECOND;
    private static final long MILLIS_PER_HOUR = 60 * MILLIS_PER_MINUTE;

    private Durations() {}

    /**
     * Reads a duration.
     *
     * @throws IllegalArgumentException when it is none, or longer than 2<sup>63</sup> - 1 milliseconds; the message is
     *     for the user
     */
    static Duration parse(String text) {
        int digits = 0;
        while (digits < text.length() && text.charAt(digits) >= '0' && text.charAt(digits) <= '9') {
            digits++;
        }
        long millisPerUnit = switch (text.substring(digits)) {
            case "ms" -> 1;
            case "s" -> MILLIS_PER_SECOND;
            case "m" -> MILLIS_PER_MINUTE;
            case "h" -> MILLIS_PER_HOUR;
            default -> 0;
        };
        if (digits == 0 || millisPerUnit == 0) {
            throw new IllegalArgumentException("'" + text + "' is not a duration: " + FORM);
        }
        try {
            long number = Long.parseLong(text, 0, digits, 10);
            return Duration.ofMillis(Math.multiplyExact(number, millisPerUnit));
        } catch (NumberFormatException | ArithmeticException e) {
            throw new IllegalArgumentException("'" + text + "' is too long", e);
        }
    }

    /** The reverse of {@link #parse}: in the greatest unit that divides it. */
    static String format(Duration duration) {
        long millis = duration.toMillis();
        if (millis == 0) {
            return "0s";
        }
        if (millis % MILLIS_PER_HOUR == 0) {
            return millis / MILLIS_PER_HOUR + "h";
        }
        if (millis % MILLIS_PER_MINUTE == 0) {
            return millis / MILLIS_PER_MINUTE + "m";
        }
        return millis % MILLIS_PER_SECOND == 0 ? millis / MILLIS_PER_SECOND + "s" : millis + "ms";
    }

    /** A measured time, to a precision that a person wants: {@code 73ms}, {@code 1.5s}, {@code 2m07s}, {@code 3h05m}. */
    static String rough(long millis) {
        if (millis < MILLIS_PER_SECOND) {
            return millis + "ms";
        }
        if (millis < MILLIS_PER_MINUTE) {
            return millis / MILLIS_PER_SECOND + "." + millis % MILLIS_PER_SECOND / 100 + "s";
        }
        if (millis < MILLIS_PER_HOUR) {
            return millis / MILLIS_PER_MINUTE + "m" + twoDigits(millis % MILLIS_PER_MINUTE / MILLIS_PER_SECOND) + "s";
        }
        return millis / MILLIS_PER_HOUR + "h" + twoDigits(millis % MILLIS_PER_HOUR / MILLIS_PER_MINUTE) + "m";
    }

    private static String twoDigits(long number) {
        return number < 10 ? "0" + number : Long.toString(number);
    }
}
