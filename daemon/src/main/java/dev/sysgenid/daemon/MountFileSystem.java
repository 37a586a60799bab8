// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.abi.Generation;
import dev.sysgenid.fuse.Attributes;
import dev.sysgenid.fuse.Connection;
import dev.sysgenid.fuse.Connection.DirectoryEntry;
import dev.sysgenid.fuse.FileSystem;
import dev.sysgenid.fuse.Request;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Stat;
import dev.sysgenid.linux.Unistd;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The mounted directory: the device, and beside it three files for people and shell scripts.
 *
 * <pre>
 * sysgenid      the {@link Device}
 * generation    "7\n"; who may bump does so by writing the least new generation that it wants, or 0
 * watchers      who watches, and who is late: {@link WatcherList}
 * sources       what tells of restores: {@link Sources#report}
 * </pre>
 *
 * Every number in a request (node, handle) is looked up, never believed. Belongs to the loop's thread.
 */
final class MountFileSystem implements FileSystem {
    static final String DEVICE_NAME = "sysgenid";
    static final String GENERATION_NAME = "generation";
    static final String WATCHERS_NAME = "watchers";
    static final String SOURCES_NAME = "sources";

    private static final String DELETED = " (deleted)";

    private static final long ROOT = 1;
    static final long GENERATION_NODE = 2;
    private static final long WATCHERS_NODE = 3;
    /** The inode number that stat shows for the device, whichever of its inodes it is. */
    private static final long DEVICE_INODE = 4;

    private static final long SOURCES_NODE = 5;

    private static final List<DirectoryEntry> ENTRIES = List.of(
            new DirectoryEntry(".", ROOT, Stat.S_IFDIR),
            new DirectoryEntry("..", ROOT, Stat.S_IFDIR),
            new DirectoryEntry(DEVICE_NAME, DEVICE_INODE, Stat.S_IFREG),
            new DirectoryEntry(GENERATION_NAME, GENERATION_NODE, Stat.S_IFREG),
            new DirectoryEntry(WATCHERS_NAME, WATCHERS_NODE, Stat.S_IFREG),
            new DirectoryEntry(SOURCES_NAME, SOURCES_NODE, Stat.S_IFREG));

    private final Connection connection;
    private final Device device;
    private final Supplier<String> sources;
    private final Consumer<String> log;
    private final long startedSeconds;

    private final StateFile state;
    private final Map<Long, DeviceNode> deviceNodes = new HashMap<>();
    private static final long FIRST_NODE = 16;
    private long nextNode = FIRST_NODE;
    /** Nodes below this one were looked up when another daemon served; the kernel knows which there are. */
    private long inherited = FIRST_NODE;
    /** As {@link #inherited}, of handles. */
    private long inheritedHandles;

    /** Whether the kernel may know open files of which nobody noted anything that can still be read. */
    private boolean adopting;

    private final Map<Long, Device.OpenFile> deviceFiles = new HashMap<>();
    private final Map<Long, WatcherList> watcherLists = new HashMap<>();
    private long nextHandle = 1;

    private int deviceMode;
    private int uid;
    private int gid;

    /**
     * A directory with the device in it.
     *
     * @param deviceMode the device's permission bits
     * @param uid the owner of everything
     * @param gid the group of everything
     * @param sources what the file of that name says
     * @param log told of defects, one line each
     * @param state where what changes is noted
     */
    MountFileSystem(
            Connection connection,
            Device device,
            int deviceMode,
            int uid,
            int gid,
            Supplier<String> sources,
            Consumer<String> log,
            StateFile state) {
        this.connection = connection;
        this.device = device;
        this.deviceMode = deviceMode;
        this.uid = uid;
        this.gid = gid;
        this.sources = sources;
        this.log = log;
        this.state = state;
        startedSeconds = state.startedSeconds();
    }

    /** What another daemon has counted; from here on its nodes are known when the kernel asks about them. */
    void resume(long nextNode, long nextHandle) {
        this.nextNode = nextNode;
        this.inherited = nextNode;
        this.inheritedHandles = nextHandle;
        this.nextHandle = nextHandle;
        state.setNextNode(nextNode);
        state.setNextHandle(nextHandle);
    }

    /** From now on, an open file that nobody knows but the kernel is taken in as one. */
    void adoptOpenFiles() {
        adopting = true;
    }

    /** A node that the kernel may know: asked for, or looked up when another daemon served. */
    @Nullable
    DeviceNode node(long id) {
        DeviceNode node = deviceNodes.get(id);
        if (node == null && id >= FIRST_NODE && id < inherited) {
            // The kernel is the one to know: it asks about no node that it has forgotten. Each was looked up once.
            node = new DeviceNode(id);
            node.lookedUp();
            deviceNodes.put(id, node);
        }
        return node;
    }

    /** The nodes that are known here and that no open file leads to. */
    Set<DeviceNode> nodesNotOpen() {
        Set<DeviceNode> nodes = new HashSet<>(deviceNodes.values());
        deviceFiles.values().forEach(file -> nodes.remove(file.node));
        return nodes;
    }

    void restore(Device.OpenFile file) {
        deviceFiles.put(file.handle, file);
    }

    /** The open file of the device that a request is about; null for one of another file, or of none. */
    private Device.@Nullable OpenFile deviceFile(long handle, Request request) {
        Device.OpenFile file = deviceFiles.get(handle);
        if (file == null && adopting && request.node() >= FIRST_NODE && handle < inheritedHandles) {
            DeviceNode node = node(request.node());
            file = node == null ? null : device.adopt(node, handle, request.header());
            if (file != null) {
                deviceFiles.put(handle, file);
            }
        }
        return file;
    }

    /** How many inodes of the device the kernel knows. */
    int deviceNodes() {
        return deviceNodes.size();
    }

    @Override
    public void lookup(Request.Lookup request) {
        if (request.node() != ROOT) {
            connection.replyError(request.unique(), Errno.ENOTDIR);
            return;
        }
        switch (nameOf(request.name())) {
            case DEVICE_NAME -> {
                DeviceNode node = new DeviceNode(nextNode++);
                state.setNextNode(nextNode);
                node.lookedUp();
                deviceNodes.put(node.id(), node);
                connection.replyEntry(request.unique(), node.id(), deviceAttributes());
            }
            case GENERATION_NAME ->
                connection.replyEntry(request.unique(), GENERATION_NODE, textAttributes(GENERATION_NODE));
            case WATCHERS_NAME -> connection.replyEntry(request.unique(), WATCHERS_NODE, textAttributes(WATCHERS_NODE));
            case SOURCES_NAME -> connection.replyEntry(request.unique(), SOURCES_NODE, textAttributes(SOURCES_NODE));
            default -> connection.replyError(request.unique(), Errno.ENOENT);
        }
    }

    /**
     * The file that a name means. The kernel shows the path of an inode that was looked up afresh since with {@value #DELETED}
     * behind it, and CRIU, which takes paths from there, asks for that name at a checkpoint and opens it at a restore. So
     * it is the device too; once more behind each further checkpoint.
     */
    private static String nameOf(String asked) {
        int end = asked.length();
        while (asked.startsWith(DELETED, end - DELETED.length())) {
            end -= DELETED.length();
        }
        String name = asked.substring(0, end);
        return name.equals(DEVICE_NAME) ? name : asked;
    }

    @Override
    public void forget(long node, long lookups) {
        DeviceNode forgotten = deviceNodes.get(node);
        if (forgotten != null && forgotten.forget(lookups)) {
            deviceNodes.remove(node);
            device.drop(forgotten);
        }
    }

    @Override
    public void getAttributes(Request.GetAttributes request) {
        replyAttributes(request);
    }

    @Override
    public void getExtendedAttributes(Request.GetExtendedAttributes request) {
        Attributes attributes = attributes(request.node());
        if (attributes == null) {
            connection.replyError(request.unique(), Errno.ENOENT);
        } else {
            connection.replyExtendedAttributes(request.unique(), attributes);
        }
    }

    /**
     * chmod and chown of the device hold for all of its inodes; the kernel has checked that the caller may. New times, and
     * O_TRUNC at an open, mean nothing on a device and are accepted; ftruncate is refused, as a device refuses it.
     */
    @Override
    public void setAttributes(Request.SetAttributes request) {
        boolean resize = (request.valid() & Request.SetAttributes.SIZE) != 0;
        if (resize && ((request.valid() & Request.SetAttributes.HANDLE) != 0 || request.size() != 0)) {
            connection.replyError(request.unique(), Errno.EINVAL);
            return;
        }
        int wanted =
                request.valid() & (Request.SetAttributes.MODE | Request.SetAttributes.UID | Request.SetAttributes.GID);
        if (wanted != 0) {
            if (node(request.node()) == null) {
                connection.replyError(request.unique(), Errno.EPERM);
                return;
            }
            if ((wanted & Request.SetAttributes.MODE) != 0) {
                deviceMode = request.mode() & 0777;
            }
            if ((wanted & Request.SetAttributes.UID) != 0) {
                uid = request.uid();
            }
            if ((wanted & Request.SetAttributes.GID) != 0) {
                gid = request.gid();
            }
            noteOwner();
        }
        replyAttributes(request);
    }

    private void noteOwner() {
        StateFile.DomainRecord domain = state.domain();
        if (domain != null) {
            state.setDomain(
                    StateFile.OTHER,
                    0,
                    new StateFile.DomainRecord(
                            domain.content(), domain.serial(), domain.bumpedAt(), deviceMode, uid, gid));
            state.settle();
        }
    }

    private void replyAttributes(Request request) {
        Attributes attributes = attributes(request.node());
        if (attributes == null) {
            connection.replyError(request.unique(), Errno.ENOENT);
        } else {
            connection.replyAttributes(request.unique(), attributes);
        }
    }

    @Override
    public void open(Request.Open request) {
        long handle = nextHandle++;
        state.setNextHandle(nextHandle);
        DeviceNode node = node(request.node());
        if (node != null) {
            Device.OpenFile file = device.open(request, node, handle);
            if (file != null) {
                deviceFiles.put(handle, file);
            }
        } else if (isText(request.node())) {
            if (request.node() != GENERATION_NODE && (request.flags() & Unistd.O_ACCMODE) != Unistd.O_RDONLY) {
                connection.replyError(request.unique(), Errno.EACCES);
                return;
            }
            if (request.node() == WATCHERS_NODE) {
                watcherLists.put(handle, new WatcherList(device.domain()));
            }
            connection.replyOpen(request.unique(), handle, dev.sysgenid.fuse.OpenFlags.DIRECT_IO, 0);
        } else {
            connection.replyError(request.unique(), request.node() == ROOT ? Errno.EISDIR : Errno.ENOENT);
        }
    }

    @Override
    public void read(Request.Read request) {
        Device.OpenFile file = deviceFile(request.handle(), request);
        if (file != null) {
            device.read(request, file);
            return;
        }
        int size = (int) Math.min(Integer.toUnsignedLong(request.size()), Connection.MAX_READ_REPLY);
        WatcherList list = watcherLists.get(request.handle());
        if (list == null && request.node() == WATCHERS_NODE && request.handle() < inheritedHandles) {
            // Opened when an earlier daemon served; where its reader stands is in the request.
            list = new WatcherList(device.domain());
            watcherLists.put(request.handle(), list);
        }
        if (list != null) {
            byte[] text = list.read(request.offset(), size);
            connection.replyData(request.unique(), text, 0, text.length);
        } else if (request.node() == GENERATION_NODE || request.node() == SOURCES_NODE) {
            String content = request.node() == GENERATION_NODE
                    ? Generation.toString(device.domain().generation()) + "\n"
                    : sources.get();
            byte[] text = content.getBytes(StandardCharsets.UTF_8);
            int from = Math.clamp(request.offset(), 0, text.length);
            connection.replyData(request.unique(), text, from, Math.min(size, text.length - from));
        } else {
            connection.replyError(request.unique(), Errno.EBADF);
        }
    }

    @Override
    public void write(Request.Write request) {
        Device.OpenFile file = deviceFile(request.handle(), request);
        if (file != null) {
            device.write(request, file);
        } else if (request.node() == GENERATION_NODE) {
            device.writeGeneration(request);
        } else {
            connection.replyError(request.unique(), Errno.EBADF);
        }
    }

    @Override
    public void ioctl(Request.Ioctl request) {
        Device.OpenFile file = deviceFile(request.handle(), request);
        if (file == null) {
            connection.replyError(request.unique(), Errno.ENOTTY);
        } else {
            device.ioctl(request, file);
        }
    }

    @Override
    public void poll(Request.Poll request) {
        Device.OpenFile file = deviceFile(request.handle(), request);
        if (file == null) {
            // The text files are always readable, as ordinary files are.
            connection.replyPoll(
                    request.unique(), dev.sysgenid.core.Domain.POLLIN | dev.sysgenid.core.Domain.POLLRDNORM);
        } else {
            device.poll(request, file);
        }
    }

    @Override
    public void release(Request.Release request) {
        Device.OpenFile file = deviceFiles.remove(request.handle());
        if (file != null) {
            device.close(file);
        } else {
            watcherLists.remove(request.handle());
        }
        connection.replyOk(request.unique());
    }

    @Override
    public void readDirectory(Request.ReadDirectory request) {
        connection.replyDirectory(request.unique(), ENTRIES, request.offset(), request.size());
    }

    @Override
    public void interrupt(long unique) {
        device.interrupt(unique);
    }

    @Override
    public void malformed(String why) {
        log.accept("a message on /dev/fuse that makes no sense was answered with EIO: " + why);
    }

    @Override
    public void failed(Request request, RuntimeException defect) {
        log.accept("a defect: request " + request + " was answered with EIO: " + defect);
        if (System.getenv("SYSGENID_DEBUG") != null) {
            defect.printStackTrace();
        }
    }

    private @Nullable Attributes attributes(long node) {
        if (node == ROOT) {
            return attributes(ROOT, Stat.S_IFDIR | 0755, 2, 0);
        }
        if (isText(node)) {
            return textAttributes(node);
        }
        return node(node) != null ? deviceAttributes() : null;
    }

    private static boolean isText(long node) {
        return node == GENERATION_NODE || node == WATCHERS_NODE || node == SOURCES_NODE;
    }

    private Attributes deviceAttributes() {
        return attributes(DEVICE_INODE, Stat.S_IFREG | deviceMode, 1, dev.sysgenid.abi.Page.SIZE);
    }

    /**
     * Of a size that is at least that of the text, as in /sys: read until the end. With a size of 0, as in /proc, the kernel
     * gives nothing to {@code sendfile}, by which busybox's {@code cat} reads.
     */
    private Attributes textAttributes(long node) {
        long size = dev.sysgenid.abi.Page.SIZE;
        if (node == WATCHERS_NODE) {
            size *= 1 + WatcherList.maxLength(device.domain()) / size;
        }
        return attributes(node, Stat.S_IFREG | (node == GENERATION_NODE ? 0644 : 0444), 1, size);
    }

    private Attributes attributes(long inode, int mode, int links, long size) {
        return new Attributes(inode, mode, links, uid, gid, size, startedSeconds, 0);
    }
}
