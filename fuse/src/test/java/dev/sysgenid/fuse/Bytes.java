// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.fuse;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;

/** Messages written down byte by byte: pairs of hexadecimal digits, and a comment from each semicolon to its line's end. */
final class Bytes {
    private static final HexFormat HEX = HexFormat.of();

    private Bytes() {}

    static byte[] of(String... annotated) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (String part : annotated) {
            part.lines()
                    .map(line -> line.replaceFirst(";.*", "").replaceAll("\\s", ""))
                    .forEach(line -> bytes.writeBytes(HEX.parseHex(line)));
        }
        return bytes.toByteArray();
    }

    /** For messages: eight bytes a line, with the offset of the first in decimal. */
    static String show(byte[] bytes) {
        StringBuilder text = new StringBuilder(bytes.length + " bytes\n");
        HexFormat spaced = HexFormat.ofDelimiter(" ");
        for (int at = 0; at < bytes.length; at += 8) {
            text.append("%5d: ".formatted(at))
                    .append(spaced.formatHex(bytes, at, Math.min(at + 8, bytes.length)))
                    .append('\n');
        }
        return text.toString();
    }

    /** A view in the byte order of the goldens. */
    static ByteBuffer view(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
