// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.fuse.Connection.DirectoryEntry;
import dev.sysgenid.linux.Stat;
import java.util.AbstractList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a directory holds, made as it is read. Each domain keeps its place for as long as it is there, so who reads in several parts
 * finds those once that are there all the time.
 */
final class Listing extends AbstractList<@Nullable DirectoryEntry> {
    private final Domains domains;
    private final List<DirectoryEntry> files;
    private final boolean root;

    /** The last of the files are not in a domain below. */
    private static final int OF_THE_ROOT = 2;

    Listing(Domains domains, Device of) {
        this.domains = domains;
        root = of == domains.machine();
        int slot = of.slot();
        List<DirectoryEntry> inAll = List.of(
                new DirectoryEntry(".", NodeIds.shown(slot, NodeIds.DIRECTORY), Stat.S_IFDIR),
                new DirectoryEntry("..", NodeIds.ROOT, Stat.S_IFDIR),
                new DirectoryEntry(MountFileSystem.DEVICE_NAME, NodeIds.shown(slot, NodeIds.DEVICE), Stat.S_IFREG),
                new DirectoryEntry(
                        MountFileSystem.GENERATION_NAME, NodeIds.shown(slot, NodeIds.GENERATION), Stat.S_IFREG),
                new DirectoryEntry(MountFileSystem.WATCHERS_NAME, NodeIds.shown(slot, NodeIds.WATCHERS), Stat.S_IFREG),
                new DirectoryEntry(MountFileSystem.SOURCES_NAME, NodeIds.shown(0, NodeIds.SOURCES), Stat.S_IFREG),
                new DirectoryEntry(MountFileSystem.HEALTH_NAME, NodeIds.shown(0, NodeIds.HEALTH), Stat.S_IFREG));
        files = root ? inAll : inAll.subList(0, inAll.size() - OF_THE_ROOT);
    }

    @Override
    public int size() {
        return files.size() + (root ? domains.slots() - 1 : 0);
    }

    @Override
    public @Nullable DirectoryEntry get(int index) {
        if (index < files.size()) {
            return files.get(index);
        }
        int slot = index - files.size() + 1;
        Device device = domains.listed(slot);
        return device == null
                ? null
                : new DirectoryEntry(device.ledger().name(), NodeIds.shown(slot, NodeIds.DIRECTORY), Stat.S_IFDIR);
    }
}
