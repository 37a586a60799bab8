// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.qemu;

import dev.sysgenid.it.Child;
import java.nio.file.Path;

/** QEMU's monitor: one command, one answer, each a line of JSON. */
final class Qmp implements AutoCloseable {
    private final Conversation monitor;

    private Qmp(Conversation monitor) {
        this.monitor = monitor;
    }

    static Qmp connect(Path socket, Child qemu) {
        Qmp qmp = new Qmp(Conversation.connect(socket, qemu));
        qmp.execute("qmp_capabilities");
        return qmp;
    }

    String execute(String command) {
        return execute(command, "{}");
    }

    /**
     * The answer.
     *
     * @param arguments a JSON object
     */
    String execute(String command, String arguments) {
        monitor.send("{\"execute\": \"" + command + "\", \"arguments\": " + arguments + "}");
        String answer = monitor.await(
                        "an answer to " + command,
                        line -> line.startsWith("{\"return\"") || line.startsWith("{\"error\""),
                        Child.LIMIT)
                .getLast();
        if (answer.startsWith("{\"error\"")) {
            throw new AssertionError(command + " " + arguments + ": " + answer);
        }
        return answer;
    }

    /** Asks again and again until the answer has one of these as its status; returns which. */
    String awaitStatus(String query, String... wanted) {
        long end = System.nanoTime() + Child.LIMIT.toNanos();
        while (true) {
            String answer = execute(query);
            for (String status : wanted) {
                if (answer.contains("\"status\": \"" + status + "\"")) {
                    return status;
                }
            }
            if (System.nanoTime() > end) {
                throw new AssertionError(query + " goes on saying " + answer);
            }
            Conversation.sleep(2);
        }
    }

    @Override
    public void close() {
        monitor.close();
    }
}
