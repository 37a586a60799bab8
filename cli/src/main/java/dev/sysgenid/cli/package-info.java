// SPDX-License-Identifier: Apache-2.0
/**
 * The {@code sysgenid} command: serves the device, and is a client of it.
 *
 * <ul>
 *   <li>{@link dev.sysgenid.cli.Main} picks the {@link dev.sysgenid.cli.Command} that the first argument names; nothing
 *       of the others is loaded.
 *   <li>The commands say what they accept in picocli's own model, without annotations: reflection would cost a fifth of
 *       the time that a short command takes.
 *   <li>{@link dev.sysgenid.cli.Device} is the client: what the commands ask of the device, in calls that every driver
 *       of this interface knows. {@link dev.sysgenid.cli.DeviceFile} is the file under it, of which tests have another
 *       one, over the daemon's state machine.
 *   <li>Whatever goes wrong is a {@link dev.sysgenid.cli.Failure}: one line that names the thing, one that says what to
 *       do, and an exit code. Results go to standard output, everything else to standard error.
 * </ul>
 */
@NullMarked
package dev.sysgenid.cli;

import org.jspecify.annotations.NullMarked;
