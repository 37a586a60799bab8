// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** A real process that sits still, to be looked at, until it is closed. */
final class Child implements AutoCloseable {
    private static final String SIT = "; echo ready; read end";

    private final Process process;

    private Child(Process process) {
        this.process = process;
    }

    /** A shell that has run {@code script}, started through the {@code command} that changes what it may do. */
    static Child sh(String script, String... command) throws IOException {
        List<String> whole = new ArrayList<>(List.of(command));
        whole.addAll(List.of("sh", "-c", script + SIT));
        Process process = new ProcessBuilder(whole)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        // Not closed: that would end the process's wait for its input.
        BufferedReader out = process.inputReader(StandardCharsets.UTF_8);
        if (!"ready".equals(out.readLine())) {
            process.destroyForcibly();
            throw new IOException("could not start " + whole);
        }
        return new Child(process);
    }

    int pid() {
        return (int) process.pid();
    }

    /** The one process that this one has started. */
    int onlyChild() {
        List<ProcessHandle> children = process.children().toList();
        if (children.size() != 1) {
            throw new IllegalStateException("children of " + process + ": " + children);
        }
        return (int) children.getFirst().pid();
    }

    /** Ends it and those it started; afterwards it is gone. */
    @Override
    public void close() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        process.onExit().join();
    }
}
