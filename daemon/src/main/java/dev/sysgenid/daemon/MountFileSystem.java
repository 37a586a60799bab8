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
import dev.sysgenid.linux.SystemCallException;
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
 * The mounted directory: the device, and beside it four files for people and shell scripts.
 *
 * <pre>
 * sysgenid      the {@link Device}
 * generation    "7\n"; who may bump does so by writing the least new generation that it wants, or 0
 * watchers      who watches, and who is late: {@link WatcherList}
 * sources       what tells of restores: {@link Sources#report}
 * health        what the self-check has found: {@link SelfCheck#report}
 * NAME/         a domain for one container: mkdir makes it, rmdir removes it; in it are the first three
 * </pre>
 *
 * Every number in a request (node, handle) is looked up, never believed. Belongs to the loop's thread.
 */
final class MountFileSystem implements FileSystem {
    static final String DEVICE_NAME = "sysgenid";
    static final String GENERATION_NAME = "generation";
    static final String WATCHERS_NAME = "watchers";
    static final String SOURCES_NAME = "sources";
    static final String HEALTH_NAME = "health";

    private static final String DELETED = " (deleted)";

    private final Connection connection;
    private final Domains domains;
    private final Supplier<String> sources;
    private Supplier<String> health = () -> "";
    private final Consumer<String> log;
    private final long startedSeconds;

    private final StateFile state;
    /** Those that were opened. Of one that was only looked up its number says all, and anybody can look up without end. */
    private final Map<Long, DeviceNode> deviceNodes = new HashMap<>();
    /** The count of the next node, see {@link NodeIds}. */
    private long nextNode = NodeIds.FIRST;
    /** Nodes with a lower count were looked up when another daemon served; the kernel knows which there are. */
    private long inherited = NodeIds.FIRST;
    /** As {@link #inherited}, of handles. */
    private long inheritedHandles;

    /** The kernel may know nodes with a lower count of which nothing is noted that can still be read. 0: it knows none. */
    private long lostNodes;
    /** As {@link #lostNodes}, of handles. */
    private long lostHandles;

    private int nothingKnown;

    private final Map<Long, OpenFile> deviceFiles = new HashMap<>();
    private final WatcherLists lists;
    private long nextHandle = 1;

    /**
     * A directory with the device in it.
     *
     * @param domains the machine's, and those below
     * @param sources what the file of that name says
     * @param log told of defects, one line each
     * @param state where what changes is noted
     */
    MountFileSystem(
            Connection connection, Domains domains, Supplier<String> sources, Consumer<String> log, StateFile state) {
        this.connection = connection;
        this.domains = domains;
        this.lists = new WatcherLists(domains.machine().quotas());
        this.sources = sources;
        this.log = log;
        this.state = state;
        startedSeconds = state.startedSeconds();
    }

    /** What the file {@code health} says from now on. */
    void setHealth(Supplier<String> report) {
        health = report;
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

    /**
     * From now on, an open file that nobody knows but the kernel is taken in as one.
     *
     * @param nodes those with a lower count may be lost
     * @param handles lower ones may be lost
     * @param generation for a domain that nobody knows but the kernel
     */
    void adoptOpenFiles(long nodes, long handles, int generation) {
        lostNodes = nodes;
        lostHandles = handles;
        nothingKnown = generation;
    }

    /** As {@link #known}, and kept until the kernel forgets it: it is to have a page, or has one. */
    @Nullable
    DeviceNode node(long id) {
        DeviceNode node = known(id);
        if (node != null) {
            deviceNodes.put(id, node);
        }
        return node;
    }

    /** A node that was looked up, when this daemon served or another. The kernel asks about none that it has forgotten. */
    private @Nullable DeviceNode known(long id) {
        DeviceNode node = deviceNodes.get(id);
        if (node == null && NodeIds.kind(id) == NodeIds.DEVICE && NodeIds.count(id) < nextNode) {
            boolean mayBeLost = NodeIds.count(id) < lostNodes;
            Device device = mayBeLost ? domains.ofOrLost(id, nothingKnown) : domains.of(id);
            node = device == null ? null : new DeviceNode(id, device);
        }
        return node;
    }

    private long takeNode() {
        long taken = nextNode++;
        state.setNextNode(nextNode);
        return taken;
    }

    /**
     * The nodes from before that are known here and that no open file leads to. One that was looked up since is none of them: whoever
     * looked it up may not yet have run, and then the kernel has no inode for it.
     */
    Set<DeviceNode> inheritedNotOpen() {
        Set<DeviceNode> nodes = new HashSet<>(deviceNodes.values());
        nodes.removeIf(node -> NodeIds.count(node.id()) >= inherited);
        deviceFiles.values().forEach(file -> nodes.remove(file.node));
        return nodes;
    }

    void restore(OpenFile file) {
        deviceFiles.put(file.handle, file);
    }

    /** Whether a request about this open file would have it taken in, if it is one of the device. */
    boolean mayBeLost(long handle) {
        return handle < lostHandles && !deviceFiles.containsKey(handle);
    }

    /** The open file of the device that a request is about; null for one of another file, or of none. */
    private @Nullable OpenFile deviceFile(long handle, Request request) {
        OpenFile file = deviceFiles.get(handle);
        if (file == null && handle < lostHandles && NodeIds.kind(request.node()) == NodeIds.DEVICE) {
            DeviceNode node = node(request.node());
            domains.noteLost(); // before a watcher in it is noted
            file = node == null ? null : node.device().adopt(node, handle, request.header());
            if (file != null) {
                deviceFiles.put(handle, file);
            }
        }
        return file;
    }

    /** How many inodes of the device are kept. */
    int deviceNodes() {
        return deviceNodes.size();
    }

    @Override
    public void lookup(Request.Lookup request) {
        long unique = request.unique();
        Device device = domains.of(request.node());
        if (NodeIds.kind(request.node()) != NodeIds.DIRECTORY) {
            connection.replyError(unique, Errno.ENOTDIR);
            return;
        }
        if (device == null || device.ledger().removed()) {
            connection.replyError(unique, Errno.ENOENT);
            return;
        }
        switch (nameOf(request.name())) {
            case DEVICE_NAME -> {
                long node = NodeIds.of(device.slot(), NodeIds.DEVICE, takeNode());
                connection.replyEntry(unique, node, attributes(device, NodeIds.DEVICE));
            }
            case GENERATION_NAME -> replyEntry(unique, device, NodeIds.GENERATION);
            case WATCHERS_NAME -> replyEntry(unique, device, NodeIds.WATCHERS);
            default -> {
                boolean root = device == domains.machine();
                Device below = root ? domains.named(request.name()) : null;
                if (below != null) {
                    replyEntry(unique, below, NodeIds.DIRECTORY);
                } else if (root && request.name().equals(SOURCES_NAME)) {
                    replyEntry(unique, device, NodeIds.SOURCES);
                } else if (root && request.name().equals(HEALTH_NAME)) {
                    replyEntry(unique, device, NodeIds.HEALTH);
                } else {
                    connection.replyError(unique, Errno.ENOENT);
                }
            }
        }
    }

    /** Answers with the one node of its kind that a domain has. */
    private void replyEntry(long unique, Device device, int kind) {
        long first = device == domains.machine() ? 0 : device.ledger().below().first();
        connection.replyEntry(unique, NodeIds.fixed(device.slot(), first, kind), attributes(device, kind));
    }

    /** Answers a mkdir of a domain that is there: it was made for this request, by this daemon or the one before. */
    void replyMade(long unique, int slot) {
        Device device = domains.listed(slot);
        if (device != null) {
            replyEntry(unique, device, NodeIds.DIRECTORY);
        }
    }

    @Override
    public void makeDirectory(Request.MakeDirectory request) {
        if (request.node() != NodeIds.ROOT) {
            connection.replyError(request.unique(), Errno.EPERM); // no domains below a domain
            return;
        }
        try {
            Device made = domains.make(request, takeNode());
            replyEntry(request.unique(), made, NodeIds.DIRECTORY);
            state.settle();
        } catch (SystemCallException e) {
            connection.replyError(request.unique(), e.errno());
        }
    }

    @Override
    public void removeDirectory(Request.RemoveDirectory request) {
        if (request.node() != NodeIds.ROOT) {
            connection.replyError(request.unique(), Errno.EPERM);
            return;
        }
        try {
            domains.remove(request);
            connection.replyOk(request.unique());
            state.settle();
        } catch (SystemCallException e) {
            connection.replyError(request.unique(), e.errno());
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
        DeviceNode forgotten = lookups > 0 ? deviceNodes.remove(node) : null;
        if (forgotten != null) {
            forgotten.device().drop(forgotten);
            domains.pageGone(forgotten.device());
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
     * chmod and chown of the device hold for all of its inodes, chmod of a domain's directory for that; the kernel has checked that
     * the caller may. New times, and O_TRUNC at an open, mean nothing on a device and are accepted; ftruncate is refused, as a
     * device refuses it.
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
            int kind = NodeIds.kind(request.node());
            DeviceNode node = known(request.node());
            boolean directory = kind == NodeIds.DIRECTORY && wanted == Request.SetAttributes.MODE;
            Device device = node != null ? node.device() : directory ? domains.of(request.node()) : null;
            if (device == null || device.ledger().removed() || (directory && device == domains.machine())) {
                connection.replyError(request.unique(), Errno.EPERM);
                return;
            }
            Ledger.Access access = device.ledger().access();
            if ((wanted & Request.SetAttributes.MODE) != 0) {
                access = directory ? access.withDirectory(request.mode()) : access.withDevice(request.mode());
            }
            device.ledger()
                    .setAccess(new Ledger.Access(
                            access.mode(),
                            (wanted & Request.SetAttributes.UID) != 0 ? request.uid() : access.uid(),
                            (wanted & Request.SetAttributes.GID) != 0 ? request.gid() : access.gid()));
        }
        replyAttributes(request);
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
        DeviceNode node = known(request.node());
        if (node != null) {
            OpenFile file = node.device().open(request, node, handle);
            if (node.page() != null) { // also where the open failed after that
                deviceNodes.put(node.id(), node);
            }
            if (file != null) {
                deviceFiles.put(handle, file);
            }
            return;
        }
        int kind = NodeIds.kind(request.node());
        Device device = domains.of(request.node());
        if (kind == NodeIds.DIRECTORY) {
            connection.replyError(request.unique(), Errno.EISDIR);
        } else if (kind < 0 || (kind == NodeIds.DEVICE && NodeIds.slot(request.node()) == 0)) {
            connection.replyError(request.unique(), Errno.ENOENT);
        } else if (device == null || device.ledger().removed() || kind == NodeIds.DEVICE) {
            connection.replyError(request.unique(), Errno.ENODEV); // reached by a mount of what was removed
        } else if ((request.flags() & Unistd.O_ACCMODE) != Unistd.O_RDONLY
                // Asked at the write too. Here, because a program with more rights than its caller may get this as its
                // output.
                && (kind != NodeIds.GENERATION || !device.mayBump(request.header()))) {
            connection.replyError(request.unique(), Errno.EACCES);
        } else {
            int refusal = kind == NodeIds.WATCHERS ? lists.open(handle, device, request.header()) : 0;
            if (refusal != 0) {
                connection.replyError(request.unique(), refusal);
            } else {
                connection.replyOpen(request.unique(), handle, dev.sysgenid.fuse.OpenFlags.DIRECT_IO, 0);
            }
        }
    }

    @Override
    public void read(Request.Read request) {
        OpenFile file = deviceFile(request.handle(), request);
        if (file != null) {
            file.device().read(request, file);
            return;
        }
        int size = (int) Math.min(Integer.toUnsignedLong(request.size()), Connection.MAX_READ_REPLY);
        int kind = NodeIds.kind(request.node());
        WatcherList list = lists.get(request.handle());
        Device device = domains.of(request.node());
        if (list == null && device == null && kind > 0) {
            connection.replyError(request.unique(), Errno.ENODEV);
            return;
        }
        if (list == null && device != null && kind == NodeIds.WATCHERS && request.handle() < inheritedHandles) {
            // Opened when an earlier daemon served; where its reader stands is in the request.
            int refusal = lists.open(request.handle(), device, request.header());
            if (refusal != 0) {
                connection.replyError(request.unique(), refusal);
                return;
            }
            list = lists.get(request.handle());
        }
        if (list != null) {
            byte[] text = list.read(request.offset(), size);
            if (text == null) {
                connection.replyError(request.unique(), Errno.ESPIPE);
            } else {
                connection.replyData(request.unique(), text, 0, text.length);
            }
        } else if (device != null && isText(kind)) {
            String content = kind == NodeIds.GENERATION
                    ? Generation.toString(device.domain().generation()) + "\n"
                    : kind == NodeIds.SOURCES ? sources.get() : health.get();
            byte[] text = content.getBytes(StandardCharsets.UTF_8);
            int from = Math.clamp(request.offset(), 0, text.length);
            connection.replyData(request.unique(), text, from, Math.min(size, text.length - from));
        } else {
            connection.replyError(request.unique(), Errno.EBADF);
        }
    }

    @Override
    public void write(Request.Write request) {
        OpenFile file = deviceFile(request.handle(), request);
        if (file != null) {
            file.device().write(request, file);
            return;
        }
        Device device = domains.of(request.node());
        if (NodeIds.kind(request.node()) != NodeIds.GENERATION) {
            connection.replyError(request.unique(), Errno.EBADF);
        } else if (device == null || device.ledger().removed()) {
            connection.replyError(request.unique(), Errno.ENODEV);
        } else {
            device.writeGeneration(request);
        }
    }

    @Override
    public void ioctl(Request.Ioctl request) {
        OpenFile file = deviceFile(request.handle(), request);
        if (file == null) {
            connection.replyError(request.unique(), Errno.ENOTTY);
        } else {
            file.device().ioctl(request, file);
        }
    }

    @Override
    public void poll(Request.Poll request) {
        OpenFile file = deviceFile(request.handle(), request);
        if (file == null) {
            // The text files are always readable, as ordinary files are.
            connection.replyPoll(
                    request.unique(), dev.sysgenid.core.Domain.POLLIN | dev.sysgenid.core.Domain.POLLRDNORM);
        } else {
            file.device().poll(request, file);
        }
    }

    @Override
    public void release(Request.Release request) {
        OpenFile file = deviceFiles.remove(request.handle());
        if (file != null) {
            file.device().close(file);
        } else {
            if (request.handle() < lostHandles) {
                DeviceNode node = deviceNodes.get(request.node());
                if (node != null) {
                    node.device().stopExpecting(node);
                }
            }
            lists.close(request.handle());
        }
        connection.replyOk(request.unique());
    }

    @Override
    public void readDirectory(Request.ReadDirectory request) {
        Device device = domains.of(request.node());
        List<DirectoryEntry> entries =
                device == null || device.ledger().removed() ? List.of() : new Listing(domains, device);
        connection.replyDirectory(request.unique(), entries, request.offset(), request.size());
    }

    @Override
    public void interrupt(long unique) {
        domains.machine().interrupt(unique);
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
        int kind = NodeIds.kind(node);
        DeviceNode known = kind == NodeIds.DEVICE ? known(node) : null;
        Device device = kind == NodeIds.DEVICE ? (known == null ? null : known.device()) : domains.of(node);
        if (device == null) {
            // Of a domain that was removed somebody may have a mount, or its directory as his own.
            return NodeIds.slot(node) != 0 && kind >= 0 && NodeIds.count(node) < nextNode ? gone(node, kind) : null;
        }
        return kind < 0 ? null : attributes(device, kind);
    }

    private Attributes gone(long node, int kind) {
        return new Attributes(
                NodeIds.shown(NodeIds.slot(node), kind), type(kind), 0, 0, 0, size(null, kind), startedSeconds, 0);
    }

    private Attributes attributes(Device device, int kind) {
        Ledger.Access access = device.ledger().access();
        int mode = switch (kind) {
            case NodeIds.DEVICE -> Stat.S_IFREG | access.device();
            case NodeIds.DIRECTORY -> Stat.S_IFDIR | access.directory();
            default -> type(kind);
        };
        if (kind == NodeIds.GENERATION && device != domains.machine()) {
            // Who may bump is asked at the open and at the write; it may be somebody whom no owner and group names.
            mode = Stat.S_IFREG | 0666;
        }
        int links = device.ledger().removed() ? 0 : kind == NodeIds.DIRECTORY ? 2 : 1;
        if (kind == NodeIds.DIRECTORY && device == domains.machine()) {
            links += domains.directories();
        }
        return new Attributes(
                NodeIds.shown(device.slot(), kind),
                mode,
                links,
                access.uid(),
                access.gid(),
                size(device, kind),
                startedSeconds,
                0);
    }

    /** A text that is made at each read. */
    private static boolean isText(int kind) {
        return kind == NodeIds.GENERATION || kind == NodeIds.SOURCES || kind == NodeIds.HEALTH;
    }

    private static int type(int kind) {
        return switch (kind) {
            case NodeIds.DIRECTORY -> Stat.S_IFDIR | 0755;
            case NodeIds.DEVICE -> Stat.S_IFREG | 0666;
            case NodeIds.GENERATION -> Stat.S_IFREG | 0644;
            default -> Stat.S_IFREG | 0444;
        };
    }

    /**
     * Of a text one that is at least its length, as in /sys: read until the end. With a size of 0, as in /proc, the kernel
     * gives nothing to {@code sendfile}, by which busybox's {@code cat} reads.
     */
    private static long size(@Nullable Device device, int kind) {
        long page = dev.sysgenid.abi.Page.SIZE;
        return switch (kind) {
            case NodeIds.DIRECTORY -> 0;
            case NodeIds.WATCHERS -> device == null ? page : page * (1 + WatcherList.maxLength(device.domain()) / page);
            default -> page;
        };
    }
}
