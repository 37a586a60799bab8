// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A JVM that a test started, with a plain file in the place of the device: what it prints, what it is told, and its end,
 * which is not later than the test's. Standard output and standard error are one.
 */
final class Jvm implements AutoCloseable {
    /** How long anything is waited for: reached only when something hangs. */
    static final long LIMIT_SECONDS = 240;

    /** The packaged agent. */
    static final Path JAR = Path.of(System.getProperty("sysgenid.agent.jar", "target/sysgenid-agent.jar"))
            .toAbsolutePath();

    private static final Path CLASSES = Path.of("target/test-classes").toAbsolutePath();

    /** What a test may do, and the agent needs not: to look into the JDK. */
    static final List<String> OPENED = List.of(
            "--add-opens=java.base/java.lang=ALL-UNNAMED",
            "--add-opens=java.base/java.io=ALL-UNNAMED",
            "--add-opens=java.base/java.util=ALL-UNNAMED",
            "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED",
            "--add-opens=java.base/java.nio.file=ALL-UNNAMED",
            "--add-opens=java.base/java.security=ALL-UNNAMED",
            "--add-opens=java.base/javax.net.ssl=ALL-UNNAMED",
            "--add-opens=java.base/jdk.internal.random=ALL-UNNAMED",
            "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
            "--add-opens=java.base/sun.net.www.protocol.http=ALL-UNNAMED",
            "--add-opens=java.base/sun.security.jca=ALL-UNNAMED",
            "--add-opens=java.base/sun.security.provider=ALL-UNNAMED",
            "--add-opens=java.base/sun.security.ssl=ALL-UNNAMED",
            "--add-opens=java.base/com.sun.crypto.provider=ALL-UNNAMED",
            "--add-opens=java.naming/com.sun.jndi.ldap=ALL-UNNAMED",
            "--add-opens=java.net.http/jdk.internal.net.http.websocket=ALL-UNNAMED",
            "--add-opens=java.rmi/java.rmi.server=ALL-UNNAMED",
            "--add-opens=java.security.jgss/sun.security.krb5=ALL-UNNAMED",
            "--add-opens=jdk.naming.dns/com.sun.jndi.dns=ALL-UNNAMED",
            "--add-opens=jdk.random/jdk.random=ALL-UNNAMED");

    private final List<String> command;
    private final @Nullable Path device;
    private final Process process;
    private final Writer input;
    private final Thread reader;

    /** All lines so far; guarded by itself. */
    private final List<String> lines = new ArrayList<>();

    private int passed;
    private boolean ended;

    private Jvm(List<String> command, @Nullable Path device, Map<String, String> environment) throws IOException {
        this.command = command;
        this.device = device;
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().remove("JAVA_TOOL_OPTIONS");
        builder.environment().putAll(environment);
        this.process = builder.start();
        this.input = process.outputWriter(StandardCharsets.UTF_8);
        this.reader = new Thread(this::readAll, "output of " + process.pid());
        reader.setDaemon(true);
        reader.start();
    }

    /** The option that loads the agent. */
    static String agent(String options) {
        return "-javaagent:" + JAR + (options.isEmpty() ? "" : "=" + options);
    }

    /** Starts a program of the tests, with a device of its own that is at generation 0. */
    static Jvm start(String java, List<String> jvmOptions, Class<?> program, String... arguments) throws IOException {
        Path device = Files.createTempFile("sysgenid-agent-test", ".device");
        Files.write(device, new byte[4096]);
        return new Jvm(command(java, device, jvmOptions, program, arguments), device, Map.of());
    }

    /** Starts a program of the tests with a device that is served. */
    static Jvm startOn(Path device, String java, List<String> jvmOptions, Class<?> program) throws IOException {
        return new Jvm(command(java, device, jvmOptions, program), null, Map.of());
    }

    private static List<String> command(
            String java, Path device, List<String> jvmOptions, Class<?> program, String... arguments) {
        List<String> command =
                new ArrayList<>(List.of(java, "-XX:+UseSerialGC", "-Xshare:auto", "-XX:TieredStopAtLevel=1"));
        command.add("-Dsysgenid.path=" + device);
        command.addAll(jvmOptions);
        command.addAll(List.of("-cp", CLASSES.toString(), program.getName()));
        command.addAll(List.of(arguments));
        return command;
    }

    /** Starts a command as it is. */
    static Jvm run(Map<String, String> environment, List<String> command) throws IOException {
        return new Jvm(command, null, environment);
    }

    private void readAll() {
        try (BufferedReader output = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = output.readLine(); line != null; line = output.readLine()) {
                synchronized (lines) {
                    lines.add(line);
                    lines.notifyAll();
                }
            }
        } catch (IOException e) {
            // It was destroyed; what it had printed is there.
        }
        synchronized (lines) {
            ended = true;
            lines.notifyAll();
        }
    }

    long pid() {
        return process.pid();
    }

    /** Changes the generation that the file shows. */
    void bump(int generation) throws IOException {
        if (device == null) {
            throw new IllegalStateException("no device");
        }
        ByteBuffer bytes = ByteBuffer.allocate(4).order(ByteOrder.nativeOrder()).putInt(0, generation);
        try (FileChannel file = FileChannel.open(device, StandardOpenOption.WRITE)) {
            file.write(bytes, 0);
        }
    }

    /** Everything printed so far. */
    String output() {
        synchronized (lines) {
            return String.join("\n", lines);
        }
    }

    /** Waits for the next line that satisfies {@code wanted}, passing over others. */
    String awaitLine(String what, Predicate<String> wanted) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        synchronized (lines) {
            while (true) {
                while (passed < lines.size()) {
                    String line = lines.get(passed++);
                    if (wanted.test(line)) {
                        return line;
                    }
                }
                long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
                if (ended || left <= 0) {
                    sayWhereItIs();
                    throw new AssertionError(command + (ended ? " ended without printing " : " does not print ") + what
                            + ":\n" + output());
                }
                lines.wait(left);
            }
        }
    }

    /** Has it print what its threads do, if it is there. */
    private void sayWhereItIs() throws InterruptedException {
        try {
            new ProcessBuilder("kill", "-QUIT", Long.toString(process.pid()))
                    .start()
                    .waitFor();
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
            while (!ended && System.nanoTime() < end) {
                lines.wait(100);
            }
        } catch (IOException e) {
            // Then that is not known.
        }
    }

    String awaitLine(String beginning) throws InterruptedException {
        return awaitLine("\"" + beginning + "...\"", line -> line.startsWith(beginning));
    }

    void send(String line) throws IOException {
        input.write(line + "\n");
        input.flush();
    }

    /** Waits for its end; returns the exit status. */
    int awaitExit() throws InterruptedException {
        if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
            throw new AssertionError(command + " does not end:\n" + output());
        }
        reader.join(TimeUnit.SECONDS.toMillis(LIMIT_SECONDS));
        return process.exitValue();
    }

    @Override
    public void close() {
        process.destroyForcibly();
        try {
            process.waitFor();
            if (device != null) {
                Files.deleteIfExists(device);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
