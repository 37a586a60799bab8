// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

/**
 * Text that somebody else chose, for a terminal. What would command it, or change how the text around it is read, is spelled:
 * control characters as {@code \x1b}, formats (the order of writing, for example) as {@code \x{202e}}.
 */
final class Printable {
    private static final int BYTE = 0x100;

    private Printable() {}

    /** All of it. */
    static String of(String text) {
        StringBuilder shown = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
            int c = text.codePointAt(i);
            switch (Character.getType(c)) {
                case Character.CONTROL,
                        Character.FORMAT,
                        Character.LINE_SEPARATOR,
                        Character.PARAGRAPH_SEPARATOR,
                        Character.SURROGATE,
                        Character.PRIVATE_USE,
                        Character.UNASSIGNED ->
                    shown.append(c < 0x10 ? "\\x0" : c < BYTE ? "\\x" : "\\x{")
                            .append(Integer.toHexString(c))
                            .append(c < BYTE ? "" : "}");
                default -> shown.appendCodePoint(c);
            }
        }
        return shown.toString();
    }

    /** As much of it as a line holds. */
    static String of(String text, int most) {
        return text.length() <= most ? of(text) : of(text.substring(0, most)) + "...";
    }
}
