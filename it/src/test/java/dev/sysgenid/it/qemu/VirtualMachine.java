// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.qemu;

import dev.sysgenid.it.Child;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A virtual machine, emulated, with a shell inside that does what it is told. {@link #close} ends it.
 *
 * <p>Belongs to one thread.
 */
final class VirtualMachine implements AutoCloseable {
    /** It takes seconds; ten times as long beside other heavy work. */
    private static final Duration BOOT = Duration.ofMinutes(3);

    /** How long it may take until a line has arrived; then it is sent again. */
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private static final int ATTEMPTS = 6;

    /** Never the same twice, for a clone remembers what the original was told. */
    private static final AtomicLong NUMBERS = new AtomicLong();

    private final Path directory;
    private final Child qemu;
    private final Qmp monitor;
    private final Conversation shell;

    /**
     * What a machine is made of, the same for all clones.
     *
     * @param kernelOptions further words of the kernel's command line
     * @param devices further options of QEMU
     * @param processor its model
     */
    record Hardware(Path kernel, Path image, String kernelOptions, List<String> devices, String processor) {}

    private VirtualMachine(Path directory, Child qemu) {
        this.directory = directory;
        this.qemu = qemu;
        this.monitor = Qmp.connect(directory.resolve("monitor"), qemu);
        this.shell = Conversation.connect(directory.resolve("shell"), qemu);
    }

    /** Lets a new one run; when it returns the shell is ready. */
    void boot() {
        go();
        try {
            shell.await("that it is ready", "@ready"::equals, BOOT);
        } catch (AssertionError e) {
            throw new AssertionError(e.getMessage() + "\nconsole: " + console(), e);
        }
    }

    /** One that goes on where the saved one was, as soon as it is told to {@link #go}. */
    static VirtualMachine restore(Path directory, Hardware hardware, UUID identifier, Path state) {
        VirtualMachine machine = start(directory, hardware, identifier, state);
        try {
            machine.monitor.awaitStatus("query-status", "paused", "prelaunch", "postmigrate");
        } catch (AssertionError e) {
            machine.close();
            throw e;
        }
        return machine;
    }

    /**
     * Turns one on, stopped before its first instruction.
     *
     * @param state the saved one that it is to be; null for a new one
     */
    static VirtualMachine start(Path directory, Hardware hardware, UUID identifier, @Nullable Path state) {
        List<String> words = new ArrayList<>(Qemu.command());
        words.addAll(List.of("-machine", "pc", "-accel", "tcg,thread=multi", "-cpu", hardware.processor));
        words.addAll(List.of("-smp", "2", "-m", "1024", "-nodefaults", "-no-user-config"));
        words.addAll(List.of("-display", "none", "-no-reboot", "-S"));
        words.addAll(List.of("-kernel", hardware.kernel.toString(), "-initrd", hardware.image.toString()));
        words.addAll(List.of("-append", "console=ttyS0 quiet panic=-1 " + hardware.kernelOptions));
        words.addAll(List.of("-serial", "file:" + directory.resolve("console")));
        words.addAll(List.of("-serial", "unix:" + directory.resolve("shell") + ",server=on,wait=off"));
        words.addAll(List.of("-qmp", "unix:" + directory.resolve("monitor") + ",server=on,wait=off"));
        words.addAll(List.of("-gdb", "unix:" + directory.resolve("memory") + ",server=on,wait=off"));
        words.addAll(List.of("-device", "vmgenid,guid=" + identifier));
        words.addAll(hardware.devices);
        if (state != null) {
            words.addAll(List.of("-incoming", "file:" + state));
        }
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Child qemu = Child.start(words);
        try {
            return new VirtualMachine(directory, qemu);
        } catch (AssertionError e) {
            qemu.close();
            throw e;
        }
    }

    /** Lets it run. */
    void go() {
        monitor.execute("cont");
    }

    /**
     * Has the shell do something; fails if that fails. Returns what it printed.
     *
     * @param command a line
     */
    String shell(String command) {
        deliver(command);
        List<String> lines =
                shell.await("the end of: " + command, line -> line.startsWith("@status "), Child.LIMIT).stream()
                        .filter(line -> !line.startsWith("@got ") && !line.equals("@again"))
                        .toList();
        String output = String.join("\n", lines.subList(0, lines.size() - 1));
        if (!lines.getLast().equals("@status 0")) {
            throw new AssertionError(command + ": " + lines.getLast() + "\n" + output + "\nconsole: " + console());
        }
        return output;
    }

    /**
     * Sends a command until it has arrived. In about a fifth of the runs a restored machine's port loses some 40 characters at
     * the beginning of a line; {@link GuestImage} has the other end of this.
     */
    private void deliver(String command) {
        long number = NUMBERS.incrementAndGet();
        String message = "@@" + number + ":" + command.length() + ":" + command;
        for (int attempt = 1; ; attempt++) {
            shell.send(message);
            try {
                List<String> heard = shell.await(
                        "that it got: " + command,
                        line -> line.equals("@got " + number) || line.equals("@again"),
                        attempt < ATTEMPTS ? PATIENCE : Child.LIMIT);
                if (!heard.getLast().equals("@again")) {
                    return;
                }
            } catch (AssertionError e) {
                if (attempt == ATTEMPTS) {
                    throw e;
                }
            }
        }
    }

    /** Has the shell wait until something is so. */
    void await(String condition) {
        String command = "n=0; until " + condition
                + "; do n=$((n+1)); [ $n -lt 1200 ] || break; sleep 0.1; done; [ $n -lt 1200 ]";
        try {
            shell(command);
        } catch (AssertionError e) {
            throw new AssertionError(
                    e.getMessage() + "\n"
                            + shell("tail -n 20 /run/*log /run/*/log /run/witness /run/sysgenid/watchers 2>&1 || :"),
                    e);
        }
    }

    /** Stops it and saves its state into a file; it does not go on. Returns the size. */
    long save(Path file) {
        monitor.execute("stop");
        monitor.execute("migrate-set-parameters", "{\"max-bandwidth\": 8589934592}");
        monitor.execute("migrate", "{\"uri\": \"file:" + file + "\"}");
        String status = monitor.awaitStatus("query-migrate", "completed", "failed");
        if (!status.equals("completed")) {
            throw new AssertionError("the state cannot be saved: " + monitor.execute("query-migrate"));
        }
        try {
            return Files.size(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What the kernel has printed on its console. */
    String console() {
        try {
            return Files.readString(directory.resolve("console"), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return e.toString();
        }
    }

    Path memorySocket() {
        return directory.resolve("memory");
    }

    Child process() {
        return qemu;
    }

    @Override
    public void close() {
        qemu.close();
        monitor.close();
        shell.close();
    }
}
