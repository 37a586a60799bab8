// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.fuse.Attributes;
import dev.sysgenid.fuse.Connection;
import dev.sysgenid.fuse.FileSystem;
import dev.sysgenid.fuse.Request;
import dev.sysgenid.fuse.Session;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Mount;
import dev.sysgenid.linux.Poll;
import dev.sysgenid.linux.Stat;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A mount with nothing in it, of the type that the daemon's have: somebody else's daemon. Not for more than tests. */
final class EmptyDirectory implements FileSystem, AutoCloseable {
    private final Arena arena = Arena.ofShared();
    /** The descriptor of the connection. */
    final int device;

    final Connection connection;
    final Session session;
    final List<String> log = new ArrayList<>();

    private EmptyDirectory(int device) {
        this.device = device;
        connection = new Connection(device, log::add, arena);
        session = new Session(connection, true);
        session.start(this);
    }

    /** Mounts in the calling thread's mount namespace, without the handshake. */
    static EmptyDirectory mount(Path path, String type) throws SystemCallException {
        int device = SystemCallException.check(
                Unistd.open("/dev/fuse", Unistd.O_RDWR | Unistd.O_CLOEXEC | Unistd.O_NONBLOCK, 0), "open", "/dev/fuse");
        SystemCallException.check(
                Mount.mount(
                        "test",
                        path.toString(),
                        type,
                        Mount.MS_NOSUID | Mount.MS_NODEV,
                        "fd=" + device + ",rootmode=40755,user_id=0,group_id=0,allow_other,default_permissions"),
                "mount",
                path);
        return new EmptyDirectory(device);
    }

    /** Makes the handshake. */
    void shakeHands() {
        while (!session.initialized()) {
            Poll.poll(device, Poll.POLLIN, -1);
            session.serveOne();
        }
    }

    /** Serves on a thread of its own until the connection ends. */
    void serve() {
        Thread.ofPlatform().daemon().start(() -> {
            do {
                Poll.poll(device, Poll.POLLIN, -1);
            } while (session.serveOne() != Session.Outcome.ENDED);
        });
    }

    /** As when its process is killed: the mount stays, and is dead. */
    @Override
    public void close() {
        Unistd.close(device);
        // Not the arena: the serving thread may just be looking into it, for a last time.
    }

    private static final Attributes ROOT = new Attributes(1, Stat.S_IFDIR | 0755, 2, 0, 0, 0, 0, 0);

    @Override
    public void lookup(Request.Lookup request) {
        connection.replyError(request.unique(), Errno.ENOENT);
    }

    @Override
    public void makeDirectory(Request.MakeDirectory request) {
        connection.replyError(request.unique(), Errno.EPERM);
    }

    @Override
    public void removeDirectory(Request.RemoveDirectory request) {
        connection.replyError(request.unique(), Errno.EPERM);
    }

    @Override
    public void forget(long node, long lookups) {}

    @Override
    public void getAttributes(Request.GetAttributes request) {
        connection.replyAttributes(request.unique(), ROOT);
    }

    @Override
    public void getExtendedAttributes(Request.GetExtendedAttributes request) {
        connection.replyExtendedAttributes(request.unique(), ROOT);
    }

    @Override
    public void setAttributes(Request.SetAttributes request) {
        connection.replyError(request.unique(), Errno.EPERM);
    }

    @Override
    public void open(Request.Open request) {
        connection.replyError(request.unique(), Errno.EPERM);
    }

    @Override
    public void read(Request.Read request) {
        connection.replyError(request.unique(), Errno.EPERM);
    }

    @Override
    public void write(Request.Write request) {
        connection.replyError(request.unique(), Errno.EPERM);
    }

    @Override
    public void ioctl(Request.Ioctl request) {
        connection.replyError(request.unique(), Errno.EPERM);
    }

    @Override
    public void poll(Request.Poll request) {
        connection.replyError(request.unique(), Errno.EPERM);
    }

    @Override
    public void release(Request.Release request) {
        connection.replyOk(request.unique());
    }

    @Override
    public void readDirectory(Request.ReadDirectory request) {
        connection.replyDirectory(request.unique(), List.of(), 0, 0);
    }

    @Override
    public void interrupt(long unique) {}

    @Override
    public void malformed(String why) {
        log.add(why);
    }

    @Override
    public void failed(Request request, RuntimeException defect) {
        log.add(request + ": " + defect);
    }
}
