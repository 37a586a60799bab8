// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CyclicBarrier;

/**
 * The body of a real client that is watched by strace: some threads that live as long as the program, and on command
 * each make some calls that need random numbers. Before each call a thread asks the kernel for a file that does not
 * exist, whose name says where it is: so the system calls can be told apart afterwards.
 */
final class DrawingClient {
    static final int THREADS = 3;
    static final int CALLS = 4;
    static final String MARKER = "/sysgenid-it-marker/";

    private DrawingClient() {}

    /** Leaves a trace of this thread. */
    static void mark(String name) {
        if (new File(MARKER + name).exists()) {
            throw new AssertionError(MARKER + name + " exists");
        }
    }

    /** For each line on standard input, say "x": each thread marks and calls, "x-0" and so on; then prints "done x". */
    static void run(Runnable call) throws IOException, InterruptedException {
        CyclicBarrier barrier = new CyclicBarrier(THREADS + 1);
        String[] phase = {""};
        for (int i = 0; i < THREADS; i++) {
            Thread.ofPlatform().daemon().start(() -> {
                while (true) {
                    pass(barrier);
                    for (int k = 0; k < CALLS; k++) {
                        mark(phase[0] + "-" + k);
                        call.run();
                    }
                    mark("end");
                    pass(barrier);
                }
            });
        }
        System.out.println("ready");
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            phase[0] = line;
            pass(barrier);
            pass(barrier);
            System.out.println("done " + line);
        }
    }

    private static void pass(CyclicBarrier barrier) {
        try {
            barrier.await();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }
}
