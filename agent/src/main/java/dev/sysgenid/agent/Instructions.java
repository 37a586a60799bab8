// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import java.nio.ByteBuffer;

/** Finds out whether a method has the form that {@link ClassFile} can add to before its end. */
final class Instructions {
    private static final int IRETURN = 0xac;
    private static final int RETURN = 0xb1;
    private static final int TABLESWITCH = 0xaa;
    private static final int LOOKUPSWITCH = 0xab;
    private static final int WIDE = 0xc4;
    private static final int IINC = 0x84;

    /** The bytes of each instruction, by its number; 0: computed. */
    private static final String LENGTHS = "1111111111111111" // 0x00
            + "2323322222111111" // 0x10
            + "1111111111111111" // 0x20
            + "1111112222211111" // 0x30
            + "1111111111111111" // 0x40
            + "1111111111111111" // 0x50
            + "1111111111111111" // 0x60
            + "1111111111111111" // 0x70
            + "1111311111111111" // 0x80
            + "1111111113333333" // 0x90
            + "3333333332001111" // 0xa0
            + "1133333335532311" // 0xb0
            + "331104335500"; // 0xc0

    private Instructions() {}

    /**
     * @param start where the instructions begin
     * @param length how many bytes they are
     * @throws IllegalStateException when the method does not end in its only return
     */
    static void requireOneReturn(ByteBuffer in, int start, int length, String method) {
        int at = start;
        int end = start + length;
        int opcode = 0;
        while (at < end) {
            opcode = in.get(at) & 0xff;
            int next = at + length(in, start, at, opcode);
            if (isReturn(opcode) && next != end) {
                throw new IllegalStateException("its " + method + " returns in several places");
            }
            at = next;
        }
        if (at != end || !isReturn(opcode)) {
            throw new IllegalStateException("its " + method + " does not end with a return");
        }
    }

    private static boolean isReturn(int opcode) {
        return opcode >= IRETURN && opcode <= RETURN;
    }

    private static int length(ByteBuffer in, int start, int at, int opcode) {
        int padded = at + 4 - (at - start) % 4;
        return switch (opcode) {
            case TABLESWITCH -> padded + 12 + 4 * (in.getInt(padded + 8) - in.getInt(padded + 4) + 1) - at;
            case LOOKUPSWITCH -> padded + 8 + 8 * in.getInt(padded + 4) - at;
            case WIDE -> (in.get(at + 1) & 0xff) == IINC ? 6 : 4;
            default -> {
                if (opcode >= LENGTHS.length() || LENGTHS.charAt(opcode) == '0') {
                    throw new IllegalStateException("it has the unknown instruction " + opcode);
                }
                yield LENGTHS.charAt(opcode) - '0';
            }
        };
    }
}
