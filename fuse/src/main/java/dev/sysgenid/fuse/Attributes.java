// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.fuse;

/**
 * What stat shows of a file.
 *
 * @param inode the inode number that people see; not the node id by which the kernel asks
 * @param mode type and permission bits
 * @param links the number of names
 * @param uid the owner
 * @param gid the group
 * @param size in bytes
 * @param changedSeconds when it last changed, seconds since 1970; serves as access, change and modification time
 * @param changedNanos the nanoseconds of that second
 */
public record Attributes(
        long inode, int mode, int links, int uid, int gid, long size, long changedSeconds, int changedNanos) {}
