// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * A class file whose methods get instructions in addition. All else in it stays as it is, byte by byte; constants are added
 * behind those that are there.
 *
 * <p>Two places are enough for the agent, and at both nothing has to be computed anew. At the begin the inserted bytes are
 * a multiple of four, so that jumps and tables of switches stay right; every position behind them moves by as much. Before
 * the end there is one return, the last instruction: who jumps to it comes upon the inserted ones. A method of another form
 * is refused. A library that reads and writes any class would take a starting JVM longer than all else that the agent does.
 *
 * <p><b>Threads:</b> one.
 */
final class ClassFile {
    private static final int HEADER = 10;
    /** Operands for the inserted instructions, more than any needs. */
    private static final int STACK = 8;

    private final byte[] bytes;
    private final ByteBuffer in;
    /** Where each constant begins. */
    private final int[] constants;

    private final Pool pool;

    /** Where the constants end. */
    private final int body;

    private ClassFile(byte[] bytes) {
        this.bytes = bytes;
        in = ByteBuffer.wrap(bytes);
        int count = u2(HEADER - 2);
        constants = new int[count];
        int at = HEADER;
        for (int i = 1; i < count; i++) {
            constants[i] = at;
            int tag = in.get(at);
            at += switch (tag) {
                case 1 -> 3 + u2(at + 1);
                case 3, 4, 9, 10, 11, 12, 17, 18 -> 5;
                case 5, 6 -> 9;
                case 7, 8, 16, 19, 20 -> 3;
                case 15 -> 4;
                default -> throw new IllegalStateException("it has a constant of the unknown kind " + tag);
            };
            if (tag == 5 || tag == 6) {
                i++; // longs and doubles have two numbers
            }
        }
        body = at;
        pool = new Pool(count);
    }

    /**
     * Adds to methods.
     *
     * @throws IllegalStateException when one of them is not there or has another form; the message goes on after the class's
     *     name
     */
    static byte[] patch(byte[] bytes, List<Patch> added) {
        try {
            return new ClassFile(bytes).patched(added);
        } catch (IOException | IndexOutOfBoundsException e) {
            throw new IllegalStateException("it has another form than a class file: " + e, e);
        }
    }

    private byte[] patched(List<Patch> added) throws IOException {
        ByteArrayOutputStream rest = new ByteArrayOutputStream(bytes.length);
        DataOutputStream out = new DataOutputStream(rest);
        int at = body + 6;
        at += 2 + 2 * u2(at); // interfaces
        int fields = u2(at);
        at += 2;
        for (int i = 0; i < fields; i++) {
            at = skipMember(at);
        }
        int methods = u2(at);
        at += 2;
        out.write(bytes, body, at - body);
        List<Patch> missing = new ArrayList<>(added);
        for (int i = 0; i < methods; i++) {
            int end = skipMember(at);
            Patch patch = take(missing, utf8(u2(at + 2)), utf8(u2(at + 4)));
            if (patch == null) {
                out.write(bytes, at, end - at);
            } else {
                method(at, patch, out);
            }
            at = end;
        }
        if (!missing.isEmpty()) {
            throw new IllegalStateException("it has no " + missing.get(0).method());
        }
        out.write(bytes, at, bytes.length - at);
        ByteArrayOutputStream whole = new ByteArrayOutputStream(bytes.length + 1024);
        DataOutputStream head = new DataOutputStream(whole);
        head.write(bytes, 0, HEADER - 2);
        head.writeShort(pool.count());
        head.write(bytes, HEADER, body - HEADER);
        head.write(pool.added());
        rest.writeTo(whole);
        return whole.toByteArray();
    }

    private static @org.jspecify.annotations.Nullable Patch take(List<Patch> from, String name, String descriptor) {
        for (Patch each : from) {
            if (each.method().equals(name + descriptor)) {
                from.remove(each);
                return each;
            }
        }
        return null;
    }

    private void method(int at, Patch patch, DataOutputStream out) throws IOException {
        out.write(bytes, at, 8);
        int attributes = u2(at + 6);
        boolean found = false;
        int each = at + 8;
        for (int i = 0; i < attributes; i++) {
            int end = each + 6 + in.getInt(each + 2);
            if (utf8(u2(each)).equals("Code")) {
                found = true;
                byte[] code = code(each, patch);
                out.writeShort(u2(each));
                out.writeInt(code.length);
                out.write(code);
            } else {
                out.write(bytes, each, end - each);
            }
            each = end;
        }
        if (!found) {
            throw new IllegalStateException("its " + patch.method() + " has no code");
        }
    }

    /** What is in the new attribute. */
    private byte[] code(int attribute, Patch patch) throws IOException {
        int at = attribute + 6;
        int length = in.getInt(at + 4);
        int start = at + 8;
        Code before = new Code(pool);
        patch.enter(before);
        Code after = new Code(pool);
        patch.leave(after);
        byte[] first = before.bytes(true);
        byte[] last = after.bytes(false);
        if (last.length > 0) {
            Instructions.requireOneReturn(in, start, length, patch.method());
        }
        ByteArrayOutputStream made = new ByteArrayOutputStream(length + 256);
        DataOutputStream out = new DataOutputStream(made);
        out.writeShort(u2(at) + STACK);
        out.writeShort(u2(at + 2));
        out.writeInt(first.length + length + last.length);
        out.write(first);
        out.write(bytes, start, length - 1);
        out.write(last);
        out.write(bytes, start + length - 1, 1);
        Moved moved = new Moved(first.length, length, last.length);
        int handlers = start + length;
        int count = u2(handlers);
        out.writeShort(count);
        for (int i = 0; i < count; i++) {
            int entry = handlers + 2 + 8 * i;
            out.writeShort(moved.position(u2(entry)));
            out.writeShort(moved.position(u2(entry + 2)));
            out.writeShort(moved.position(u2(entry + 4)));
            out.writeShort(u2(entry + 6));
        }
        attributes(handlers + 2 + 8 * count, moved, before.jumps(), out);
        return made.toByteArray();
    }

    /** Those of the code: what is not known is left out, which the JVM allows. */
    private void attributes(int at, Moved moved, boolean frame, DataOutputStream out) throws IOException {
        int count = u2(at);
        ByteArrayOutputStream made = new ByteArrayOutputStream(256);
        DataOutputStream kept = new DataOutputStream(made);
        int keptCount = 0;
        boolean framed = false;
        int each = at + 2;
        for (int i = 0; i < count; i++) {
            String name = utf8(u2(each));
            byte[] content = switch (name) {
                case "LineNumberTable" -> lines(each + 6, moved);
                case "LocalVariableTable", "LocalVariableTypeTable" -> variables(each + 6, moved);
                case "StackMapTable" -> new Frames(in, each + 6, moved).moved(frame);
                default -> null;
            };
            framed |= name.equals("StackMapTable");
            if (content != null) {
                keptCount++;
                kept.writeShort(u2(each));
                kept.writeInt(content.length);
                kept.write(content);
            }
            each += 6 + in.getInt(each + 2);
        }
        if (frame && !framed) {
            byte[] content = Frames.one(moved);
            keptCount++;
            kept.writeShort(pool.utf8("StackMapTable"));
            kept.writeInt(content.length);
            kept.write(content);
        }
        out.writeShort(keptCount);
        made.writeTo(out);
    }

    private byte[] lines(int at, Moved moved) {
        int count = u2(at);
        ByteBuffer out = ByteBuffer.allocate(2 + 4 * count).putShort((short) count);
        for (int i = 0; i < count; i++) {
            int entry = at + 2 + 4 * i;
            out.putShort((short) moved.position(u2(entry))).putShort((short) u2(entry + 2));
        }
        return out.array();
    }

    /** Parameters are there from the begin on. */
    private byte[] variables(int at, Moved moved) {
        int count = u2(at);
        ByteBuffer out = ByteBuffer.allocate(2 + 10 * count).putShort((short) count);
        for (int i = 0; i < count; i++) {
            int entry = at + 2 + 10 * i;
            int start = u2(entry);
            int end = moved.position(start + u2(entry + 2));
            int from = start == 0 ? 0 : moved.position(start);
            out.putShort((short) from).putShort((short) (end - from));
            out.put(bytes, entry + 4, 6);
        }
        return out.array();
    }

    /** The end of a field or a method. */
    private int skipMember(int at) {
        int count = u2(at + 6);
        int end = at + 8;
        for (int i = 0; i < count; i++) {
            end += 6 + in.getInt(end + 2);
        }
        return end;
    }

    /** Names and descriptors are plain ASCII; what is not is none that is looked for. */
    private String utf8(int index) {
        int at = constants[index];
        return new String(bytes, at + 3, u2(at + 1), java.nio.charset.StandardCharsets.ISO_8859_1);
    }

    private int u2(int at) {
        return in.getShort(at) & 0xffff;
    }

    /**
     * Where the instructions of a method are now.
     *
     * @param first how many bytes come before them
     * @param length how many they were
     * @param last how many come before the last one
     */
    record Moved(int first, int length, int last) {
        /** The last instruction's place is where the inserted ones before it begin; its end is behind them. */
        int position(int before) {
            return before == length ? first + length + last : first + before;
        }
    }
}
