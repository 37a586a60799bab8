// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.fuse;

import dev.sysgenid.linux.Errno;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A conversation with the kernel about one mount: the handshake, then one request after the other to a {@link
 * FileSystem}. What the file system need not know is answered here.
 *
 * <p>Belongs to one thread. A request never ends the session, whatever is in it; only an unmount does.
 */
public final class Session {
    /** What one call of {@link #serveOne} did. */
    public enum Outcome {
        /** A request was taken and handed on. */
        SERVED,
        /** There was no request. */
        IDLE,
        /** The file system is unmounted, or the connection aborted: there will be none any more. */
        ENDED
    }

    private final Connection connection;
    private final boolean wantPassthrough;
    private final ArrayDeque<Request> deferred = new ArrayDeque<>();
    private @Nullable FileSystem fileSystem;
    private boolean initialized;
    private boolean passthrough;
    private boolean sharedMappings;

    /**
     * A session before its handshake. {@link #serveOne} makes it; what was agreed is known then, and {@link #start} must be
     * called before the next request.
     *
     * @param wantPassthrough whether to use passthrough where the kernel has it
     */
    public Session(Connection connection, boolean wantPassthrough) {
        this.connection = connection;
        this.wantPassthrough = wantPassthrough;
    }

    /**
     * Goes on with a conversation whose handshake another server has made; instead of {@link #serveOne} until {@link
     * #initialized}.
     *
     * @param passthrough as was agreed then
     * @param sharedMappings as was agreed then
     */
    public void resume(boolean passthrough, boolean sharedMappings) {
        initialized = true;
        this.passthrough = passthrough;
        this.sharedMappings = sharedMappings;
    }

    /** From now on requests go to {@code fileSystem}. */
    public void start(FileSystem fileSystem) {
        this.fileSystem = fileSystem;
    }

    /** Whether the handshake has been made. */
    public boolean initialized() {
        return initialized;
    }

    /** After the handshake: whether the kernel agreed to back files by others. */
    public boolean passthrough() {
        return passthrough;
    }

    /** After the handshake: whether a file whose reads go to the server can be mapped shared. */
    public boolean sharedMappings() {
        return sharedMappings;
    }

    /** Serves one request, if there is one: first those that {@link #serveOnly} put off, in their order. Does not block. */
    public Outcome serveOne() {
        Request request = deferred.poll();
        if (request != null) {
            serve(request);
            return Outcome.SERVED;
        }
        return receiveThen(this::serve);
    }

    /** Whether there are requests that {@link #serveOnly} put off. */
    public boolean hasDeferred() {
        return !deferred.isEmpty();
    }

    /**
     * Takes one request, if there is one, and serves it if it is {@code urgent}; else it is put off. This is for a file
     * system in the middle of a change that must look like one step to everybody. Does not block.
     */
    public Outcome serveOnly(Predicate<Request> urgent) {
        return receiveThen(request -> {
            if (urgent.test(request)) {
                serve(request);
            } else {
                deferred.add(request);
            }
        });
    }

    /**
     * Takes all requests that were sent again ({@link Request#resent}), and those that overtake others; the rest are put
     * off. Does not block.
     */
    public List<Request> takeResent() {
        List<Request> taken = new ArrayList<>();
        while (true) {
            Request request = deferred.peek();
            if (request == null) {
                if (receiveThen(deferred::add) != Outcome.SERVED) {
                    return taken;
                }
            } else if (request.resent() || overtakes(request)) {
                taken.add(deferred.remove());
            } else {
                return taken;
            }
        }
    }

    /**
     * Serves those of the requests that were put off which are {@code urgent}. {@link #takeResent} looks one request too far, and
     * {@link #serveOnly} takes none of those.
     */
    public void serveDeferred(Predicate<Request> urgent) {
        List<Request> due = deferred.stream().filter(urgent).toList();
        deferred.removeIf(urgent);
        due.forEach(this::serve);
    }

    /** Serves a request of {@link #takeResent}. */
    public void serveTaken(Request request) {
        serve(request);
    }

    /** Forgets and interrupts come before all others, and are never sent again. */
    private static boolean overtakes(Request request) {
        return request instanceof Request.Forget
                || request instanceof Request.BatchForget
                || request instanceof Request.Interrupt;
    }

    private Outcome receiveThen(Consumer<Request> action) {
        long length = connection.receive();
        if (length < 0) {
            return switch ((int) -length) {
                case Errno.EAGAIN -> Outcome.IDLE;
                // ENOENT: the request was taken back while it was copied. ENODEV, ECONNABORTED: the end.
                case Errno.EINTR, Errno.ENOENT -> Outcome.SERVED;
                case Errno.ENODEV, Errno.ECONNABORTED, Errno.ENOTCONN, Errno.EBADF -> Outcome.ENDED;
                default -> throw new IllegalStateException("cannot read /dev/fuse: " + Errno.describe((int) -length));
            };
        }
        action.accept(connection.request(length));
        return Outcome.SERVED;
    }

    private void serve(Request request) {
        if (request instanceof Request.Initialize initialize && !initialized) {
            initialize(initialize);
            return;
        }
        FileSystem fileSystem = this.fileSystem;
        if (fileSystem == null) {
            // The kernel holds everything back until the handshake, so this is not the kernel's doing.
            refuse(request);
            return;
        }
        try {
            dispatch(request, fileSystem);
        } catch (RuntimeException e) {
            // A defect of this server costs the one who met it an EIO, and nobody else anything.
            fileSystem.failed(request, e);
            refuse(request);
        }
    }

    /**
     * Answers with EIO what is to be answered at all. What looks like an answer to number 0 is a notification to the
     * kernel, and one that it refuses.
     */
    private void refuse(Request request) {
        switch (request.header().opcode()) {
            case Opcode.FORGET, Opcode.BATCH_FORGET, Opcode.INTERRUPT -> {}
            default -> {
                if (request.unique() != 0) {
                    connection.replyError(request.unique(), Errno.EIO);
                }
            }
        }
    }

    private void dispatch(Request request, FileSystem fileSystem) {
        long unique = request.unique();
        switch (request) {
            case Request.Lookup lookup -> fileSystem.lookup(lookup);
            case Request.Forget forget -> fileSystem.forget(forget.node(), forget.lookups());
            case Request.BatchForget batch -> {
                for (int i = 0; i < batch.nodes().length; i++) {
                    fileSystem.forget(batch.nodes()[i], batch.lookups()[i]);
                }
            }
            case Request.GetAttributes get -> fileSystem.getAttributes(get);
            case Request.GetExtendedAttributes get -> fileSystem.getExtendedAttributes(get);
            case Request.SetAttributes set -> fileSystem.setAttributes(set);
            case Request.Open open -> fileSystem.open(open);
            case Request.Read read -> fileSystem.read(read);
            case Request.Write write -> fileSystem.write(write);
            case Request.Ioctl ioctl -> fileSystem.ioctl(ioctl);
            case Request.Poll poll -> fileSystem.poll(poll);
            case Request.Release release -> fileSystem.release(release);
            case Request.ReadDirectory directory -> fileSystem.readDirectory(directory);
            case Request.Interrupt interrupt -> fileSystem.interrupt(interrupt.interrupted());
            case Request.OpenDirectory _ -> connection.replyOpen(unique, 0, 0, 0);
            case Request.ReleaseDirectory _, Request.Flush _ -> connection.replyOk(unique);
            case Request.StatFileSystem _ -> connection.replyFileSystem(unique);
            case Request.MakeDirectory make -> fileSystem.makeDirectory(make);
            case Request.RemoveDirectory remove -> fileSystem.removeDirectory(remove);
            case Request.ChangeDirectory _ -> connection.replyError(unique, Errno.EPERM);
            case Request.Initialize _ -> {
                // What was agreed is in use by now.
                fileSystem.malformed("a second handshake");
                refuse(request);
            }
            case Request.Destroy _ -> connection.replyOk(unique);
            case Request.Unsupported unsupported ->
                connection.replyError(unique, refusal(unsupported.header().opcode()));
            case Request.Malformed malformed -> {
                fileSystem.malformed(malformed.why());
                refuse(malformed);
            }
        }
    }

    /** What a character device without the operation answers; the kernel remembers ENOSYS and then acts by itself. */
    private static int refusal(int opcode) {
        return switch (opcode) {
            case Opcode.FSYNC, Opcode.COPY_FILE_RANGE, Opcode.COPY_FILE_RANGE_64 -> Errno.EINVAL;
            case Opcode.FALLOCATE -> Errno.ENODEV;
            // Extended attributes are not supported, lseek is the kernel's own.
            default -> Errno.ENOSYS;
        };
    }

    private void initialize(Request.Initialize request) {
        if (request.major() < Wire.MAJOR || (request.major() == Wire.MAJOR && request.minor() < Wire.LEAST_MINOR)) {
            connection.replyError(request.unique(), Errno.EPROTO);
            return;
        }
        // With a newer major version the kernel expects ours, and then asks again with that one.
        int offered = (request.flags() & Wire.InitOut.INIT_EXT) != 0 ? request.flags2() : 0;
        int wanted = Wire.InitOut.DIRECT_IO_ALLOW_MMAP | Wire.InitOut.NO_EXPORT_SUPPORT;
        if (wantPassthrough) {
            wanted |= Wire.InitOut.PASSTHROUGH;
        }
        int flags2 = offered & wanted;
        passthrough = (flags2 & Wire.InitOut.PASSTHROUGH) != 0;
        sharedMappings = (flags2 & Wire.InitOut.DIRECT_IO_ALLOW_MMAP) != 0;
        initialized = request.major() == Wire.MAJOR;
        connection.replyInit(request.unique(), request.maxReadahead(), request.flags() & Wire.InitOut.INIT_EXT, flags2);
    }
}
