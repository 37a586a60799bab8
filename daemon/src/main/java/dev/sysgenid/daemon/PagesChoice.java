// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.fuse.Connection;
import dev.sysgenid.fuse.Session;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.SystemCallException;

/** Which {@link Pages} there can be. */
final class PagesChoice {
    private PagesChoice() {}

    /** Where there are pages, clients have them mapped: so there is no asking whether there can be any. */
    static Pages takeOver(Session session, Serving serving, Connection connection, PageFiles files)
            throws StartException, SystemCallException {
        return files.list().isEmpty()
                ? make(session, serving, connection, files, Mapping.AUTO)
                : new PassthroughPages(connection, files, Requirements.maxMappings());
    }

    /** Those that are wanted, or the best that there can be. */
    static Pages make(Session session, Serving serving, Connection connection, PageFiles files, Mapping mapping)
            throws StartException, SystemCallException {
        if (canPassthrough(session, connection, files)) {
            return new PassthroughPages(connection, files, Requirements.maxMappings());
        }
        if (mapping == Mapping.PASSTHROUGH) {
            throw new StartException(
                    ExitCodes.UNAVAILABLE,
                    "this kernel has no FUSE passthrough",
                    "Linux 6.9 or later with CONFIG_FUSE_PASSTHROUGH has it; or let --mapping choose (auto)");
        }
        StoredPages stored = new StoredPages(connection, session.sharedMappings());
        stored.setFiller(serving);
        return stored;
    }

    /**
     * The kernel may have agreed and still refuse, where the user namespace is not the initial one.
     *
     * @throws SystemCallException when it does not say so: there is no memory, for example
     */
    private static boolean canPassthrough(Session session, Connection connection, PageFiles files)
            throws SystemCallException {
        if (!session.passthrough()) {
            return false;
        }
        try (PassthroughPages pages = new PassthroughPages(connection, files, Requirements.maxMappings());
                Page _ = pages.create(0, 0, PageContent.first(0, 0, 0))) {
            return true;
        } catch (SystemCallException e) {
            return switch (e.errno()) {
                case Errno.EPERM, Errno.EOPNOTSUPP, Errno.ENOTTY, Errno.ENOSYS, Errno.EINVAL, Errno.ELOOP -> false;
                default -> throw e;
            };
        }
    }
}
