// SPDX-License-Identifier: Apache-2.0
/**
 * Linux system calls for x86-64 and aarch64: for the daemon and the command, the only
 * package that calls foreign functions.
 *
 * <ul>
 *   <li>A class stands for a C header. Its calls and constants keep their C names; what each does is said by its manual
 *       page, section 2 or 3. Added here is only what Java must know.
 *   <li>A call returns its result, or the negated error number ({@link dev.sysgenid.linux.Errno}), as the kernel does.
 *       Nothing is retried: {@code -EINTR} reaches the caller. Set-up code turns failures into exceptions with
 *       {@link dev.sysgenid.linux.SystemCallException#check(int, String, Object)}. The few calls that throw by
 *       themselves declare it.
 *   <li>A file descriptor is an {@code int} and has no owner here.
 *   <li>A string is passed as UTF-8. One that holds the character 0 is refused with an
 *       {@link java.lang.IllegalArgumentException}, as C would see only its beginning.
 *   <li>Memory passed to a call is native memory. A length greater than its segment is refused with an
 *       {@link java.lang.IndexOutOfBoundsException}.
 *   <li>Every call may be made by any thread, unless it says otherwise. The calls on the hot path (read, write, pread,
 *       pwrite, readv, writev, ioctl, poll, waiting in epoll, and what says so itself) allocate nothing once they are
 *       compiled.
 *   <li>A function is bound when it is first called, so that a program pays for those it uses.
 * </ul>
 */
@NullMarked
package dev.sysgenid.linux;

import org.jspecify.annotations.NullMarked;
