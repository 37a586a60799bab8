// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;

/** The frames of a method (a StackMapTable) that has got instructions in addition. <b>Threads:</b> one. */
final class Frames {
    private static final int SAME_END = 64;
    private static final int SAME_LOCALS_END = 128;
    private static final int SAME_LOCALS_EXTENDED = 247;
    private static final int SAME_EXTENDED = 251;
    private static final int FULL = 255;

    private static final int OBJECT = 7;
    private static final int UNINITIALIZED = 8;

    private final ByteBuffer in;
    private final ClassFile.Moved moved;
    private int at;
    private final ByteArrayOutputStream made = new ByteArrayOutputStream(128);
    private final DataOutputStream out = new DataOutputStream(made);

    /**
     * @param at where the table begins
     */
    Frames(ByteBuffer in, int at, ClassFile.Moved moved) {
        this.in = in;
        this.at = at;
        this.moved = moved;
    }

    /** A table of one frame, where the method began before. */
    static byte[] one(ClassFile.Moved moved) throws IOException {
        ByteArrayOutputStream made = new ByteArrayOutputStream(8);
        DataOutputStream out = new DataOutputStream(made);
        out.writeShort(1);
        same(moved.first(), out);
        return made.toByteArray();
    }

    private static void same(int delta, DataOutputStream out) throws IOException {
        if (delta < SAME_END) {
            out.writeByte(delta);
        } else {
            out.writeByte(SAME_EXTENDED);
            out.writeShort(delta);
        }
    }

    /**
     * The table as it has to be.
     *
     * @param frame whether there has to be one where the method began before
     */
    byte[] moved(boolean frame) throws IOException {
        int count = u2();
        // The first counts from the begin, each other from one behind the one before.
        int shift = moved.first();
        boolean added = frame && (count == 0 || firstDelta() != 0);
        out.writeShort(added ? count + 1 : count);
        if (added) {
            same(shift, out);
            shift = -1;
        }
        for (int i = 0; i < count; i++) {
            frame(shift);
            shift = 0;
        }
        return made.toByteArray();
    }

    private int firstDelta() {
        int type = in.get(at) & 0xff;
        return type < SAME_END ? type : type < SAME_LOCALS_END ? type - SAME_END : in.getShort(at + 1) & 0xffff;
    }

    private void frame(int shift) throws IOException {
        int type = u1();
        if (type < SAME_END) {
            same(type + shift, out);
        } else if (type < SAME_LOCALS_END) {
            int delta = type - SAME_END + shift;
            if (delta < SAME_END) {
                out.writeByte(SAME_END + delta);
            } else {
                out.writeByte(SAME_LOCALS_EXTENDED);
                out.writeShort(delta);
            }
            types(1);
        } else if (type < SAME_LOCALS_EXTENDED) {
            throw new IllegalStateException("it has a frame of the unknown kind " + type);
        } else {
            out.writeByte(type);
            out.writeShort(u2() + shift);
            if (type == SAME_LOCALS_EXTENDED) {
                types(1);
            } else if (type == FULL) {
                types(counted());
                types(counted());
            } else if (type > SAME_EXTENDED) {
                types(type - SAME_EXTENDED);
            }
        }
    }

    private int counted() throws IOException {
        int count = u2();
        out.writeShort(count);
        return count;
    }

    private void types(int count) throws IOException {
        for (int i = 0; i < count; i++) {
            int type = u1();
            out.writeByte(type);
            if (type == OBJECT) {
                out.writeShort(u2());
            } else if (type == UNINITIALIZED) {
                out.writeShort(moved.position(u2())); // where the object was made
            }
        }
    }

    private int u1() {
        return in.get(at++) & 0xff;
    }

    private int u2() {
        int value = in.getShort(at) & 0xffff;
        at += 2;
        return value;
    }
}
