// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.program;

import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A program that does everything at once: draws from every source in several threads, loads classes, starts threads,
 * collects garbage. "look" on its standard input: it says which threads of the agent there are, what its heap holds
 * after a collection, how many classes, threads and open files there are, and how much was drawn. "end": it ends, in the midst of all that.
 */
public final class Busy {
    private static final AtomicLong DRAWN = new AtomicLong();

    private Busy() {}

    public static void main(String[] arguments) throws Exception {
        SecureRandom shared = SecureRandom.getInstance("SHA1PRNG");
        SecureRandom drbg = SecureRandom.getInstance("DRBG", "SUN");
        Random random = new Random();
        List<Integer> shuffled = new ArrayList<>(List.of(1, 2, 3));
        background("draws", () -> {
            UUID unused = UUID.randomUUID();
            shared.nextInt();
            drbg.nextInt();
            new SecureRandom().nextLong();
            random.nextGaussian();
            Math.random();
            ThreadLocalRandom.current().nextInt();
            Collections.shuffle(shuffled);
            DRAWN.incrementAndGet();
        });
        background("draws too", () -> {
            shared.nextInt();
            random.nextInt();
            DRAWN.incrementAndGet();
        });
        background("loads", () -> {
            Proxy.newProxyInstance(new Child(), new Class<?>[] {Runnable.class}, (proxy, method, values) -> null);
            Thread.sleep(5);
        });
        background("starts", () -> {
            Thread thread = new Thread(() -> ThreadLocalRandom.current().nextInt());
            thread.setDaemon(true);
            thread.start();
            thread.join();
        });
        background("collects", () -> {
            System.gc();
            Thread.sleep(200);
        });
        System.out.println("busy");
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = input.readLine(); "look".equals(line); line = input.readLine()) {
            System.gc();
            System.out.println("threads " + agentThreads() + ", heap "
                    + (Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory()) + ", classes "
                    + ManagementFactory.getClassLoadingMXBean().getLoadedClassCount() + ", running "
                    + ManagementFactory.getThreadMXBean().getThreadCount() + ", descriptors " + descriptors()
                    + ", drawn " + DRAWN.get());
        }
        System.out.println("ends");
        System.exit(0);
    }

    private static int descriptors() {
        String[] open = new File("/proc/self/fd").list();
        return open == null ? 0 : open.length;
    }

    private static List<String> agentThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .map(Thread::getName)
                .filter(name -> name.startsWith("sysgenid-"))
                .sorted()
                .toList();
    }

    private interface Step {
        void run() throws Exception;
    }

    private static void background(String name, Step step) {
        Thread thread = new Thread(
                () -> {
                    try {
                        while (true) {
                            step.run();
                        }
                    } catch (Throwable e) {
                        e.printStackTrace();
                        System.out.println("failed: " + e);
                        Runtime.getRuntime().halt(3);
                    }
                },
                name);
        thread.setDaemon(true);
        thread.start();
    }

    /** A loader of its own for each class. */
    private static final class Child extends ClassLoader {
        Child() {
            super(Busy.class.getClassLoader());
        }
    }
}
