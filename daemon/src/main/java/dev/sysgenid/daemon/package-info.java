// SPDX-License-Identifier: Apache-2.0
/**
 * The daemon: the System Generation ID's device file, served through FUSE.
 *
 * <p>{@link dev.sysgenid.daemon.Daemon} mounts, starts the {@link dev.sysgenid.daemon.Loop} and unmounts; {@link
 * dev.sysgenid.daemon.MountFileSystem} is the directory; {@link dev.sysgenid.daemon.Device} is the file that it exists
 * for: system calls in, the state machine of {@code dev.sysgenid.core} asked, answers out. One thread does all of it.
 */
@NullMarked
package dev.sysgenid.daemon;

import org.jspecify.annotations.NullMarked;
