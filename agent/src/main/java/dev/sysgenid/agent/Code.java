// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import java.io.ByteArrayOutputStream;

/**
 * Instructions that a method gets in addition, written one after another: those that the {@link Patch patches} need.
 *
 * <p><b>Threads:</b> one.
 */
public final class Code {
    private static final int ICONST_0 = 0x03;
    private static final int BIPUSH = 0x10;
    private static final int LDC_W = 0x13;
    private static final int ALOAD = 0x19;
    private static final int DUP = 0x59;
    private static final int LADD = 0x61;
    private static final int IFEQ = 0x99;
    private static final int IF_ICMPEQ = 0x9f;
    private static final int RETURN = 0xb1;
    private static final int GETSTATIC = 0xb2;
    private static final int GETFIELD = 0xb4;
    private static final int PUTFIELD = 0xb5;
    private static final int INVOKEVIRTUAL = 0xb6;
    private static final int INVOKESPECIAL = 0xb7;
    private static final int INVOKESTATIC = 0xb8;
    private static final int NEW = 0xbb;

    private final Pool pool;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream(64);

    /** Where the jumps over all that follows are. */
    private final int[] jumps = new int[2];

    private int jumpCount;

    Code(Pool pool) {
        this.pool = pool;
    }

    /** A parameter that is an object, {@code this} the first. */
    public Code load(int parameter) {
        out.write(ALOAD);
        out.write(parameter);
        return this;
    }

    /** The number 0. */
    public Code zero() {
        out.write(ICONST_0);
        return this;
    }

    /** A number of one byte. */
    public Code small(int value) {
        out.write(BIPUSH);
        out.write(value);
        return this;
    }

    /** A number. */
    public Code number(int value) {
        return constant(LDC_W, pool.integer(value));
    }

    /** The topmost once more. */
    public Code duplicate() {
        out.write(DUP);
        return this;
    }

    /** The sum of two longs. */
    public Code addLongs() {
        out.write(LADD);
        return this;
    }

    /** A static field's value. */
    public Code getStatic(String owner, String name, String descriptor) {
        return constant(GETSTATIC, pool.field(owner, name, descriptor));
    }

    /** A field's value. */
    public Code get(String owner, String name, String descriptor) {
        return constant(GETFIELD, pool.field(owner, name, descriptor));
    }

    /** Sets a field. */
    public Code put(String owner, String name, String descriptor) {
        return constant(PUTFIELD, pool.field(owner, name, descriptor));
    }

    /** An object of a class, before its constructor. */
    public Code make(String type) {
        return constant(NEW, pool.type(type));
    }

    /** Calls a static method. */
    public Code callStatic(String owner, String name, String descriptor) {
        return constant(INVOKESTATIC, pool.method(owner, name, descriptor));
    }

    /** Calls a method of an object. */
    public Code call(String owner, String name, String descriptor) {
        return constant(INVOKEVIRTUAL, pool.method(owner, name, descriptor));
    }

    /** Calls a constructor. */
    public Code construct(String owner, String descriptor) {
        return constant(INVOKESPECIAL, pool.method(owner, "<init>", descriptor));
    }

    /** Goes on with what the method had before, if the two topmost are the same; not in a leave. */
    public Code ifSameGoOn() {
        return jump(IF_ICMPEQ);
    }

    /** Goes on with what the method had before, if the topmost is false; not in a leave. */
    public Code ifFalseGoOn() {
        return jump(IFEQ);
    }

    /** Returns from a method that returns nothing. */
    public Code leave() {
        out.write(RETURN);
        return this;
    }

    private Code constant(int opcode, int index) {
        out.write(opcode);
        out.write(index >>> 8);
        out.write(index);
        return this;
    }

    private Code jump(int opcode) {
        jumps[jumpCount++] = out.size();
        return constant(opcode, 0);
    }

    /** Whether it jumps to where the method begins otherwise. */
    boolean jumps() {
        return jumpCount > 0;
    }

    /** The instructions; a multiple of four bytes if {@code aligned}, as the tables of switches behind them need it. */
    byte[] bytes(boolean aligned) {
        int padding =
                aligned ? -out.size() & 3 : 0; // in front: behind the last return nothing may stand without a frame
        byte[] written = out.toByteArray();
        byte[] bytes = new byte[padding + written.length]; // NOP is 0
        System.arraycopy(written, 0, bytes, padding, written.length);
        for (int i = 0; i < jumpCount; i++) {
            int by = written.length - jumps[i];
            bytes[padding + jumps[i] + 1] = (byte) (by >>> 8);
            bytes[padding + jumps[i] + 2] = (byte) by;
        }
        return bytes;
    }
}
