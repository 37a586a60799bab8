// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import java.util.ArrayList;
import java.util.List;

/** Text in columns, each as wide as its widest cell; the last column is not padded. */
final class Table {
    private static final String GAP = "  ";

    private final List<String[]> rows = new ArrayList<>();

    /** Adds a row; all rows have the same number of cells. */
    Table row(String... cells) {
        rows.add(cells);
        return this;
    }

    /** Lines, each ended by a line feed. */
    @Override
    public String toString() {
        int columns = rows.isEmpty() ? 0 : rows.getFirst().length;
        int[] widths = new int[columns];
        for (String[] row : rows) {
            for (int i = 0; i < columns; i++) {
                widths[i] = Math.max(widths[i], row[i].length());
            }
        }
        StringBuilder text = new StringBuilder();
        for (String[] row : rows) {
            for (int i = 0; i < columns - 1; i++) {
                text.append(row[i]).repeat(' ', widths[i] - row[i].length()).append(GAP);
            }
            text.append(row[columns - 1]).append('\n');
        }
        return text.toString();
    }
}
