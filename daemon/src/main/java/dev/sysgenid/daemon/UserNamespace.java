// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.NsFs;
import dev.sysgenid.linux.Stat;
import dev.sysgenid.linux.SystemCallException;

/**
 * A user namespace, by which the owner of a domain is known.
 *
 * @param inode its number, which another one gets when this one has ended
 * @param id its number that no other one ever gets until the next boot; 0 where the kernel has none (before Linux 6.18)
 */
record UserNamespace(long inode, long id) {
    /** That of the daemon: nobody else's. */
    static final UserNamespace NONE = new UserNamespace(0, 0);

    /**
     * The one behind an open descriptor.
     *
     * @throws SystemCallException EINVAL when it is something else
     */
    static UserNamespace of(int descriptor) throws SystemCallException {
        if (Stat.filesystemType(descriptor) != NsFs.NSFS_MAGIC || NsFs.type(descriptor) != NsFs.CLONE_NEWUSER) {
            throw new SystemCallException(Errno.EINVAL, "NS_GET_NSTYPE", "a descriptor that is no user namespace");
        }
        return new UserNamespace(Stat.of(descriptor).ino(), NsFs.id(descriptor));
    }

    boolean isNone() {
        return equals(NONE);
    }
}
