// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.qemu;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A virtual machine in which the daemon serves and programs run, with this project and without, that is saved; and its
 * clones. {@link #close} removes what was saved.
 *
 * <p>Belongs to one thread.
 */
final class Experiment implements AutoCloseable {
    /** How many draws are written down in each clone. */
    static final int DRAWS = 1000;

    /** How many of them come when all have acknowledged. */
    static final int LAST_DRAWS = 100;

    private static final UUID ORIGINAL = UUID.fromString("0a0a0a0a-0000-4000-8000-000000000000");

    /** The original's counter, where there is a VMClock. */
    private static final long COUNTER = 41;

    /** Attempts to boot. */
    private static final int BOOTS = 3;

    /** Where the identifier begins in the page whose address the firmware's table names. */
    private static final int IDENTIFIER_OFFSET = 40;

    /** {@code Name (VGIA, 0x........)} in the firmware's table, in hexadecimal. */
    private static final String ADDRESS_NAME = "0856474941" + "0c";

    private final Path directory;
    private final VirtualMachine.Hardware hardware;
    private final boolean clock;
    private final boolean mapped;

    private long address;
    private String serveLog = "";
    private double bootSeconds;
    private double readySeconds;
    private double saveSeconds;
    private long stateSize;

    /** How the guests differ. */
    @SuppressWarnings("ArrayRecordComponent") // nobody compares two of them
    record Choice(
            Qemu.Kernel kernel,
            List<String> modules,
            String kernelOptions,
            String processor,
            long clockFlags,
            byte[] before) {
        /** With vmgenid alone. */
        static Choice of(Qemu.Kernel kernel) {
            return new Choice(kernel, List.of("fuse"), "", "max", 0, new byte[0]);
        }

        /** Without what the kernel and the processor know, with QEMU's firmware configuration. */
        static Choice withoutDriver(Qemu.Kernel kernel) {
            // By the names that the driver has had; those of other kernels are not found, and that is all.
            String off =
                    "initcall_blacklist=vmgenid_plaform_driver_init,vmgenid_platform_driver_init,vmgenid_driver_init";
            return new Choice(kernel, List.of("fuse", "qemu_fw_cfg"), off, "max,-rdrand,-rdseed", 0, new byte[0]);
        }

        /** With a VMClock too, which has a generation counter. */
        Choice withClock(long flags) {
            List<String> all = new ArrayList<>(modules);
            all.add("ptp_vmclock");
            return new Choice(kernel, all, kernelOptions, processor, flags, before);
        }

        /** With an archive in front of the first file system. */
        Choice withArchive(byte[] archive) {
            return new Choice(kernel, modules, kernelOptions, processor, clockFlags, archive);
        }

        boolean clock() {
            return clockFlags != 0;
        }
    }

    private Experiment(Path directory, Choice choice) throws IOException {
        this.directory = directory;
        this.clock = choice.clock();
        this.mapped = choice.kernel().serves();
        Path image = directory.resolve("image");
        GuestImage.write(
                image,
                choice.before(),
                GuestRuntime.directory(),
                GuestRuntime.programs(),
                choice.kernel(),
                choice.modules());
        hardware = new VirtualMachine.Hardware(
                choice.kernel().image(),
                image,
                choice.kernelOptions(),
                clock ? List.of("-device", "vmclock") : List.of(),
                choice.processor());
        long start = System.nanoTime();
        try (VirtualMachine machine = booted(directory.resolve("original"), hardware, clock ? choice : null)) {
            bootSeconds = secondsSince(start);
            begin(machine);
            readySeconds = secondsSince(start);
            start = System.nanoTime();
            stateSize = machine.save(state());
            saveSeconds = secondsSince(start);
        }
    }

    static Experiment begin(Path directory, Choice choice) {
        try {
            return new Experiment(Files.createDirectories(directory), choice);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private interface Use<T> {
        T of(VirtualMachine machine, VirtualMachine.Hardware hardware) throws IOException;
    }

    /**
     * A machine that has booted. An emulated guest may stand still before it has begun, both of its processors waiting for each other;
     * then there is another one.
     *
     * @param clocked whose VMClock it is to have; null for none
     */
    private static VirtualMachine booted(Path directory, VirtualMachine.Hardware hardware, @Nullable Choice clocked) {
        for (int attempt = 1; ; attempt++) {
            VirtualMachine machine = VirtualMachine.start(directory, hardware, ORIGINAL, null);
            try {
                if (clocked != null) {
                    try (Memory memory = new Memory(machine.memorySocket())) {
                        memory.setClockFlags(clocked.clockFlags());
                        memory.setClockCounter(COUNTER);
                    }
                }
                machine.boot();
                return machine;
            } catch (AssertionError e) {
                machine.close();
                if (attempt == BOOTS) {
                    throw e;
                }
                System.out.println("the guest does not boot; another one: " + e.getMessage());
            }
        }
    }

    /** Turns a machine on, and off again. */
    private static <T> T use(Path directory, Choice choice, Use<T> use) {
        try {
            Path image = Files.createDirectories(directory).resolve("image");
            GuestImage.write(
                    image,
                    choice.before(),
                    GuestRuntime.directory(),
                    GuestRuntime.programs(),
                    choice.kernel(),
                    choice.modules());
            VirtualMachine.Hardware hardware = new VirtualMachine.Hardware(
                    choice.kernel().image(),
                    image,
                    choice.kernelOptions(),
                    choice.clock() ? List.of("-device", "vmclock") : List.of(),
                    choice.processor());
            try (VirtualMachine machine = booted(directory, hardware, null)) {
                return use.of(machine, hardware);
            } finally {
                Files.delete(image);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * What the daemon says, with nothing beside it, to {@code doctor}, when it begins to serve, and in each of two clones.
     *
     * @return in this order
     */
    static List<String> daemonAlone(Path directory, Choice choice) {
        Path state = directory.resolve("state");
        List<String> said = new ArrayList<>();
        use(directory, choice, (machine, hardware) -> {
            said.add(machine.shell(GuestRuntime.sysgenid("doctor") + " || :"));
            machine.shell(GuestRuntime.sysgenid("serve") + " >/run/serve.log 2>&1 &");
            machine.await("grep -q '  ready ' /run/serve.log");
            said.add(machine.shell("cat /run/serve.log"));
            machine.save(state);
            for (int number = 1; number <= 2; number++) {
                try (VirtualMachine clone = VirtualMachine.restore(
                        directory.resolve("clone-" + number), hardware, identifier(number), state)) {
                    clone.go();
                    clone.await("grep -q 'generation 1' /run/serve.log");
                    said.add(clone.shell("tail -n 1 /run/serve.log"));
                }
            }
            Files.delete(state);
            return said;
        });
        return said;
    }

    private static UUID identifier(int clone) {
        return UUID.fromString("c10e0000-0000-4000-8000-%012x".formatted(clone));
    }

    /** The firmware's table of vmgenid, which differs with the hardware. */
    static byte[] vmgenidTable(Path directory, Choice choice) {
        return use(directory, choice, (machine, _) -> {
            for (String name :
                    machine.shell("ls -1 /sys/firmware/acpi/tables").lines().toList()) {
                if (name.startsWith("SSDT")) {
                    byte[] table = HexFormat.of()
                            .parseHex(machine.shell("od -A n -v -t x1 /sys/firmware/acpi/tables/" + name)
                                    .replaceAll("\\s", ""));
                    if (AcpiTable.isThatOfVmgenid(table)) {
                        return table;
                    }
                }
            }
            throw new AssertionError("no table of vmgenid");
        });
    }

    private static double secondsSince(long start) {
        return (System.nanoTime() - start) / 1e9;
    }

    private Path state() {
        return directory.resolve("state");
    }

    /** Starts all programs, and returns when they are at rest. */
    private void begin(VirtualMachine machine) {
        address = identifierAddress(machine.shell("cat /sys/firmware/acpi/tables/SSDT* | od -A n -v -t x1"));
        machine.shell("mkdir /run/c-with /run/c-without /run/java-with /run/java-without /run/draws");
        machine.shell(GuestRuntime.sysgenid("serve") + " >/run/serve.log 2>&1 &");
        machine.shell("/clones /run/c-without &");
        machine.shell(GuestRuntime.program("Clones /run/java-without plain") + " >/run/java-without/log 2>&1 &");
        machine.await("grep -q 'sysgenid: serving' /run/serve.log");
        machine.shell("/clones /run/c-with /dev/sysgenid" + (mapped ? "" : " unmapped") + " &");
        machine.shell(GuestRuntime.program("Clones /run/java-with guarded") + " >/run/java-with/log 2>&1 &");
        for (String program : List.of("c-with", "c-without", "java-with", "java-without")) {
            machine.await("[ -e /run/" + program + "/ready ]");
        }
        // Those that never rest come last.
        machine.shell(GuestRuntime.program("Draws " + address + " " + DRAWS + " " + LAST_DRAWS + " /run/draws")
                + " >/run/draws/log 2>&1 &");
        machine.await("[ -e /run/draws/ready ]");
        machine.shell("/witness " + address + " /dev/sysgenid >/run/witness 2>&1 &");
        machine.await("grep -q ^ready /run/witness");
        machine.await("grep -q '  ready ' /run/serve.log");
        serveLog = machine.shell("cat /run/serve.log");
    }

    private static long identifierAddress(String table) {
        String bytes = table.replaceAll("\\s", "");
        int at = bytes.indexOf(ADDRESS_NAME) + ADDRESS_NAME.length();
        if (at < ADDRESS_NAME.length()) {
            throw new AssertionError("the firmware names no address of an identifier: " + bytes);
        }
        byte[] address = HexFormat.of().parseHex(bytes.substring(at, at + 2 * Integer.BYTES));
        return Integer.toUnsignedLong(
                        ByteBuffer.wrap(address).order(ByteOrder.LITTLE_ENDIAN).getInt())
                + IDENTIFIER_OFFSET;
    }

    /** What the daemon printed when it began to serve. */
    String serveLog() {
        return serveLog;
    }

    String describe() {
        return "boot %.1f s, programs at rest after %.1f s, saved in %.1f s (%d MB)"
                .formatted(bootSeconds, readySeconds, saveSeconds, stateSize >> 20);
    }

    /** Restores one more clone, lets it draw, and ends it. */
    Restored clone(int number) {
        UUID identifier = identifier(number);
        long start = System.nanoTime();
        try (VirtualMachine machine = restore("clone-" + number, identifier, COUNTER + number)) {
            double ready = secondsSince(start);
            machine.go();
            machine.await("grep -q ^acked /run/witness");
            machine.shell(": >/run/draws/go");
            machine.await("[ -e /run/draws/draws ]");
            return new Restored(
                    number,
                    ready,
                    machine.shell("cat /run/witness"),
                    tokens(machine),
                    machine.shell("cat /run/draws/draws"),
                    machine.shell(show("generation")).strip(),
                    log(machine),
                    machine.shell(show("sources")));
        }
    }

    /**
     * The saved machine goes on, as after a live migration: the same identifier, the same generation counter, and only the
     * marker of disruptions is another one. Returns what the daemon has said, and the generation.
     */
    String migrate() {
        try (VirtualMachine machine = restore("migrated", ORIGINAL, COUNTER)) {
            machine.go();
            machine.await("grep -q disruption /run/serve.log");
            // What would have been done about it, is done by now: a bump by hand comes after it.
            String before = machine.shell(show("generation")).strip();
            machine.shell(GuestRuntime.sysgenid("bump"));
            return log(machine) + "\ngenerations " + before + " "
                    + machine.shell(show("generation")).strip() + "\n" + machine.shell("cat /run/witness");
        }
    }

    private VirtualMachine restore(String name, UUID identifier, long counter) {
        VirtualMachine machine = VirtualMachine.restore(directory.resolve(name), hardware, identifier, state());
        if (clock) {
            try (Memory memory = new Memory(machine.memorySocket())) {
                memory.setClockCounter(counter);
            } catch (AssertionError e) {
                machine.close();
                throw e;
            }
        }
        return machine;
    }

    private String log(VirtualMachine machine) {
        return machine.shell("cat /run/serve.log").substring(serveLog.length());
    }

    private static String show(String file) {
        return "cat /run/sysgenid/" + file;
    }

    private static Map<String, Map<String, String>> tokens(VirtualMachine machine) {
        Map<String, Map<String, String>> tokens = new LinkedHashMap<>();
        List<String> programs = List.of("c-with", "c-without", "java-with", "java-without");
        for (String program : programs) {
            machine.shell(": >/run/" + program + "/go");
        }
        for (String program : programs) {
            machine.await("[ -e /run/" + program + "/tokens ]");
            Map<String, String> its = new LinkedHashMap<>();
            machine.shell("cat /run/" + program + "/tokens").lines().forEach(line -> {
                String[] words = line.split(line.indexOf('\t') < 0 ? " " : "\t", 2);
                its.put(words[0], words[1]);
            });
            tokens.put(program, its);
        }
        return tokens;
    }

    @Override
    public void close() {
        try {
            Files.deleteIfExists(state());
            Files.deleteIfExists(directory.resolve("image"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
