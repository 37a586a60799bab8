// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;

/** The constants that are added to those of a class file. <b>Threads:</b> one. */
final class Pool {
    private static final int MAX = 0xffff;

    private static final int UTF8 = 1;
    private static final int INTEGER = 3;
    private static final int CLASS = 7;
    private static final int FIELD = 9;
    private static final int METHOD = 10;
    private static final int NAME_AND_TYPE = 12;

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(512);
    private final DataOutputStream out = new DataOutputStream(bytes);
    private final Map<String, Integer> known = new HashMap<>();
    private int count;

    /**
     * @param count what the class file says: one more than it has
     */
    Pool(int count) {
        this.count = count;
    }

    /** As {@link #Pool} takes it. */
    int count() {
        return count;
    }

    byte[] added() {
        return bytes.toByteArray();
    }

    int utf8(String text) {
        Integer present = known.get(text);
        if (present != null) {
            return present;
        }
        try {
            out.writeByte(UTF8);
            out.writeUTF(text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return note(text);
    }

    int integer(int value) {
        try {
            out.writeByte(INTEGER);
            out.writeInt(value);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return next();
    }

    int type(String name) {
        String key = CLASS + name;
        Integer present = known.get(key);
        return present != null ? present : write(key, CLASS, utf8(name), -1);
    }

    int field(String owner, String name, String descriptor) {
        return member(FIELD, owner, name, descriptor);
    }

    int method(String owner, String name, String descriptor) {
        return member(METHOD, owner, name, descriptor);
    }

    private int member(int tag, String owner, String name, String descriptor) {
        String key = tag + owner + ' ' + name + ' ' + descriptor;
        Integer present = known.get(key);
        if (present != null) {
            return present;
        }
        int type = type(owner);
        int first = utf8(name);
        int second = utf8(descriptor);
        int both = write(NAME_AND_TYPE + name + ' ' + descriptor, NAME_AND_TYPE, first, second);
        return write(key, tag, type, both);
    }

    private int write(String key, int tag, int first, int second) {
        try {
            out.writeByte(tag);
            out.writeShort(first);
            if (second >= 0) {
                out.writeShort(second);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return note(key);
    }

    private int note(String key) {
        int index = next();
        known.put(key, index);
        return index;
    }

    private int next() {
        if (count >= MAX) {
            throw new IllegalStateException("it has no room for more constants");
        }
        return count++;
    }
}
