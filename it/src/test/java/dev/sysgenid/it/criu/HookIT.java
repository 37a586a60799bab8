// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.criu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.it.CProgram;
import dev.sysgenid.it.Child;
import dev.sysgenid.it.Namespace;
import dev.sysgenid.it.ServedDevice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Which generations the hook notes and bumps, called as CRIU calls it, for processes that see more than one. */
class HookIT {
    @TempDir(factory = InRun.class)
    Path directory;

    /** Who does it. */
    enum Way {
        /** The script that is installed; the command that it falls back to is one that fails. */
        SCRIPT,
        /** That command. */
        COMMAND
    }

    @BeforeEach
    void needsPrivilege() {
        Namespace.require();
    }

    private void run(Way way, ServedDevice device, String stage, long process) throws IOException {
        List<String> command = new ArrayList<>();
        if (way == Way.SCRIPT) {
            Path script = directory.resolve("etc/criu/sysgenid-hook");
            if (!Files.exists(script)) {
                assertThat(Hook.install(directory, device.device())).isEqualTo(script);
                Files.writeString(directory.resolve("sysgenid"), "#!/bin/sh\necho it falls back; exit 1\n");
            }
            command.add(script.toString());
        } else {
            command.addAll(ServedDevice.command(
                    List.of("hook", "criu", "--device", device.device().toString())));
        }
        Map<String, String> environment = Map.of(
                "CRTOOLS_SCRIPT_ACTION", stage,
                "CRTOOLS_IMAGE_DIR", directory.toString(),
                "CRTOOLS_INIT_PID", Long.toString(process));
        try (Child hook = Child.start(command, environment)) {
            hook.closeInput();
            assertThat(hook.awaitExit()).as(hook.output()).isZero();
        }
    }

    private static Path domain(ServedDevice device, String name, int generation) throws IOException {
        Path domain = Files.createDirectory(device.mount().resolve(name));
        set(domain, generation);
        return domain;
    }

    private static void set(Path domain, int generation) throws IOException {
        if (generation > 0) {
            Files.writeString(domain.resolve("generation"), generation + "\n");
        }
    }

    private static long generation(ServedDevice device, String name) throws IOException {
        return Long.parseLong(Files.readString(device.mount().resolve(name).resolve("generation"))
                .strip());
    }

    /** What a process of this machine remembers of a domain is above what it remembers of the machine; elsewhere it is not. */
    @ParameterizedTest
    @EnumSource
    void whoSeesTheMachinesDirectoryFindsEachDomainAboveTheDump(Way way) throws IOException {
        long self = ProcessHandle.current().pid();
        Path mount = directory.resolve("mnt");
        Path link = directory.resolve("dev");
        try (ServedDevice device = ServedDevice.startAt(mount, link)) {
            device.bump(5);
            domain(device, "web", 20);
            domain(device, "db", 3);
            // Whoever may bump that one does not free the others of the bound.
            Files.writeString(domain(device, "hostile", 0).resolve("generation"), "4294967295\n");
            run(way, device, "post-dump", self);
            assertThat(directory.resolve("sysgenid.generation")).hasContent("20\n");
        }
        try (ServedDevice device = ServedDevice.startAt(mount, link)) {
            domain(device, "web", 19);
            domain(device, "db", 0);
            domain(device, "ahead", 30);
            run(way, device, "post-restore", self);
            assertThat(device.generation()).isEqualTo(21);
            assertThat(generation(device, "web"))
                    .as("19 and one more would be what is remembered")
                    .isEqualTo(21);
            assertThat(generation(device, "db")).isEqualTo(21);
            assertThat(generation(device, "ahead"))
                    .as("bumped with the machine, and not again")
                    .isEqualTo(31);
            Files.delete(directory.resolve("sysgenid.generation"));
            run(way, device, "post-restore", self);
            assertThat(device.generation()).as("without a note").isEqualTo(22);
            assertThat(generation(device, "web")).isEqualTo(22);
        }
    }

    /** The same of a container that has the machine's device and a domain, and of one that has two domains. */
    @ParameterizedTest
    @EnumSource
    void aContainersDevicesAreAllBumpedAboveTheHighest(Way way) throws IOException {
        try (ServedDevice device = ServedDevice.start()) {
            device.bump(5);
            Path web = domain(device, "web", 20);
            Path db = domain(device, "db", 30);
            domain(device, "bystander", 0);
            Path machine = device.mount().resolve("sysgenid");
            try (Child both = container("both", machine, web)) {
                run(way, device, "post-dump", init(both));
                assertThat(directory.resolve("sysgenid.generation")).hasContent("20\n");
                run(way, device, "post-restore", init(both));
                assertThat(device.generation()).isEqualTo(21);
                assertThat(generation(device, "web")).isEqualTo(21);
                assertThat(generation(device, "db")).as("with the machine").isEqualTo(31);
                assertThat(generation(device, "bystander"))
                        .as("with the machine")
                        .isEqualTo(1);
            }
            try (Child two = container("two", db, web)) {
                run(way, device, "post-dump", init(two));
                assertThat(directory.resolve("sysgenid.generation")).hasContent("31\n");
                run(way, device, "post-restore", init(two));
                assertThat(generation(device, "web")).isEqualTo(32);
                assertThat(generation(device, "db")).isEqualTo(32);
                assertThat(device.generation()).as("it does not see that").isEqualTo(21);
                assertThat(generation(device, "bystander")).isEqualTo(1);
            }
        }
    }

    /** A container that sees these two, each at a place of its own, and sleeps. */
    private Child container(String name, Path first, Path second) throws IOException {
        Path root = Files.createDirectory(directory.resolve(name));
        for (String place : List.of("data", "dev", "proc", "second")) {
            Files.createDirectory(root.resolve(place));
        }
        if (Files.isDirectory(first)) {
            Files.createDirectory(root.resolve("first"));
        } else {
            Files.createFile(root.resolve("first"));
        }
        Child.Ended made = Child.run(List.of(
                "/bin/sh",
                "-ec",
                "mknod -m 666 \"$1/dev/null\" c 1 3; cp \"$2\" \"$1/clones\"",
                "sh",
                root.toString(),
                CProgram.behaviour("clones", CProgram.Bits.STATIC).executable().toString()));
        assertThat(made.status()).as(made.output()).isZero();
        Child container = Child.start(List.of(
                CProgram.behaviour("container").executable().toString(),
                root.toString(),
                first + ":/first",
                second + ":/second",
                "--",
                "/clones",
                "/data"));
        long end = System.nanoTime() + Child.LIMIT.toNanos();
        while (!Files.exists(root.resolve("data/ready"))) {
            assertThat(container.isAlive() && System.nanoTime() < end)
                    .as(container.output())
                    .isTrue();
            try {
                Thread.sleep(5);
            } catch (InterruptedException e) {
                throw new AssertionError("interrupted", e);
            }
        }
        return container;
    }

    /** Its process 1, as the machine numbers it. */
    private static long init(Child container) throws IOException {
        return Long.parseLong(Files.readString(Path.of("/proc/%1$d/task/%1$d/children".formatted(container.pid())))
                .strip());
    }
}
