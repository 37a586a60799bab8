// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import dev.sysgenid.abi.Ioctl;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/**
 * What an orchestrator asks of a device: to change the generation, who is late, to wait for them. Each is a system call that
 * is made on Java 22 and later, with native access.
 */
final class Orchestration {
    /** The longest single wait in the kernel, which cannot be interrupted. */
    private static final long MAX_WAIT_MILLIS = 100;

    private Orchestration() {}

    static void bump(Path device) throws IOException {
        int result = DeviceDomain.ask(calls("bump"), device, Ioctl.TRIGGER_GEN_UPDATE, 0);
        if (result == -SystemCalls.EACCES) {
            throw new AccessDeniedException(
                    device.toString(),
                    null,
                    "cannot change the generation: it takes CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN");
        }
        check(device, result, "cannot change the generation");
    }

    static int outdatedWatchers(Path device) throws IOException {
        int result = DeviceDomain.ask(calls("status"), device, Ioctl.V4_GET_OUTDATED_WATCHERS, 0);
        return check(device, result, "cannot count outdated watchers");
    }

    /** Returns whether all have acknowledged. */
    static boolean awaitAcknowledged(Path device, long nanos) throws IOException, InterruptedException {
        SystemCalls calls = calls("wait");
        long start = System.nanoTime();
        int command = Ioctl.WAIT_WATCHERS;
        while (true) {
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            long left = nanos - (System.nanoTime() - start);
            // 0 would be for ever.
            long millis = Math.max(1, Math.min(MAX_WAIT_MILLIS, TimeUnit.NANOSECONDS.toMillis(left)));
            int result = DeviceDomain.ask(calls, device, command, millis);
            if (command == Ioctl.WAIT_WATCHERS && result == -SystemCalls.EINVAL) {
                command = Ioctl.V4_WAIT_WATCHERS; // a driver of the first family
                continue;
            }
            if (result == 0) {
                return true;
            }
            // EINTR: it changed again, or in the first family that time is over.
            if (result != -SystemCalls.ETIME && result != -SystemCalls.EINTR) {
                check(device, result, "cannot wait");
            }
            if (left <= 0) {
                return false;
            }
        }
    }

    private static SystemCalls calls(String alternative) {
        SystemCalls calls = NativeAccess.calls();
        if (calls == null) {
            throw new UnsupportedOperationException("This needs a system call that Java cannot make here: "
                    + NativeAccess.remedy() + ". Alternative: run the command \"sysgenid " + alternative
                    + "\" of the daemon's package");
        }
        return calls;
    }

    private static int check(Path device, int result, String what) throws IOException {
        if (result == -SystemCalls.ENOTTY || result == -SystemCalls.EINVAL) {
            throw new UnsupportedOperationException(device + ": " + what + ": what is there does not know how to");
        }
        if (result < 0) {
            throw new IOException(device + ": " + what + ": error " + -result);
        }
        return result;
    }
}
