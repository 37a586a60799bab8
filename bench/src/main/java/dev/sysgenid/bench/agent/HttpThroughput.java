// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.bench.agent;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * How many requests a second an application answers, on connections that are kept: {@code HttpThroughput PORT THREADS
 * WARMUP_SECONDS SECONDS} prints the number. It does as little as it can, for it takes its time from the application's.
 */
public final class HttpThroughput {
    private static final byte[] REQUEST =
            "GET /draw HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

    private static final AtomicLong ANSWERS = new AtomicLong();

    private HttpThroughput() {}

    /** Measures once. */
    public static void main(String[] arguments) throws InterruptedException {
        int port = Integer.parseInt(arguments[0]);
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < Integer.parseInt(arguments[1]); i++) {
            Thread thread = new Thread(() -> ask(port));
            thread.setDaemon(true);
            thread.start();
            threads.add(thread);
        }
        Thread.sleep(1000 * Long.parseLong(arguments[2]));
        long before = ANSWERS.get();
        long start = System.nanoTime();
        Thread.sleep(1000 * Long.parseLong(arguments[3]));
        long count = ANSWERS.get() - before;
        double seconds = (System.nanoTime() - start) / 1e9;
        if (!threads.stream().allMatch(Thread::isAlive)) {
            System.exit(1);
        }
        System.out.println(Math.round(count / seconds));
    }

    private static void ask(int port) {
        while (true) {
            try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
                socket.setTcpNoDelay(true);
                InputStream in = new BufferedInputStream(socket.getInputStream());
                boolean kept = true;
                while (kept) {
                    socket.getOutputStream().write(REQUEST);
                    kept = answer(in);
                    ANSWERS.incrementAndGet();
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** Returns whether the server keeps the connection, which Tomcat does for a hundred requests. */
    private static boolean answer(InputStream in) throws IOException {
        String status = line(in);
        if (!status.startsWith("HTTP/1.1 200")) {
            throw new IOException(status);
        }
        int length = -1;
        boolean kept = true;
        for (String line = line(in); !line.isEmpty(); line = line(in)) {
            if (line.regionMatches(true, 0, "Content-Length:", 0, 15)) {
                length = Integer.parseInt(line.substring(15).strip());
            }
            kept &= !line.equalsIgnoreCase("Connection: close");
        }
        in.skipNBytes(length);
        return kept;
    }

    private static String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder(80);
        while (true) {
            int c = in.read();
            if (c < 0) {
                throw new EOFException();
            }
            if (c == '\n') {
                return line.toString();
            }
            if (c != '\r') {
                line.append((char) c);
            }
        }
    }
}
