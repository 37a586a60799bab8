// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it;

import static dev.sysgenid.it.DeviceCalls.ack;
import static dev.sysgenid.it.DeviceCalls.read;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.SysGenId;
import dev.sysgenid.abi.Ioctl;
import dev.sysgenid.abi.Page;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Mman;
import dev.sysgenid.linux.Mount;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Domains: a generation of its own for each container, made and removed in the mounted directory. */
class DomainsIT {
    private static final int CRASH_SECONDS = Integer.getInteger("sysgenid.it.crash.seconds", 12) / 2;

    private final List<Integer> open = new ArrayList<>();

    @BeforeEach
    void needsPrivilege() {
        Namespace.require();
    }

    @AfterEach
    void closeAll() {
        open.forEach(Unistd::close);
    }

    private int open(Path device, int flags) {
        int file = Unistd.open(device.toString(), flags | Unistd.O_CLOEXEC, 0);
        assertThat(file).as("%s", device).isPositive();
        open.add(file);
        return file;
    }

    private int watch(Path domain) {
        return open(domain.resolve("sysgenid"), Unistd.O_RDWR | Unistd.O_NONBLOCK);
    }

    private void close(int file) {
        open.remove(Integer.valueOf(file));
        Unistd.close(file);
    }

    private static int mkdir(Path path) {
        return -Unistd.mkdir(path.toString(), 0755);
    }

    private static int rmdir(Path path) {
        return -Unistd.rmdir(path.toString());
    }

    private static int bump(int file) {
        return -Unistd.ioctl(file, Ioctl.TRIGGER_GEN_UPDATE, 0L);
    }

    private static MemorySegment map(int file) throws SystemCallException {
        return Mman.mmap(4096, Mman.PROT_READ, Mman.MAP_SHARED, file, 0);
    }

    private static int shown(MemorySegment page) {
        return page.get(ValueLayout.JAVA_INT, Page.GENERATION_OFFSET);
    }

    private static String generation(Path domain) throws IOException {
        return Files.readString(domain.resolve("generation")).strip();
    }

    private static Child.Ended sysgenid(String... arguments) {
        return ServedDevice.runCommand(List.of(arguments));
    }

    private static Child.Ended shell(String script, Object... arguments) {
        List<String> command = new ArrayList<>(List.of("/bin/sh", "-c", script, "sh"));
        Stream.of(arguments).map(Object::toString).forEach(command::add);
        return Child.run(command);
    }

    @ParameterizedTest
    @ValueSource(strings = {"passthrough", "store"})
    void aBumpOfADomainDisturbsNobodyElseAndOneOfTheMachineEveryone(String mapping) throws Exception {
        try (ServedDevice device = ServedDevice.start("--mapping", mapping)) {
            Path one = device.mount().resolve("one");
            Path two = device.mount().resolve("two");
            assertThat(mkdir(one)).isZero();
            assertThat(mkdir(two)).isZero();
            List<Integer> watchers = new ArrayList<>();
            List<MemorySegment> pages = new ArrayList<>();
            for (Path domain : List.of(device.mount(), one, two)) {
                int watcher = watch(domain);
                watchers.add(watcher);
                pages.add(map(watcher));
                assertThat(shown(pages.getLast())).isZero();
                assertThat(Files.readAllLines(domain.resolve("watchers"))).hasSize(2);
            }

            assertThat(bump(watchers.get(1))).isZero();

            assertThat(pages.stream().map(DomainsIT::shown)).containsExactly(0, 1, 0);
            assertThat(watchers.stream().map(DeviceCalls::read))
                    .containsExactly((long) -Errno.EAGAIN, 1L, (long) -Errno.EAGAIN);
            assertThat(Unistd.ioctl(watchers.get(0), Ioctl.WAIT_WATCHERS, 1L)).isZero();
            assertThat(Unistd.ioctl(watchers.get(2), Ioctl.WAIT_WATCHERS, 1L)).isZero();

            assertThat(bump(watchers.get(0))).isZero();

            assertThat(pages.stream().map(DomainsIT::shown)).containsExactly(1, 2, 1);
            assertThat(watchers.stream().map(DeviceCalls::read)).containsExactly(1L, 2L, 1L);
            assertThat(generation(one)).isEqualTo("2");
            assertThat(pages.stream()
                            .map(page -> page.get(ValueLayout.JAVA_LONG, Page.CLONE_IDENTITY_OFFSET))
                            .distinct())
                    .hasSize(3);
            assertThat(ack(watchers.get(1), 2)).isEqualTo(4);
            assertThat(Unistd.ioctl(watchers.get(1), Ioctl.WAIT_WATCHERS, 1L))
                    .as("whoever is late elsewhere")
                    .isZero();

            Files.writeString(one.resolve("generation"), "4294967295\n");
            assertThat(generation(one)).isEqualTo("4294967295");
            assertThat(bump(watchers.get(0))).isZero();
            assertThat(shown(pages.get(1))).isEqualTo(1);
            pages.forEach(Mman::munmap);
            closeAll();
            open.clear();
            assertThat(rmdir(one)).isZero();
            assertThat(rmdir(two)).isZero();
            device.stop();
        }
    }

    @Test
    void namesAndPlacesOfOthersAreRefused() throws Exception {
        try (ServedDevice device = ServedDevice.start()) {
            Path mount = device.mount();
            for (String name : List.of(".hidden", "a b", "a\nb", "\u00e4", "$(reboot)", "a*")) {
                assertThat(mkdir(mount.resolve(name))).as(name).isEqualTo(Errno.EINVAL);
            }
            assertThat(mkdir(mount.resolve("x".repeat(65)))).isEqualTo(Errno.ENAMETOOLONG);
            assertThat(mkdir(mount.resolve("x".repeat(255)))).isEqualTo(Errno.ENAMETOOLONG);
            assertThat(mkdir(mount.resolve("sources"))).isEqualTo(Errno.EEXIST);
            Path id = mount.resolve("0123456789abcdef".repeat(4));
            assertThat(mkdir(id)).isZero();
            assertThat(mkdir(id)).isEqualTo(Errno.EEXIST);
            assertThat(mkdir(id.resolve("nested"))).isEqualTo(Errno.EPERM);
            assertThat(rmdir(id.resolve("sysgenid"))).isEqualTo(Errno.ENOTDIR);
            assertThat(rmdir(mount.resolve("sysgenid"))).isEqualTo(Errno.ENOTDIR);
            assertThat(shell(
                                    "cd \"$1\" && ! touch x && ! rm -f sysgenid && ! mv watchers y && ! ln sysgenid z"
                                            + " && ! ln -s sysgenid z && ! mknod p p && ! mkdir q",
                                    id)
                            .status())
                    .isZero();
            assertThat(shell("! mv \"$1\" \"$1\"2", id).status()).isZero();

            Child.Ended bad = sysgenid(
                    "domain", "create", "a/b", "--device", device.device().toString());
            assertThat(bad.status()).isEqualTo(2);
            assertThat(bad.output()).contains("is not a name for a domain");
            Child.Ended longer = sysgenid(
                    "domain",
                    "create",
                    "x".repeat(300),
                    "--device",
                    device.device().toString());
            assertThat(longer.status()).isEqualTo(2);
            assertThat(longer.output()).contains("at most 64 characters, and this one has 300");
            assertThat(rmdir(id)).isZero();
            assertThat(rmdir(id)).isEqualTo(Errno.ENOENT);
            device.stop();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"passthrough", "store"})
    void whatIsRemovedIsGoneForWhoOpensAndNotForWhoHasItMapped(String mapping) throws Exception {
        try (ServedDevice device = ServedDevice.start("--mapping", mapping)) {
            Path domain = device.mount().resolve("c1");
            assertThat(mkdir(domain)).isZero();
            int watcher = watch(domain);
            MemorySegment page = map(watcher);
            assertThat(bump(watcher)).isZero();
            assertThat(rmdir(domain)).isEqualTo(Errno.EBUSY);
            Path bound = Files.createFile(device.directory().resolve("bound"));
            assertThat(Mount.mount(domain.resolve("sysgenid").toString(), bound.toString(), "", Mount.MS_BIND, ""))
                    .isZero();
            close(watcher);
            if (mapping.equals("store")) {
                assertThat(rmdir(domain)).as("there a mapping is a watcher").isEqualTo(Errno.EBUSY);
                Mman.munmap(page);
            }
            assertThat(rmdir(domain)).isZero();
            assertThat(Unistd.open(bound.toString(), Unistd.O_RDWR, 0)).isEqualTo(-Errno.ENODEV);
            assertThat(shell("stat -c %s \"$1\"", bound).output())
                    .as("it looks like what is there and fails, not like what never was")
                    .isEqualTo("4096");

            assertThat(mkdir(domain)).isZero();
            assertThat(generation(domain)).as("no generation comes again").isEqualTo("2");
            assertThat(Unistd.open(bound.toString(), Unistd.O_RDWR, 0)).isEqualTo(-Errno.ENODEV);
            if (mapping.equals("passthrough")) {
                assertThat(shown(page)).isEqualTo(1);
                assertThat(page.get(ValueLayout.JAVA_INT, Page.STATE_OFFSET)).isEqualTo(Page.GONE);
                assertThat(bump(watch(domain))).isZero();
                assertThat(shown(page)).as("of another domain").isEqualTo(1);
                device.bump();
                assertThat(shown(page)).as("of the machine").isEqualTo(2);
                Mman.munmap(page);
            }
            assertThat(Mount.umount2(bound.toString(), 0)).isZero();
            closeAll();
            open.clear();
            assertThat(rmdir(domain)).isZero();
            device.stop();
        }
    }

    /** Root in a container with a user namespace of its own: what is its own, and nothing else. */
    @Test
    void aContainerBumpsItsOwnDomainAndSeesNoOther() throws Exception {
        try (KeptDevice device = KeptDevice.start();
                Child container = Child.start(List.of("unshare", "--user", "--map-root-user", "cat"));
                Child other = Child.start(List.of("unshare", "--user", "--map-root-user", "cat"))) {
            Path own = device.mount().resolve("own");
            Path else_ = device.mount().resolve("else");
            String at = device.mount().resolve("sysgenid").toString();
            awaitNamespace(container);
            awaitNamespace(other);
            Child.Ended made =
                    sysgenid("domain", "create", "own", "--userns-of", Long.toString(container.pid()), "--device", at);
            assertThat(made.status()).as(made.output()).isZero();
            assertThat(made.output()).isEqualTo(own.toString());
            assertThat(mkdir(else_)).isZero();

            for (int round = 0; round < 2; round++) {
                String before = generation(own);
                assertThat(inside(container, "echo 0 >\"$1\"/generation", own).status())
                        .isZero();
                assertThat(generation(own)).isEqualTo(Integer.toString(Integer.parseInt(before) + 1));
                assertThat(inside(container, "echo 0 >\"$1\"/generation", else_).status())
                        .isNotZero();
                assertThat(inside(container, "echo 0 >\"$1\"/generation", device.mount())
                                .status())
                        .isNotZero();
                assertThat(inside(other, "echo 0 >\"$1\"/generation", own).status())
                        .isNotZero();
                assertThat(inside(container, "mkdir \"$1\"/more", device.mount())
                                .status())
                        .isNotZero();
                assertThat(inside(container, "rmdir \"$1\"", else_).status()).isNotZero();
                assertThat(generation(device.mount())).isEqualTo("0");
                assertThat(generation(else_)).isEqualTo("0");
                device.killDaemon();
                device.awaitServed();
            }

            // The directory mounted into a container: what is above it there is the container's own.
            Path inside = Files.createDirectories(device.mount().resolveSibling("root/dev/sysgenid"));
            Child.Ended seen = shell(
                    "unshare -m sh -c 'mount --bind \"$1\" \"$2\" && cd \"$2\" && ls -m . .. && cat ../else/generation'"
                            + " sh \"$1\" \"$2\"",
                    own,
                    inside);
            assertThat(seen.output())
                    .contains("generation, sysgenid, watchers\n", "..:\nsysgenid")
                    .contains("No such file");
            Child.Ended gone = sysgenid("domain", "own", "own", "--userns-of", "999999999", "--device", at);
            assertThat(gone.status()).as(gone.output()).isEqualTo(69);
            assertThat(rmdir(own)).isZero();
            assertThat(rmdir(else_)).isZero();
            device.stop();
        }
    }

    private static void awaitNamespace(Child child) throws IOException {
        Path link = Path.of("/proc/" + child.pid() + "/ns/user");
        String self = Files.readSymbolicLink(Path.of("/proc/self/ns/user")).toString();
        Path map = Path.of("/proc/" + child.pid() + "/uid_map");
        long end = System.nanoTime() + Child.LIMIT.toNanos();
        while (Files.readSymbolicLink(link).toString().equals(self)
                || Files.readString(map).isBlank()) {
            assertThat(System.nanoTime()).isLessThan(end);
            Thread.onSpinWait();
        }
    }

    private static Child.Ended inside(Child container, String script, Path path) {
        return Child.run(List.of(
                "nsenter",
                "--user",
                "--target=" + container.pid(),
                "--preserve-credentials",
                "/bin/sh",
                "-c",
                script,
                "sh",
                path.toString()));
    }

    @Test
    void theJavaLibraryLivesInADomain() throws Exception {
        try (ServedDevice device = ServedDevice.start()) {
            Path domain = Files.createDirectory(device.mount().resolve("java"));
            Path other = Files.createDirectory(device.mount().resolve("other"));
            try (SysGenId id = SysGenId.open(domain.resolve("sysgenid"))) {
                long stamp = id.stamp();
                var identity = id.cloneIdentity();
                Files.writeString(other.resolve("generation"), "0\n");
                assertThat(id.stamp()).isEqualTo(stamp);
                Files.writeString(domain.resolve("generation"), "0\n");
                assertThat(id.generation()).isEqualTo(1);
                assertThat(id.stamp()).isNotEqualTo(stamp);
                assertThat(id.cloneIdentity()).isNotEqualTo(identity).isPresent();
                stamp = id.stamp();
                device.bump();
                assertThat(id.stamp()).isNotEqualTo(stamp);
            }
            // What was closed while another thread of the library looked at it ends with that look.
            long deadline = System.nanoTime() + Child.LIMIT.toNanos();
            int removed;
            while ((removed = rmdir(domain)) == Errno.EBUSY && System.nanoTime() < deadline) {
                Thread.sleep(10);
            }
            assertThat(removed).isZero();
            device.stop();
        }
    }

    /** Whoever comes first, everyone gets one of the answers that there are, and nothing is left. */
    @Test
    void rmdirAndOpenRace() throws Exception {
        try (ServedDevice device = ServedDevice.start()) {
            Path domain = device.mount().resolve("raced");
            String file = domain.resolve("sysgenid").toString();
            Map<Integer, Integer> opens = new TreeMap<>();
            Map<Integer, Integer> removals = new TreeMap<>();
            Thread remover = Thread.ofPlatform().start(() -> {
                for (int i = 0; i < 3000; i++) {
                    mkdir(domain);
                    removals.merge(rmdir(domain), 1, Integer::sum);
                }
            });
            while (remover.isAlive()) {
                int opened = Unistd.open(file, Unistd.O_RDWR | Unistd.O_CLOEXEC, 0);
                opens.merge(Math.min(0, opened), 1, Integer::sum);
                if (opened >= 0) {
                    assertThat(bump(opened)).isZero();
                    assertThat(rmdir(domain)).as("while it is open").isEqualTo(Errno.EBUSY);
                    Unistd.close(opened);
                }
            }
            remover.join();
            System.out.println("DomainsIT: opens " + opens + ", removals " + removals);
            assertThat(opens.keySet()).isSubsetOf(0, -Errno.ENOENT, -Errno.ENODEV);
            assertThat(removals.keySet()).isSubsetOf(0, Errno.EBUSY);
            rmdir(domain);
            assertThat(domain).doesNotExist();
            assertThat(device.log()).doesNotContain("defect");
            device.stop();
        }
    }

    @Test
    void aThousandDomains() throws Exception {
        try (KeptDevice device = KeptDevice.start()) {
            List<Integer> watchers = new ArrayList<>();
            for (int i = 0; i < 1000; i++) {
                assertThat(mkdir(device.mount().resolve("d" + i))).isZero();
                watchers.add(watch(device.mount().resolve("d" + i)));
            }
            int machine = watch(device.mount());
            assertThat(bump(watchers.get(7))).isZero();
            assertThat(bump(machine)).isZero();
            for (int round = 0; round < 2; round++) {
                for (int i = 0; i < 1000; i++) {
                    assertThat(read(watchers.get(i))).as("d" + i).isEqualTo(i == 7 ? 2 : 1);
                }
                try (Stream<Path> listed = Files.list(device.mount())) {
                    assertThat(listed.filter(Files::isDirectory)).hasSize(1000);
                }
                device.killDaemon();
                device.awaitServed();
            }
            Child.Ended list = sysgenid(
                    "domain",
                    "list",
                    "--json",
                    "--device",
                    device.mount().resolve("sysgenid").toString());
            assertThat(list.output()).contains("{\"name\":\"d7\",\"device\":\"", "\"generation\":2,\"watchers\":1");
            closeAll();
            open.clear();
            for (int i = 0; i < 1000; i++) {
                assertThat(rmdir(device.mount().resolve("d" + i))).isZero();
            }
            device.stop();
        }
    }

    @Test
    void theCommandSaysWhatIsAndWhatIsWrong() throws Exception {
        try (ServedDevice device = ServedDevice.start()) {
            String at = device.device().toString();
            assertThat(sysgenid("domain", "create", "web", "--device", at).output())
                    .isEqualTo(device.mount().resolve("web").toString());
            Child.Ended again = sysgenid("domain", "create", "web", "--device", at);
            assertThat(again.status()).isEqualTo(73);
            assertThat(again.output()).contains("there is a domain web already");
            assertThat(sysgenid("bump", "--domain", "web", "--min-gen", "5", "--device", at)
                            .output())
                    .isEqualTo("5");
            int watcher = watch(device.mount().resolve("web"));
            Child.Ended late = sysgenid("bump", "--domain", "web", "--wait", "--timeout", "0s", "--device", at);
            assertThat(late.status()).isEqualTo(124);
            assertThat(late.output())
                    .contains(
                            "1 of 1 tracked watchers",
                            "(pid " + ProcessHandle.current().pid());
            assertThat(sysgenid("status", "--domain", "web", "--device", at).output())
                    .contains("generation  6", "watchers    1, 1 tracked, 1 late");
            assertThat(sysgenid("domain", "list", "--device", at).output())
                    .isEqualTo("NAME  GENERATION  WATCHERS  LATE\nweb   6           1         1");
            Child.Ended busy = sysgenid("domain", "remove", "web", "--device", at);
            assertThat(busy.status()).isEqualTo(73);
            assertThat(busy.output()).contains("domain web is in use", "has it open");
            close(watcher);
            assertThat(sysgenid("domain", "remove", "web", "--device", at).status())
                    .isZero();
            Child.Ended none = sysgenid("wait", "--domain", "web", "--device", at);
            assertThat(none.status()).isEqualTo(69);
            assertThat(none.output()).contains("no domain web in ", "sysgenid domain create web");
            assertThat(device.generation()).isZero();
            device.stop();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"passthrough", "store"})
    void theDaemonMayBeKilledAtAnyTime(String mapping) {
        try (KeptDevice device = KeptDevice.start("--mapping", mapping)) {
            Child clients = Child.start(List.of(
                    CProgram.behaviour("domains").executable().toString(),
                    device.device().toString(),
                    Long.toString(device.keeper()),
                    Integer.toString(CRASH_SECONDS),
                    "4",
                    System.getProperty("sysgenid.it.crash.seed", "1")));
            try (clients) {
                clients.closeInput();
                int status = clients.awaitExit(
                        java.time.Duration.ofSeconds(CRASH_SECONDS).plus(Child.LIMIT.multipliedBy(2)));
                clients.output()
                        .lines()
                        .filter(line -> line.startsWith("#"))
                        .forEach(line -> System.out.println("DomainsIT, " + mapping + ": " + line.substring(2)));
                new Tap("domains", status, clients.output() + "\n# " + device.log()).check();
            }
            device.awaitLog("another one takes over");
            assertThat(device.log()).doesNotContain("defect", "damaged", "makes no sense");
            device.stop();
        }
    }
}
