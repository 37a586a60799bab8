// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/**
 * A process that a test started: what it prints, what it is told, and its end, which is not later than the test's.
 *
 * <p>Standard output and standard error are one. Everything that waits has a limit, and says what the process had
 * printed by then.
 */
public final class Child implements AutoCloseable {
    /**
     * How long anything is waited for: generous, for it is only ever reached when something hangs, and a processor may be
     * shared with many others.
     */
    public static final Duration LIMIT = Duration.ofMinutes(4);

    private final List<String> command;
    private final Process process;
    private final Writer input;
    private final Thread reader;

    /** All lines so far; guarded by itself. */
    private final List<String> lines = new ArrayList<>();

    /** How many lines {@link #awaitLine} has passed; guarded by {@link #lines}. */
    private int passed;

    /** Whether the output has ended; guarded by {@link #lines}. */
    private boolean ended;

    private Child(List<String> command, Process process) {
        this.command = command;
        this.process = process;
        this.input = process.outputWriter(StandardCharsets.UTF_8);
        this.reader =
                Thread.ofPlatform().daemon().name("output of " + process.pid()).start(this::readAll);
    }

    /** Starts a program. */
    public static Child start(List<String> command) {
        return start(command, Map.of());
    }

    /** Starts a program with further environment variables. */
    public static Child start(List<String> command, Map<String, String> environment) {
        try {
            ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
            builder.environment().putAll(environment);
            return new Child(List.copyOf(command), builder.start());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Runs a program to its end. */
    public static Ended run(List<String> command) {
        try (Child child = start(command)) {
            child.closeInput();
            return new Ended(child.awaitExit(), child.output());
        }
    }

    /** The end of a program: its exit status, and everything it printed. */
    public record Ended(int status, String output) {}

    private void readAll() {
        try (BufferedReader output = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = output.readLine(); line != null; line = output.readLine()) {
                synchronized (lines) {
                    lines.add(line);
                    lines.notifyAll();
                }
            }
        } catch (IOException e) {
            // The process was destroyed; what it had printed is there.
        }
        synchronized (lines) {
            ended = true;
            lines.notifyAll();
        }
    }

    public long pid() {
        return process.pid();
    }

    public boolean isAlive() {
        return process.isAlive();
    }

    /** Everything printed so far. */
    public String output() {
        synchronized (lines) {
            return String.join("\n", lines);
        }
    }

    /** Waits for the next line that satisfies {@code wanted}, passing over others. */
    public String awaitLine(String what, Predicate<String> wanted) {
        long end = System.nanoTime() + LIMIT.toNanos();
        synchronized (lines) {
            while (true) {
                while (passed < lines.size()) {
                    String line = lines.get(passed++);
                    if (wanted.test(line)) {
                        return line;
                    }
                }
                long left = (end - System.nanoTime()) / 1_000_000;
                if (ended || left <= 0) {
                    throw new AssertionError(
                            command + (ended ? " ended without printing " : " does not print ") + what + describe());
                }
                try {
                    lines.wait(left);
                } catch (InterruptedException e) {
                    throw new AssertionError("interrupted while waiting for " + what + describe(), e);
                }
            }
        }
    }

    /** Waits until this is in what it has printed, now or before: whoever reads it may come later than what it tells of. */
    public void awaitOutput(String part) {
        long end = System.nanoTime() + LIMIT.toNanos();
        synchronized (lines) {
            while (!output().contains(part)) {
                long left = (end - System.nanoTime()) / 1_000_000;
                if (ended || left <= 0) {
                    throw new AssertionError(command + (ended ? " ended without printing \"" : " does not print \"")
                            + part + "\"" + describe());
                }
                try {
                    lines.wait(left);
                } catch (InterruptedException e) {
                    throw new AssertionError("interrupted while waiting for " + part + describe(), e);
                }
            }
        }
    }

    /** Waits for the next line that begins so. */
    public String awaitLine(String beginning) {
        return awaitLine("a line \"" + beginning + "...\"", line -> line.startsWith(beginning));
    }

    /** Gives it a line on its standard input. */
    public void send(String line) {
        try {
            input.write(line);
            input.write('\n');
            input.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(command + describe(), e);
        }
    }

    /** Ends its standard input. */
    public void closeInput() {
        try {
            input.close();
        } catch (IOException e) {
            // It had gone before it read everything: its exit status tells.
        }
    }

    /** Sends SIGTERM. */
    public void terminate() {
        process.destroy();
    }

    /** Waits for its end; the exit status, or 128 + the signal. */
    public int awaitExit() {
        return awaitExit(LIMIT);
    }

    /** Waits for its end. */
    public int awaitExit(Duration limit) {
        int status = awaitEnd(limit);
        try {
            // Its own children may hold the output open; they are no reason to wait for ever.
            reader.join(LIMIT.toMillis());
            return status;
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted while waiting for the output of " + command + describe(), e);
        }
    }

    /** As {@link #awaitExit}, of one whose children go on and may print: does not wait for what they have to say. */
    public int awaitEnd(Duration limit) {
        try {
            if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new AssertionError(command + " does not end" + describe());
            }
            return process.exitValue();
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted while waiting for the end of " + command + describe(), e);
        }
    }

    private String describe() {
        return "; it printed:\n" + output();
    }

    /** Kills it, if it is still there, and waits until it is gone. */
    @Override
    public void close() {
        process.destroyForcibly();
        boolean interrupted = false;
        while (true) {
            try {
                process.waitFor();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        closeInput();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
