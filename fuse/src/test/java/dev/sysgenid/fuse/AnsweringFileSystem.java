// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.fuse;

import dev.sysgenid.fuse.Connection.DirectoryEntry;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Notes what it is asked, and answers at once, with what can be told apart. */
class AnsweringFileSystem implements FileSystem {
    private static final Attributes FILE = new Attributes(4, 0100644, 1, 0, 0, 4096, 0, 0);
    private static final Attributes ROOT = new Attributes(1, 0040755, 2, 0, 0, 0, 0, 0);
    private static final List<DirectoryEntry> ENTRIES = List.of(new DirectoryEntry("a", 1, 0100644));

    private final Connection connection;
    /** What was asked, in order; records, or words where there is no record. */
    final List<Object> asked = new ArrayList<>();

    final List<String> malformed = new ArrayList<>();
    final List<Request> failed = new ArrayList<>();
    /** Thrown by every method, instead of an answer. */
    @Nullable
    RuntimeException defect;

    AnsweringFileSystem(Connection connection) {
        this.connection = connection;
    }

    private void ask(Object what) {
        asked.add(what);
        if (defect != null) {
            throw defect;
        }
    }

    @Override
    public void lookup(Request.Lookup request) {
        ask(request);
        connection.replyEntry(request.unique(), 17, FILE);
    }

    @Override
    public void makeDirectory(Request.MakeDirectory request) {
        ask(request);
        connection.replyEntry(request.unique(), 18, ROOT);
    }

    @Override
    public void removeDirectory(Request.RemoveDirectory request) {
        ask(request);
        connection.replyOk(request.unique());
    }

    @Override
    public void forget(long node, long lookups) {
        ask("forget " + Long.toUnsignedString(node) + " " + Long.toUnsignedString(lookups));
    }

    @Override
    public void getAttributes(Request.GetAttributes request) {
        ask(request);
        connection.replyAttributes(request.unique(), request.node() == 1 ? ROOT : FILE);
    }

    @Override
    public void getExtendedAttributes(Request.GetExtendedAttributes request) {
        ask(request);
        connection.replyExtendedAttributes(request.unique(), request.node() == 1 ? ROOT : FILE);
    }

    @Override
    public void setAttributes(Request.SetAttributes request) {
        ask(request);
        connection.replyAttributes(request.unique(), request.node() == 1 ? ROOT : FILE);
    }

    @Override
    public void open(Request.Open request) {
        ask(request);
        connection.replyOpen(request.unique(), 7, OpenFlags.DIRECT_IO, 0);
    }

    @Override
    public void read(Request.Read request) {
        ask(request);
        connection.replyInt(request.unique(), 42);
    }

    @Override
    public void write(Request.Write request) {
        ask(request);
        connection.replyWritten(request.unique(), request.data().length);
    }

    @Override
    public void ioctl(Request.Ioctl request) {
        ask(request);
        connection.replyIoctl(request.unique(), 3);
    }

    @Override
    public void poll(Request.Poll request) {
        ask(request);
        connection.replyPoll(request.unique(), 1);
    }

    @Override
    public void release(Request.Release request) {
        ask(request);
        connection.replyOk(request.unique());
    }

    @Override
    public void readDirectory(Request.ReadDirectory request) {
        ask(request);
        connection.replyDirectory(request.unique(), ENTRIES, request.offset(), request.size());
    }

    @Override
    public void interrupt(long unique) {
        ask("interrupt " + Long.toUnsignedString(unique, 16));
    }

    @Override
    public void malformed(String why) {
        malformed.add(why);
    }

    @Override
    public void failed(Request request, RuntimeException defect) {
        failed.add(request);
    }
}
