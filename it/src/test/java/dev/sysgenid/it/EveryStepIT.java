// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it;

import static dev.sysgenid.it.DeviceCalls.ack;
import static dev.sysgenid.it.DeviceCalls.read;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.abi.Ioctl;
import dev.sysgenid.linux.Epoll;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Poll;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The daemon is killed before each single call that it makes on the connection while it does what it was asked, one after
 * the other; and so is the one that takes over from it. Whatever is between two such calls nobody can see but the next daemon.
 * However often that happens, the caller gets its one answer, and what it asked for is done once.
 *
 * <p>Beside it somebody is outdated, somebody waits for that one, somebody polls, and somebody reads, here and in a domain.
 */
@Timeout(value = 2, unit = TimeUnit.HOURS)
class EveryStepIT {
    /** Whether each step of the first daemon is tried with each of the next one, and not with one of them. */
    private static final boolean ALL = Boolean.getBoolean("sysgenid.it.steps.all");

    private static final String CALLS = "write,ioctl";
    private static final String DOMAIN = "below";

    @TempDir
    Path home;

    /** How many daemons were killed while they served, and while they took over. */
    private int killed;

    private int killedInTakeOver;

    /** Of the daemon that takes over: the step at which it is killed next. */
    private int nextStep = 1;

    @BeforeEach
    void needsPrivilegeAndAJavaThatDies() throws IOException {
        Namespace.require();
        PlantedJava.plant(home, "java-that-dies");
    }

    /** What the daemon is asked. */
    private enum Operation {
        BUMP {
            @Override
            void doIt(Clients clients) {
                assertThat(Unistd.ioctl(clients.control, Ioctl.TRIGGER_GEN_UPDATE, 0L))
                        .isZero();
            }

            @Override
            void check(Clients clients) throws Exception {
                long next = clients.before + 1;
                assertThat(clients.generation()).isEqualTo(next);
                assertThat(clients.domainsGeneration()).isEqualTo(clients.domainsBefore + 1);
                assertThat(end(clients.reading)).isEqualTo(next);
                assertThat(end(clients.readingInDomain)).isEqualTo(clients.domainsBefore + 1);
                assertThat(end(clients.waiting)).isEqualTo(-Errno.EINTR);
                assertThat(clients.epoll.await(Math.toIntExact(Child.LIMIT.toMillis())))
                        .isEqualTo(1);
                assertThat(clients.outdated()).isEqualTo(4);
            }
        },
        BUMP_OF_A_DOMAIN {
            @Override
            void doIt(Clients clients) {
                assertThat(Unistd.ioctl(clients.inDomain, Ioctl.TRIGGER_GEN_UPDATE, 0L))
                        .isZero();
            }

            @Override
            void check(Clients clients) throws Exception {
                assertThat(end(clients.readingInDomain)).isEqualTo(clients.domainsBefore + 1);
                assertThat(clients.domainsGeneration()).isEqualTo(clients.domainsBefore + 1);
                clients.checkThatNobodyWasTold();
            }
        },
        ACK {
            @Override
            void doIt(Clients clients) {
                assertThat(ack(clients.late, (int) clients.before)).isEqualTo(4);
            }

            @Override
            void check(Clients clients) throws Exception {
                clients.checkThatNobodyIsLate();
            }
        },
        NO_LONGER_TRACKED {
            @Override
            void doIt(Clients clients) {
                assertThat(Unistd.ioctl(clients.late, Ioctl.SET_WATCHER_TRACKING, 0L))
                        .isZero();
            }

            @Override
            void check(Clients clients) throws Exception {
                clients.checkThatNobodyIsLate();
            }
        },
        OPEN {
            @Override
            void doIt(Clients clients) {
                clients.open(clients.device.device(), Unistd.O_RDWR | Unistd.O_NONBLOCK);
            }

            @Override
            void check(Clients clients) throws Exception {
                assertThat(clients.watchers()).isEqualTo(clients.watchersBefore + 1);
                int opened = clients.files.getLast();
                assertThat(read(opened)).isEqualTo(-Errno.EAGAIN);
                assertThat(ack(opened, (int) clients.before)).isEqualTo(4);
                clients.checkThatNobodyWasTold();
            }
        },
        CLOSE {
            @Override
            void doIt(Clients clients) throws Exception {
                clients.close(clients.late);
                assertThat(end(clients.waiting)).isZero();
            }

            @Override
            void check(Clients clients) throws Exception {
                assertThat(clients.watchers()).isEqualTo(clients.watchersBefore - 1);
                clients.checkThatNobodyIsLate();
            }
        },
        POLL {
            @Override
            void doIt(Clients clients) {
                assertThat(Poll.poll(clients.late, Poll.POLLIN, 0)).isEqualTo(Poll.POLLIN);
            }

            @Override
            void check(Clients clients) throws Exception {
                clients.checkThatNobodyWasTold();
            }
        },
        DOMAIN_MADE_AND_REMOVED {
            @Override
            void doIt(Clients clients) {
                String another = clients.device.mount().resolve("another").toString();
                assertThat(Unistd.mkdir(another, 0755)).isZero();
                assertThat(Unistd.mkdir(another, 0755)).isEqualTo(-Errno.EEXIST);
                assertThat(Unistd.rmdir(another)).isZero();
            }

            @Override
            void check(Clients clients) throws Exception {
                assertThat(clients.device.mount().resolve("another")).doesNotExist();
                clients.checkThatNobodyWasTold();
            }
        };

        abstract void doIt(Clients clients) throws Exception;

        abstract void check(Clients clients) throws Exception;
    }

    @ParameterizedTest
    @ValueSource(strings = {"passthrough", "store"})
    void killedBeforeEachOfItsCalls(String mapping) throws Exception {
        try (KeptDevice device = KeptDevice.startOn(home, "--mapping", mapping)) {
            assertThat(Unistd.mkdir(device.mount().resolve(DOMAIN).toString(), 0755))
                    .isZero();
            for (Operation operation : Operation.values()) {
                int steps = 0;
                while (tryAt(device, operation, steps + 1)) {
                    steps++;
                }
                assertThat(steps).as("calls of the daemon for %s", operation).isPositive();
                System.out.printf("%s: killed before each of %d calls for %s%n", mapping, steps, operation);
            }
            System.out.printf(
                    "%s: %d daemons killed while they served, %d while they took over%n",
                    mapping, killed, killedInTakeOver);
            assertThat(killedInTakeOver).isPositive();
            assertThat(device.log()).doesNotContain("defect", "makes no sense", "damaged");
            device.stop();
        }
    }

    /** Returns whether the daemon made so many calls; then it was killed at that one, and so were its successors. */
    private boolean tryAt(KeptDevice device, Operation operation, int step) throws Exception {
        boolean more = true;
        for (int next = ALL ? 1 : nextStep; more; next++) {
            int before = killedInTakeOver;
            if (!tryAt(device, operation, step, next)) {
                return false;
            }
            boolean wasKilled = killedInTakeOver > before;
            more = ALL && wasKilled;
            nextStep = wasKilled ? next + 1 : 1;
        }
        return true;
    }

    private boolean tryAt(KeptDevice device, Operation operation, int step, int stepOfTheNext) throws Exception {
        long daemon = untraced(device);
        try (Clients clients = new Clients(device)) {
            Files.writeString(home.resolve("step"), Integer.toString(stepOfTheNext));
            FutureTask<Void> asked = askWhileItIsToDie(daemon, step, () -> {
                operation.doIt(clients);
                return null;
            });
            boolean dies = isDead(daemon);
            if (!dies) {
                Files.deleteIfExists(home.resolve("step"));
            }
            end(asked);
            operation.check(clients);
            if (dies) {
                killed++;
                if (Files.exists(home.resolve("steps"))
                        && Files.readString(home.resolve("steps")).contains("killed by SIGKILL")) {
                    killedInTakeOver++;
                }
                Files.deleteIfExists(home.resolve("steps"));
            }
            return dies;
        } catch (AssertionError e) {
            throw new AssertionError(
                    operation + ", killed before call " + step + ", the next daemon before call " + stepOfTheNext + "\n"
                            + device.log(),
                    e);
        }
    }

    /** Makes a call of a daemon that is killed at its own such call. Returns when either has happened. */
    private static FutureTask<Void> askWhileItIsToDie(long daemon, int step, Callable<Void> call) throws Exception {
        Map<Path, Long> switches = switches(daemon);
        try (Child killer = Child.start(List.of(
                "strace",
                "-f",
                "-p",
                Long.toString(daemon),
                "-o",
                "/dev/null",
                "-e",
                "trace=" + CALLS,
                "-P",
                "/dev/fuse",
                "-e",
                "inject=" + CALLS + ":signal=KILL:when=" + step))) {
            killer.awaitOutput(" attached");
            awaitThatAllAreTraced(switches);
            FutureTask<Void> asked = start(call);
            while (!asked.isDone() && !isDead(daemon)) {
                Thread.sleep(1);
            }
            return asked;
        }
    }

    /** Each thread is interrupted when it is traced from then on, and sleeps again after that. */
    private static void awaitThatAllAreTraced(Map<Path, Long> before) throws InterruptedException {
        long end = System.nanoTime() + Child.LIMIT.toNanos();
        for (Map.Entry<Path, Long> thread : before.entrySet()) {
            while (switches(thread.getKey()) < thread.getValue() + 2) {
                assertThat(System.nanoTime()).as("%s is not traced", thread).isLessThan(end);
                Thread.sleep(1);
            }
        }
    }

    /** How often each thread has given up its processor by itself. */
    private static Map<Path, Long> switches(long process) throws IOException {
        Map<Path, Long> switches = new HashMap<>();
        try (DirectoryStream<Path> threads = Files.newDirectoryStream(Path.of("/proc/" + process + "/task"))) {
            threads.forEach(thread -> switches.put(thread, switches(thread)));
        }
        return switches;
    }

    /** Very many, for one that has ended. */
    private static long switches(Path thread) {
        String count = status(thread, "voluntary_ctxt_switches:");
        return count.isEmpty() ? Long.MAX_VALUE : Long.parseLong(count);
    }

    private static boolean isDead(long process) {
        String state = status(Path.of("/proc/" + process), "State:");
        return state.isEmpty() || state.equals("Z") || state.equals("X");
    }

    /** The daemon that serves, when nobody traces it: one that was to die and made too few calls for that is replaced. */
    private static long untraced(KeptDevice device) throws IOException {
        while (true) {
            Files.readString(device.mount().resolve("generation")); // one serves
            long daemon = device.daemon();
            if (status(Path.of("/proc/" + daemon), "TracerPid:").equals("0")) {
                return daemon;
            }
            device.killDaemon();
        }
    }

    /** The first word of a line of what the kernel says of a process or thread; empty when that is gone. */
    private static String status(Path process, String name) {
        try (Stream<String> lines = Files.lines(process.resolve("status"))) {
            return lines.filter(line -> line.startsWith(name))
                    .map(line -> line.substring(name.length()).strip().split("\\s", -1)[0])
                    .findFirst()
                    .orElse("");
        } catch (IOException | UncheckedIOException e) {
            return "";
        }
    }

    private static <T> FutureTask<T> start(Callable<T> call) {
        FutureTask<T> task = new FutureTask<>(call);
        Thread.ofPlatform().daemon().start(task);
        return task;
    }

    private static <T> T end(FutureTask<T> task) throws Exception {
        return task.get(Child.LIMIT.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Those who have to do with it. */
    private static final class Clients implements AutoCloseable {
        final KeptDevice device;
        final List<Integer> files = new ArrayList<>();
        final int control;

        /** Outdated, and waited for. */
        final int late;

        final int inDomain;
        final Epoll epoll = Epoll.create();
        final FutureTask<Long> reading;
        final FutureTask<Long> readingInDomain;
        final FutureTask<Integer> waiting;
        final long before;
        final long domainsBefore;
        final int watchersBefore;

        Clients(KeptDevice device) throws IOException {
            this.device = device;
            control = open(device.device(), Unistd.O_RDONLY);
            late = open(device.device(), Unistd.O_RDWR);
            bump();
            int waiter = open(device.device(), Unistd.O_RDWR);
            int reader = open(device.device(), Unistd.O_RDWR);
            int polled = open(device.device(), Unistd.O_RDWR);
            Path domain = device.mount().resolve(DOMAIN);
            inDomain = open(domain.resolve("sysgenid"), Unistd.O_RDWR);
            before = generation();
            domainsBefore = domainsGeneration();
            assertThat(epoll.add(polled, Epoll.EPOLLIN, 1)).isZero();
            reading = start(() -> read(reader));
            readingInDomain = start(() -> read(inDomain));
            waiting = start(() -> Unistd.ioctl(waiter, Ioctl.WAIT_WATCHERS, 0L));
            watchersBefore = watchers();
        }

        int open(Path path, int flags) {
            int file = Unistd.open(path.toString(), flags | Unistd.O_CLOEXEC, 0);
            assertThat(file).as("open").isPositive();
            files.add(file);
            return file;
        }

        void close(int file) {
            files.remove(Integer.valueOf(file));
            Unistd.close(file);
        }

        void bump() {
            assertThat(Unistd.ioctl(control, Ioctl.TRIGGER_GEN_UPDATE, 0L)).isZero();
        }

        int outdated() {
            return Unistd.ioctl(control, Ioctl.V4_GET_OUTDATED_WATCHERS, 0L);
        }

        long generation() throws IOException {
            return Long.parseLong(
                    Files.readString(device.mount().resolve("generation")).strip());
        }

        long domainsGeneration() throws IOException {
            return Long.parseLong(
                    Files.readString(device.mount().resolve(DOMAIN).resolve("generation"))
                            .strip());
        }

        /** How many there are. */
        int watchers() throws IOException {
            return Files.readAllLines(device.mount().resolve("watchers")).size();
        }

        /** Whoever reads, polls and waits here, and in the domain, still does. */
        void checkThatNobodyElseWasTold() throws Exception {
            assertThat(generation()).isEqualTo(before);
            assertThat(reading.isDone()).as("the reader was told").isFalse();
            assertThat(epoll.await(0)).as("the poller was told").isZero();
        }

        /** Who waited for the late one has been told, and nobody else. */
        void checkThatNobodyIsLate() throws Exception {
            assertThat(end(waiting)).isZero();
            assertThat(outdated()).isZero();
            checkThatNobodyElseWasTold();
        }

        void checkThatNobodyWasTold() throws Exception {
            checkThatNobodyElseWasTold();
            assertThat(waiting.isDone()).as("the WAIT has ended").isFalse();
            assertThat(outdated()).isEqualTo(1);
        }

        /** All of them end at a bump. */
        @Override
        public void close() throws SystemCallException {
            bump();
            try {
                end(reading);
                end(readingInDomain);
                end(waiting);
            } catch (Exception e) {
                throw new AssertionError("they do not end at a bump", e);
            }
            files.forEach(Unistd::close);
            epoll.close();
        }
    }
}
