// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.program;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.SSLContext;

/**
 * What comes between a change and its renewal. Says "held" while nobody can renew the keys of its TLS context, waits for a
 * line on its standard input, and begins two handshakes; then it lets go, waits for another line, and draws.
 */
public final class Between {
    private Between() {}

    public static void main(String[] arguments) throws Exception {
        while (System.getProperty("dev.sysgenid.agent") == null) {
            Thread.sleep(1); // until the agent is there as a whole
        }
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, null, null);
        Object spi = Inside.field(SSLContext.class, "contextSpi").get(context);
        beginHandshake(spi);
        List<Thread> handshakes = new ArrayList<>();
        synchronized (context.getServerSessionContext()) {
            System.out.println("held");
            int unused = System.in.read();
            for (int i = 1; i <= 2; i++) {
                Thread handshake = new Thread(() -> beginHandshake(spi));
                handshake.start();
                System.out.println("handshake " + i + (waitsForThis(handshake) ? " waits" : " goes on"));
                handshakes.add(handshake);
            }
        }
        for (Thread each : handshakes) {
            each.join();
        }
        System.out.println("over");
        int unused = System.in.read();
        Random made = new Random();
        Random same = new Random(0);
        ((AtomicLong) Inside.field(Random.class, "seed").get(same))
                .set(((AtomicLong) Inside.field(Random.class, "seed").get(made)).get());
        System.out.println("random " + (made.nextLong() != same.nextLong() ? "renewed" : "of its first seed"));
    }

    /** As each handshake does. */
    private static void beginHandshake(Object spi) {
        try {
            Class<?> type = spi.getClass();
            while (!type.getName().equals("sun.security.ssl.SSLContextImpl")) {
                type = type.getSuperclass();
            }
            Object unused = Inside.call(type, spi, "getSecureRandom");
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Whether a thread comes to wait for a lock of this one; false when it ends. */
    private static boolean waitsForThis(Thread thread) throws InterruptedException {
        while (thread.isAlive()) {
            ThreadInfo info = ManagementFactory.getThreadMXBean().getThreadInfo(thread.getId());
            if (info != null && info.getLockOwnerId() == Thread.currentThread().getId()) {
                return true;
            }
            Thread.sleep(1);
        }
        return false;
    }
}
