// SPDX-License-Identifier: Apache-2.0
/**
 * The FUSE protocol as a file server speaks it on {@code /dev/fuse}, in three layers:
 *
 * <ul>
 *   <li>{@link dev.sysgenid.fuse.Wire}: the layout of every message, byte by byte;
 *   <li>{@link dev.sysgenid.fuse.RequestReader} and {@link dev.sysgenid.fuse.Connection}: bytes to typed {@link
 *       dev.sysgenid.fuse.Request requests}, and replies and notifications to bytes;
 *   <li>{@link dev.sysgenid.fuse.Session}: the handshake, and every request handed to a {@link
 *       dev.sysgenid.fuse.FileSystem}.
 * </ul>
 *
 * Nothing here starts a thread or blocks: the owner calls {@link dev.sysgenid.fuse.Session#serveOne} when the
 * connection is readable. A reply may be sent at any later time, which is how a read is parked.
 *
 * <p>Spoken is version 7.31 and later (Linux 5.4), as far as 7.45 (Linux 6.18).
 */
@NullMarked
package dev.sysgenid.fuse;

import org.jspecify.annotations.NullMarked;
