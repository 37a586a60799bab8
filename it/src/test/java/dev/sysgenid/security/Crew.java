// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadFactory;

/** Threads of one kind that work for a test. */
record Crew(String name, ExecutorService threads) implements AutoCloseable {
    /** Makes virtual threads; a platform thread is what others call one, where there are none. */
    static boolean hasVirtualThreads() {
        return Runtime.version().feature() >= 21;
    }

    /** So many threads that all of them exist when this returns. */
    static Crew of(String name, boolean virtual, int count) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(count, virtual ? virtualThreads() : daemons());
        List<Callable<Boolean>> nothing = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            nothing.add(() -> true);
        }
        for (Future<Boolean> each : threads.invokeAll(nothing)) {
            each.get();
        }
        return new Crew(name, threads);
    }

    private static ThreadFactory daemons() {
        return task -> {
            Thread thread = new Thread(task);
            thread.setDaemon(true);
            return thread;
        };
    }

    /** By reflection: this is compiled for Java 17. */
    static ThreadFactory virtualThreads() throws ReflectiveOperationException {
        Object builder = Thread.class.getMethod("ofVirtual").invoke(null);
        return (ThreadFactory)
                Class.forName("java.lang.Thread$Builder").getMethod("factory").invoke(builder);
    }

    /** What a thread of this crew returns. */
    <T> T get(Callable<T> work) throws Exception {
        return threads.submit(work).get();
    }

    @Override
    public void close() {
        threads.shutdown();
    }
}
