// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Stat;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.nio.file.Path;

/**
 * The symbolic link, usually {@code /dev/sysgenid}, that leads to the device in the mount. Whatever else may be at that
 * path is never touched, a real kernel device least of all.
 *
 * <p>Closing removes the link, if it is still ours; closing twice is harmless.
 */
final class DeviceLink implements AutoCloseable {
    private final Path path;
    private final String target;
    private boolean there;
    private boolean kept;

    private DeviceLink(Path path, Path target) {
        this.path = path;
        this.target = target.toString();
    }

    /**
     * Makes sure that the path is free, or holds the link that an earlier daemon left.
     *
     * @param target where the link is to lead
     */
    static DeviceLink prepare(Path path, Path target) throws StartException {
        DeviceLink link = new DeviceLink(path, target);
        Stat stat;
        try {
            stat = Stat.of(path.toString(), false);
        } catch (SystemCallException e) {
            if (e.errno() == Errno.ENOENT) {
                return link;
            }
            throw new StartException(
                    e.errno() == Errno.EACCES ? ExitCodes.NO_PERMISSION : ExitCodes.CANNOT_CREATE,
                    "cannot look at " + path + ": " + Errno.describe(e.errno()),
                    "choose another path with --device, or none with --device none");
        }
        switch (stat.mode() & Stat.S_IFMT) {
            case Stat.S_IFLNK -> {
                String leads = link.leadsTo();
                if (!leads.equals(link.target)) {
                    throw new StartException(
                            ExitCodes.CANNOT_CREATE,
                            path + " is a link to " + leads + ", not to " + link.target,
                            "remove it, or choose another path with --device");
                }
                // Left by a daemon that died: the mount, too, was found free.
                Unistd.unlink(path.toString());
            }
            case Stat.S_IFCHR ->
                throw new StartException(
                        ExitCodes.CANNOT_CREATE,
                        path + " is a device of this kernel: it has a System Generation ID driver of its own",
                        "use that one (sysgenid status), unload its driver (rmmod sysgenid), or serve beside it:"
                                + " --device PATH or --device none");
            case Stat.S_IFDIR ->
                throw new StartException(
                        ExitCodes.CANNOT_CREATE,
                        path + " is a directory",
                        "remove it (in a container: it was made by a bind mount of a missing file), or choose another"
                                + " path with --device");
            default ->
                throw new StartException(
                        ExitCodes.CANNOT_CREATE,
                        path + " is in use by another file",
                        "remove it, or choose another path with --device");
        }
        return link;
    }

    /** The link that an earlier daemon made and that is still in use; made once more when it is gone. */
    static DeviceLink takeOver(Path path, Path target) throws StartException {
        DeviceLink link = new DeviceLink(path, target);
        if (link.leadsTo().equals(link.target)) {
            link.there = true;
            return link;
        }
        link = prepare(path, target);
        link.create();
        return link;
    }

    /** Whether closing is to leave the link. */
    void keep(boolean keep) {
        kept = keep;
    }

    /** Makes the link. The device must be served by now: programs that find it open it at once. */
    void create() throws StartException {
        int result = Unistd.symlink(target, path.toString());
        if (result < 0) {
            throw new StartException(
                    result == -Errno.EACCES || result == -Errno.EPERM
                            ? ExitCodes.NO_PERMISSION
                            : ExitCodes.CANNOT_CREATE,
                    "cannot make the link " + path + ": " + Errno.describe(-result),
                    "choose another path with --device, or none with --device none");
        }
        there = true;
    }

    private String leadsTo() {
        try {
            return Unistd.readlink(path.toString());
        } catch (SystemCallException e) {
            return "(unreadable)";
        }
    }

    @Override
    public void close() {
        if (there && !kept && leadsTo().equals(target)) {
            Unistd.unlink(path.toString());
        }
        there = false;
    }
}
