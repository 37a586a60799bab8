// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.fuse;

import static dev.sysgenid.fuse.Wire.U16;
import static dev.sysgenid.fuse.Wire.U32;
import static dev.sysgenid.fuse.Wire.U64;
import static dev.sysgenid.fuse.Wire.U8;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.function.Function;

/**
 * Bytes to requests. Total: any bytes give a request, if need be {@link Request.Malformed} or {@link
 * Request.Unsupported}; nothing is read beyond the message and nothing is thrown. Pure, and safe for any thread.
 */
final class RequestReader {
    private RequestReader() {}

    /**
     * Reads one message.
     *
     * @param buffer holds the message at its start
     * @param length how many bytes of the buffer the kernel filled
     */
    static Request read(MemorySegment buffer, long length) {
        if (length < Wire.InHeader.SIZE) {
            return new Request.Malformed(new Request.Header(0, 0, 0, 0, 0, 0), "shorter than a header: " + length);
        }
        Request.Header header = new Request.Header(
                buffer.get(U32, Wire.InHeader.OPCODE),
                buffer.get(U64, Wire.InHeader.UNIQUE),
                buffer.get(U64, Wire.InHeader.NODE),
                buffer.get(U32, Wire.InHeader.UID),
                buffer.get(U32, Wire.InHeader.GID),
                buffer.get(U32, Wire.InHeader.PID));
        long said = Integer.toUnsignedLong(buffer.get(U32, Wire.InHeader.LENGTH));
        long extensions = 8L * Short.toUnsignedInt(buffer.get(U16, Wire.InHeader.EXTENSIONS));
        if (said != length) {
            return new Request.Malformed(header, "length " + length + " is not the header's " + said);
        }
        if (length - Wire.InHeader.SIZE < extensions) {
            return new Request.Malformed(header, extensions + " bytes of extensions in a message of " + length);
        }
        if (header.unique() == 0) {
            return new Request.Malformed(header, "opcode " + header.opcode() + " with no number to answer it by");
        }
        long bodyLength = length - Wire.InHeader.SIZE - extensions;
        MemorySegment body = buffer.asSlice(Wire.InHeader.SIZE, bodyLength);
        if (bodyLength < leastBody(header.opcode())) {
            return new Request.Malformed(
                    header, "opcode " + header.opcode() + " with a body of only " + bodyLength + " bytes");
        }
        return body(header, body);
    }

    private static int leastBody(int opcode) {
        return switch (opcode) {
            case Opcode.FORGET -> Wire.ForgetIn.SIZE;
            case Opcode.BATCH_FORGET -> Wire.BatchForgetIn.SIZE;
            case Opcode.GETATTR -> Wire.GetattrIn.SIZE;
            case Opcode.STATX -> Wire.StatxIn.SIZE;
            case Opcode.SETATTR -> Wire.SetattrIn.SIZE;
            case Opcode.OPEN, Opcode.OPENDIR -> Wire.OpenIn.SIZE;
            case Opcode.READ, Opcode.READDIR -> Wire.ReadIn.SIZE;
            case Opcode.WRITE -> Wire.WriteIn.SIZE;
            case Opcode.IOCTL -> Wire.IoctlIn.SIZE;
            case Opcode.POLL -> Wire.PollIn.SIZE;
            case Opcode.INTERRUPT -> Wire.InterruptIn.SIZE;
            case Opcode.FLUSH, Opcode.RELEASE, Opcode.RELEASEDIR -> Wire.ReleaseIn.SIZE;
            case Opcode.INIT -> Wire.InitIn.LEAST_SIZE;
            case Opcode.MKDIR -> Wire.MkdirIn.SIZE;
            default -> 0;
        };
    }

    private static Request body(Request.Header header, MemorySegment body) {
        return switch (header.opcode()) {
            case Opcode.LOOKUP -> named(header, body, name -> new Request.Lookup(header, name));
            case Opcode.MKDIR ->
                named(
                        header,
                        body.asSlice(Wire.MkdirIn.SIZE),
                        name -> new Request.MakeDirectory(
                                header, name, body.get(U32, Wire.MkdirIn.MODE), body.get(U32, Wire.MkdirIn.UMASK)));
            case Opcode.RMDIR -> named(header, body, name -> new Request.RemoveDirectory(header, name));
            case Opcode.FORGET -> new Request.Forget(header, body.get(U64, Wire.ForgetIn.LOOKUPS));
            case Opcode.BATCH_FORGET -> batchForget(header, body);
            case Opcode.GETATTR -> new Request.GetAttributes(header);
            case Opcode.STATX -> new Request.GetExtendedAttributes(header);
            case Opcode.SETATTR ->
                new Request.SetAttributes(
                        header,
                        body.get(U32, Wire.SetattrIn.VALID),
                        body.get(U64, Wire.SetattrIn.FILE_SIZE),
                        body.get(U32, Wire.SetattrIn.MODE),
                        body.get(U32, Wire.SetattrIn.UID),
                        body.get(U32, Wire.SetattrIn.GID));
            case Opcode.OPEN -> new Request.Open(header, body.get(U32, Wire.OpenIn.FLAGS));
            case Opcode.OPENDIR -> new Request.OpenDirectory(header);
            case Opcode.READ ->
                new Request.Read(
                        header,
                        body.get(U64, Wire.ReadIn.HANDLE),
                        body.get(U64, Wire.ReadIn.OFFSET),
                        body.get(U32, Wire.ReadIn.BYTES),
                        body.get(U32, Wire.ReadIn.FILE_FLAGS),
                        (body.get(U32, Wire.ReadIn.READ_FLAGS) & Wire.ReadIn.LOCKOWNER) != 0);
            case Opcode.READDIR ->
                new Request.ReadDirectory(
                        header,
                        body.get(U64, Wire.ReadIn.HANDLE),
                        body.get(U64, Wire.ReadIn.OFFSET),
                        body.get(U32, Wire.ReadIn.BYTES));
            case Opcode.WRITE -> write(header, body);
            case Opcode.IOCTL ->
                new Request.Ioctl(
                        header,
                        body.get(U64, Wire.IoctlIn.HANDLE),
                        body.get(U32, Wire.IoctlIn.COMMAND),
                        body.get(U64, Wire.IoctlIn.ARGUMENT));
            case Opcode.POLL ->
                new Request.Poll(
                        header,
                        body.get(U64, Wire.PollIn.HANDLE),
                        body.get(U64, Wire.PollIn.KERNEL_HANDLE),
                        (body.get(U32, Wire.PollIn.FLAGS) & Wire.PollIn.SCHEDULE_NOTIFY) != 0);
            case Opcode.INTERRUPT -> new Request.Interrupt(header, body.get(U64, Wire.InterruptIn.UNIQUE));
            case Opcode.FLUSH -> new Request.Flush(header, body.get(U64, Wire.ReleaseIn.HANDLE));
            case Opcode.RELEASE -> new Request.Release(header, body.get(U64, Wire.ReleaseIn.HANDLE));
            case Opcode.RELEASEDIR -> new Request.ReleaseDirectory(header, body.get(U64, Wire.ReleaseIn.HANDLE));
            case Opcode.STATFS -> new Request.StatFileSystem(header);
            case Opcode.INIT ->
                new Request.Initialize(
                        header,
                        body.get(U32, Wire.InitIn.MAJOR),
                        body.get(U32, Wire.InitIn.MINOR),
                        body.get(U32, Wire.InitIn.MAX_READAHEAD),
                        body.get(U32, Wire.InitIn.FLAGS),
                        body.byteSize() >= Wire.InitIn.FLAGS2 + 4 ? body.get(U32, Wire.InitIn.FLAGS2) : 0);
            case Opcode.DESTROY -> new Request.Destroy(header);
            case Opcode.SYMLINK,
                    Opcode.MKNOD,
                    Opcode.UNLINK,
                    Opcode.RENAME,
                    Opcode.RENAME2,
                    Opcode.LINK,
                    Opcode.CREATE -> new Request.ChangeDirectory(header);
            default -> new Request.Unsupported(header);
        };
    }

    private static Request named(Request.Header header, MemorySegment body, Function<String, Request> made) {
        long length = body.byteSize();
        if (length < 2 || body.get(U8, length - 1) != 0) {
            return new Request.Malformed(header, "a name that does not end");
        }
        byte[] name = body.asSlice(0, length - 1).toArray(ValueLayout.JAVA_BYTE);
        return made.apply(new String(name, StandardCharsets.UTF_8));
    }

    private static Request batchForget(Request.Header header, MemorySegment body) {
        long count = Integer.toUnsignedLong(body.get(U32, Wire.BatchForgetIn.COUNT));
        if (count > (body.byteSize() - Wire.BatchForgetIn.SIZE) / Wire.BatchForgetIn.ONE_SIZE) {
            return new Request.Malformed(header, "a batch of " + count + " in " + body.byteSize() + " bytes");
        }
        long[] nodes = new long[(int) count];
        long[] lookups = new long[(int) count];
        for (int i = 0; i < count; i++) {
            long at = Wire.BatchForgetIn.SIZE + (long) i * Wire.BatchForgetIn.ONE_SIZE;
            nodes[i] = body.get(U64, at + Wire.BatchForgetIn.ONE_NODE);
            lookups[i] = body.get(U64, at + Wire.BatchForgetIn.ONE_LOOKUPS);
        }
        return new Request.BatchForget(header, nodes, lookups);
    }

    private static Request write(Request.Header header, MemorySegment body) {
        long size = Integer.toUnsignedLong(body.get(U32, Wire.WriteIn.BYTES));
        if (size != body.byteSize() - Wire.WriteIn.SIZE) {
            return new Request.Malformed(
                    header, "a write of " + size + " with " + (body.byteSize() - Wire.WriteIn.SIZE) + " bytes of data");
        }
        return new Request.Write(
                header,
                body.get(U64, Wire.WriteIn.HANDLE),
                body.get(U64, Wire.WriteIn.OFFSET),
                body.asSlice(Wire.WriteIn.SIZE, size).toArray(ValueLayout.JAVA_BYTE),
                (body.get(U32, Wire.WriteIn.WRITE_FLAGS) & Wire.WriteIn.CACHE) == 0);
    }
}
