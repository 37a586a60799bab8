// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Assumptions;

/** Runs what changes a thread for good (its namespaces, ids, signals) on a platform thread that then ends. */
final class OwnThread {
    private OwnThread() {}

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

    /** As {@link #call}, in a mount namespace from which nothing spreads, and which ends with the thread. */
    static <T> T callInOwnMounts(Callable<T> body) throws Exception {
        needRoot();
        return call(() -> {
            SystemCallException.check(Processes.unshare(Processes.CLONE_NEWNS), "unshare", "mounts");
            SystemCallException.check(
                    Mount.mount(null, "/", null, Mount.MS_REC | Mount.MS_PRIVATE, null), "mount", "/ private");
            return body.call();
        });
    }

    /** As {@link #call}, while signals that the JVM ignores in a handler are sent to the thread, until it is done. */
    static <T> T callInterrupted(Callable<T> body) throws Exception {
        CompletableFuture<Integer> tid = new CompletableFuture<>();
        AtomicBoolean done = new AtomicBoolean();
        Thread interrupter = Thread.ofPlatform().daemon().start(() -> {
            int thread = tid.join();
            while (!done.get()) {
                signal(thread, Processes.SIGPIPE);
                LockSupport.parkNanos(1_000_000);
            }
        });
        return call(() -> {
            tid.complete(Unistd.gettid());
            try {
                return body.call();
            } finally {
                done.set(true);
                interrupter.join();
            }
        });
    }

    /** Sends a signal to one thread of this process. */
    static void signal(int tid, int signal) {
        long tgkill = Native.number(234, 131);
        if (Native.syscall(tgkill, Unistd.getpid(), tid, signal) != 0) {
            throw new IllegalStateException("Thread " + tid + " is gone");
        }
    }

    /** Ends the test as skipped, aloud, where it cannot run. */
    static void needRoot() {
        if (Unistd.geteuid() != 0) {
            String reason = "SKIPPED: mounts and user ids can be tested by root only; this is uid " + Unistd.geteuid();
            System.err.println(reason);
            Assumptions.abort(reason);
        }
    }
}
