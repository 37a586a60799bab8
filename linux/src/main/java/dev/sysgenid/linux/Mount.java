// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import static dev.sysgenid.linux.Native.INT;
import static dev.sysgenid.linux.Native.LONG;
import static dev.sysgenid.linux.Native.POINTER;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import org.jspecify.annotations.Nullable;

/**
 * Mounts: {@code sys/mount.h}. They are made in the mount namespace of the calling thread.
 *
 * <p>{@link #fsopen} and its companions are called by number: the numbers are the same on all machines, and C libraries
 * learned of them late.
 */
@SuppressWarnings("MemberName") // the names of C
public final class Mount {
    public static final long MS_RDONLY = 0x1;
    public static final long MS_NOSUID = 0x2;
    public static final long MS_NODEV = 0x4;
    public static final long MS_NOEXEC = 0x8;
    public static final long MS_SYNCHRONOUS = 0x10;
    public static final long MS_REMOUNT = 0x20;
    public static final long MS_DIRSYNC = 0x80;
    public static final long MS_NOSYMFOLLOW = 0x100;
    public static final long MS_NOATIME = 0x400;
    public static final long MS_NODIRATIME = 0x800;
    public static final long MS_BIND = 0x1000;
    public static final long MS_MOVE = 0x2000;
    public static final long MS_REC = 0x4000;
    public static final long MS_SILENT = 0x8000;
    public static final long MS_UNBINDABLE = 0x20000;
    public static final long MS_PRIVATE = 0x40000;
    public static final long MS_SLAVE = 0x80000;
    public static final long MS_SHARED = 0x100000;
    public static final long MS_RELATIME = 0x200000;
    public static final long MS_STRICTATIME = 0x1000000;
    public static final long MS_LAZYTIME = 0x2000000;

    public static final int MNT_FORCE = 0x1;
    public static final int MNT_DETACH = 0x2;
    public static final int MNT_EXPIRE = 0x4;
    public static final int UMOUNT_NOFOLLOW = 0x8;

    public static final int FSOPEN_CLOEXEC = 0x1;

    public static final int FSCONFIG_SET_FLAG = 0;
    public static final int FSCONFIG_SET_STRING = 1;
    public static final int FSCONFIG_SET_FD = 5;
    public static final int FSCONFIG_CMD_CREATE = 6;
    public static final int FSCONFIG_CMD_RECONFIGURE = 7;

    public static final int FSMOUNT_CLOEXEC = 0x1;

    public static final int MOUNT_ATTR_RDONLY = 0x1;
    public static final int MOUNT_ATTR_NOSUID = 0x2;
    public static final int MOUNT_ATTR_NODEV = 0x4;
    public static final int MOUNT_ATTR_NOEXEC = 0x8;
    public static final int MOUNT_ATTR_NOATIME = 0x10;
    public static final int MOUNT_ATTR_NOSYMFOLLOW = 0x200000;

    public static final int MOVE_MOUNT_F_EMPTY_PATH = 0x4;
    public static final int MOVE_MOUNT_T_EMPTY_PATH = 0x40;

    private static final long SYS_MOVE_MOUNT = 429;
    private static final long SYS_FSOPEN = 430;
    private static final long SYS_FSCONFIG = 431;
    private static final long SYS_FSMOUNT = 432;

    private Mount() {}

    /** Makes or changes a mount; what the arguments mean depends on {@code flags}. Returns 0. */
    public static int mount(
            @Nullable String source, String target, @Nullable String type, long flags, @Nullable String data) {
        CallState state = CallState.current();
        try (Arena arena = Arena.ofConfined()) {
            return state.result((int) MountCall.HANDLE.invokeExact(
                    state.errno,
                    Native.stringOrNull(arena, source),
                    Native.string(arena, target),
                    Native.stringOrNull(arena, type),
                    flags,
                    Native.stringOrNull(arena, data)));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Removes the topmost mount at {@code target}; flags are {@code MNT_} and {@link #UMOUNT_NOFOLLOW}. Returns 0. */
    public static int umount2(String target, int flags) {
        CallState state = CallState.current();
        try (Arena arena = Arena.ofConfined()) {
            return state.result((int) Umount2.HANDLE.invokeExact(state.errno, Native.string(arena, target), flags));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Starts the configuration of a new file system of a type. Returns a descriptor. Since Linux 5.2. */
    public static int fsopen(String type, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            return (int) Native.syscall(SYS_FSOPEN, Native.string(arena, type).address(), flags, 0);
        }
    }

    /** Sets one option of the file system that {@link #fsopen} began, or creates it. Returns 0. Since Linux 5.2. */
    public static int fsconfig(int fd, int cmd, @Nullable String key, @Nullable String value, int aux) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment keyString = Native.stringOrNull(arena, key);
            MemorySegment valueString = Native.stringOrNull(arena, value);
            return (int) Native.syscall(SYS_FSCONFIG, fd, cmd, keyString.address(), valueString.address(), aux, 0);
        }
    }

    /**
     * Makes a mount, attached nowhere yet, of the file system that was created by {@link #FSCONFIG_CMD_CREATE}; {@code
     * attributes} are the {@code MOUNT_ATTR_} constants. Returns a descriptor: the mount ends with it unless it is
     * attached by {@link #move_mount}. Since Linux 5.2.
     */
    public static int fsmount(int fd, int flags, int attributes) {
        return (int) Native.syscall(SYS_FSMOUNT, fd, flags, attributes);
    }

    /** Attaches a mount, or moves an attached one. Returns 0. Since Linux 5.2. */
    public static int move_mount(int fromDirfd, String from, int toDirfd, String to, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment fromString = Native.string(arena, from);
            MemorySegment toString = Native.string(arena, to);
            return (int) Native.syscall(
                    SYS_MOVE_MOUNT, fromDirfd, fromString.address(), toDirfd, toString.address(), flags, 0);
        }
    }

    private static final class MountCall {
        /** {@code int mount(const char *source, const char *target, const char *type, unsigned long, const void *)}. */
        static final MethodHandle HANDLE = Native.bind("mount", INT, POINTER, POINTER, POINTER, LONG, POINTER);
    }

    private static final class Umount2 {
        /** {@code int umount2(const char *target, int flags)}. */
        static final MethodHandle HANDLE = Native.bind("umount2", INT, POINTER, INT);
    }
}
