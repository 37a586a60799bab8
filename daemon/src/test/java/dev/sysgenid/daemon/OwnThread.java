// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.linux.Mount;
import dev.sysgenid.linux.Processes;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Assumptions;

/** Runs what changes a thread for good (its namespaces, its ids) on a platform thread that then ends. */
final class OwnThread {
    /** Somebody with no rights at all. */
    static final int NOBODY = 65534;

    /** What runs there. */
    interface Body {
        void run() throws Exception;
    }

    private OwnThread() {}

    static void run(Body body) throws Exception {
        call(() -> {
            body.run();
            return true;
        });
    }

    static <T> T call(Callable<T> body) throws Exception {
        FutureTask<T> task = new FutureTask<>(body);
        Thread thread = Thread.ofPlatform().daemon().name("own-thread").start(task);
        try {
            T result = task.get();
            thread.join();
            return result;
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case Exception cause -> throw cause;
                case Error cause -> throw cause;
                case null, default -> throw e;
            }
        }
    }

    /** As {@link #run}, in a mount namespace from which nothing spreads, and which ends with the thread. */
    static void inOwnMounts(Body body) throws Exception {
        needRoot();
        run(() -> {
            SystemCallException.check(Processes.unshare(Processes.CLONE_NEWNS), "unshare", "mounts");
            SystemCallException.check(
                    Mount.mount(null, "/", null, Mount.MS_REC | Mount.MS_PRIVATE, null), "mount", "/ private");
            body.run();
        });
    }

    /**
     * As {@link #call}, as a user without rights. What it needs should have been loaded before: that user may not read
     * where the tests' classes are.
     */
    static <T> T asNobody(Callable<T> body) throws Exception {
        needRoot();
        return call(() -> {
            beNobody();
            try {
                return body.call();
            } finally {
                beRootAgain();
            }
        });
    }

    /** Makes the calling thread, which must be one of these, a user without rights. */
    static void beNobody() throws SystemCallException {
        // The saved ids make this last until beRootAgain; an exec drops them.
        SystemCallException.check(Processes.setresgid(NOBODY, NOBODY, 0), "setresgid", NOBODY);
        SystemCallException.check(Processes.setresuid(NOBODY, NOBODY, 0), "setresuid", NOBODY);
    }

    /** As {@link #beNobody}, for good. */
    static void becomeNobody() throws SystemCallException {
        SystemCallException.check(Processes.setgroups(), "setgroups", "none");
        SystemCallException.check(Processes.setresgid(NOBODY, NOBODY, NOBODY), "setresgid", NOBODY);
        SystemCallException.check(Processes.setresuid(NOBODY, NOBODY, NOBODY), "setresuid", NOBODY);
    }

    static void beRootAgain() throws SystemCallException {
        SystemCallException.check(Processes.setresuid(0, 0, 0), "setresuid", 0);
        SystemCallException.check(Processes.setresgid(0, 0, 0), "setresgid", 0);
    }

    static void needRoot() {
        need(Unistd.geteuid() == 0, "mounts and user ids can be tested by root only; this is uid " + Unistd.geteuid());
    }

    /** Ends the test as skipped, aloud, where it cannot run. */
    static void need(boolean there, String reason) {
        if (!there) {
            System.err.println("SKIPPED: " + reason);
            Assumptions.abort(reason);
        }
    }
}
