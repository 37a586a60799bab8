// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.conformance;

import dev.sysgenid.abi.Generation;
import dev.sysgenid.abi.Ioctl;
import dev.sysgenid.it.Child;
import dev.sysgenid.linux.Epoll;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.IoVec;
import dev.sysgenid.linux.Mman;
import dev.sysgenid.linux.Poll;
import dev.sysgenid.linux.Processes;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A device file, through real system calls. Calls that may block are made on a thread of their own each; that one blocks
 * is what the kernel says of its thread, after a later call of ours was answered: the server answers in order, so what
 * could have ended the call would have. Nothing here waits for a time to pass and takes that for a proof; the one limit
 * is for giving up on what should have happened.
 */
final class MountedDevice implements DeviceUnderTest {
    private static final Duration LIMIT = Child.LIMIT;
    private static final Duration RESEND = Duration.ofSeconds(1);
    private static final int NOBODY = 65534;
    private static final byte UNTOUCHED = (byte) 0xa5;
    private static final int PAGE_SIZE = 4096;
    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED;

    private final String path;
    private final Set<Deviation> deviations;
    private final List<File> files = new ArrayList<>();
    private final List<Mapped> mappings = new ArrayList<>();
    private final List<Interest> pollers = new ArrayList<>();
    private final List<Call> calls = new ArrayList<>();

    /** Never tracked: it bumps, asks and looks without being counted. */
    private final File control;

    private final Mapping controlPage;

    /**
     * @param path of the device file
     * @param deviations those that it has
     */
    MountedDevice(Path path, Set<Deviation> deviations) {
        this.path = path.toString();
        this.deviations = deviations;
        this.control = open(Unistd.O_RDONLY);
        control.ioctl(Ioctl.SET_WATCHER_TRACKING, 0);
        this.controlPage = control.map(Generation.BYTES, Mman.PROT_READ, Mman.MAP_SHARED, 0);
    }

    @Override
    public File open(int flags) {
        int fd = Unistd.open(path, flags | Unistd.O_CLOEXEC, 0);
        if (fd < 0) {
            throw new Refused("open " + path, -fd);
        }
        return new File(fd);
    }

    @Override
    public Poller poller() {
        try {
            return new Interest(Epoll.create());
        } catch (SystemCallException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public int generation() {
        return controlPage.generation();
    }

    @Override
    public void bump(int minimum) {
        long result = control.ioctl(Ioctl.TRIGGER_GEN_UPDATE, Integer.toUnsignedLong(minimum));
        if (result != 0) {
            throw new AssertionError("bump: " + Outcome.of(result));
        }
    }

    @Override
    public long nanoTime() {
        return System.nanoTime();
    }

    @Override
    public Set<Deviation> deviations() {
        return deviations;
    }

    @Override
    public void close() {
        interrupt(List.copyOf(calls), Signals.of(Pending.Signal.PLAIN));
        mappings.forEach(Mapped::close);
        pollers.forEach(Interest::close);
        files.forEach(File::close);
    }

    /** Returns when the server has dealt with everything sent to it before. */
    private void settle() {
        int result = Unistd.ioctl(control.fd, Ioctl.V4_GET_OUTDATED_WATCHERS, 0);
        if (result < 0) {
            throw new AssertionError("ioctl: " + Outcome.of(result));
        }
    }

    /**
     * Sends a signal to the thread of each call that runs, until none does.
     *
     * <p>kill(2) of a thread is for the whole process, but the kernel hands it to the named thread unless a signal is
     * pending there already. So there is one for each, and the next one only if that was lost: because another thread
     * happened to take it, or because its thread let in another call that had waited behind it.
     */
    private static void interrupt(List<Call> calls, int signal) {
        long start = System.nanoTime();
        while (calls.stream().anyMatch(Call::isRunning)) {
            calls.stream()
                    .filter(call -> call.isRunning() && call.tid != 0)
                    .forEach(call -> Processes.kill(call.tid, signal));
            long sent = System.nanoTime();
            while (calls.stream().anyMatch(Call::isRunning) && System.nanoTime() - sent < RESEND.toNanos()) {
                giveWay(start, () -> "go on in spite of signal " + signal + ": " + calls);
            }
        }
    }

    private static void giveWay(long start, Supplier<String> what) {
        if (System.nanoTime() - start > LIMIT.toNanos()) {
            throw new AssertionError(what.get());
        }
        try {
            Thread.sleep(Duration.ofNanos(200_000));
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** The system calls that may block, as the kernel numbers them. */
    private enum SystemCall {
        READ(0, 63),
        WRITE(1, 64),
        PREAD(17, 67),
        IOCTL(16, 29),
        /** poll; ppoll on aarch64. */
        POLL(7, 73),
        /** epoll_wait; epoll_pwait on aarch64. */
        EPOLL_WAIT(232, 22);

        private final int number;

        SystemCall(int x86_64, int aarch64) {
            this.number = System.getProperty("os.arch").equals("aarch64") ? aarch64 : x86_64;
        }
    }

    /** Signals for which this JVM has handlers that do nothing here; what counts is how they were installed. */
    private static final class Signals {
        /** Wakes threads that java.nio blocks: handled without SA_RESTART. */
        private static final int WAKE_UP = 62;

        private Signals() {}

        static int of(Pending.Signal signal) {
            return switch (signal) {
                case PLAIN -> handled(WAKE_UP);
                // The JVM suspends threads with it, with SA_RESTART; unasked it is ignored by the handler.
                case RESTARTING -> handled(Processes.SIGUSR2);
            };
        }

        /** A signal without a handler would end the JVM, so this looks before it is sent. */
        private static int handled(int signal) {
            String caught = status("SigCgt:");
            if ((Long.parseUnsignedLong(caught, 16) >>> (signal - 1) & 1) == 0) {
                throw new AssertionError("this JVM does not handle signal " + signal + ": " + caught);
            }
            return signal;
        }

        private static String status(String field) {
            try {
                return Files.readAllLines(Path.of("/proc/self/status")).stream()
                        .filter(line -> line.startsWith(field))
                        .map(line -> line.substring(field.length()).strip())
                        .findFirst()
                        .orElseThrow();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** One system call on a thread of its own. */
    private final class Call implements Pending {
        private final SystemCall call;
        private final long argument;
        private final Thread thread;
        private volatile int tid;
        private volatile @Nullable Outcome outcome;
        private volatile @Nullable Throwable failure;

        /** @param argument the first of the call, by which its thread is recognised; -1 for any */
        Call(SystemCall call, long argument, Supplier<Outcome> body) {
            this.call = call;
            this.argument = argument;
            this.thread = Thread.ofPlatform().daemon().name(call.name()).unstarted(() -> run(body));
            calls.removeIf(other -> !other.isRunning());
            calls.add(this);
            thread.start();
        }

        private void run(Supplier<Outcome> body) {
            try {
                tid = Unistd.gettid();
                outcome = body.get();
            } catch (Throwable t) {
                failure = t;
            }
        }

        private boolean isRunning() {
            return outcome == null && failure == null;
        }

        /** What the kernel says that the thread does: "running", or the call in which it sleeps, with its arguments. */
        private String doing() {
            try {
                return Files.readString(Path.of("/proc/self/task/" + tid + "/syscall"));
            } catch (IOException e) {
                return "gone";
            }
        }

        private boolean sleeps() {
            String prefix = call.number + " " + (argument < 0 ? "" : "0x" + Long.toHexString(argument) + " ");
            return tid != 0 && doing().startsWith(prefix);
        }

        @Override
        public boolean isParked() {
            long start = System.nanoTime();
            while (isRunning()) {
                if (sleeps()) {
                    settle();
                    if (sleeps()) {
                        return true;
                    }
                }
                giveWay(start, () -> this + " neither blocks nor returns");
            }
            return false;
        }

        @Override
        public Outcome await() {
            try {
                if (!thread.join(LIMIT)) {
                    throw new AssertionError(this + " does not return");
                }
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            if (failure != null) {
                throw new AssertionError(call + " failed", failure);
            }
            Outcome how = outcome;
            if (how == null) {
                throw new IllegalStateException();
            }
            return how;
        }

        @Override
        public void interrupt(Signal signal) {
            MountedDevice.interrupt(List.of(this), Signals.of(signal));
        }

        @Override
        public String toString() {
            return call + " by thread " + tid + ": " + doing().strip();
        }
    }

    private static Outcome outcomeOfRead(long result, MemorySegment buffer, long n) {
        if (result != Generation.BYTES) {
            return Outcome.of(result);
        }
        for (long i = Generation.BYTES; i < n; i++) {
            if (buffer.get(ValueLayout.JAVA_BYTE, i) != UNTOUCHED) {
                throw new AssertionError("the read returned 4 and changed byte " + i);
            }
        }
        return Outcome.delivered(buffer.get(U32, 0));
    }

    private static MemorySegment untouched(Arena arena, long n) {
        return arena.allocate(Math.max(n, 1)).fill(UNTOUCHED);
    }

    final class File implements OpenFile {
        private int fd;

        File(int fd) {
            this.fd = fd;
            files.add(this);
        }

        @Override
        public Outcome read(long n) {
            return startRead(n).await();
        }

        @Override
        public Outcome pread(long n, long offset) {
            return startPread(n, offset).await();
        }

        @Override
        public long readv(int... sizes) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment vector = arena.allocate((long) sizes.length * IoVec.SIZE, IoVec.ALIGNMENT);
                for (int i = 0; i < sizes.length; i++) {
                    IoVec.set(vector, i, untouched(arena, sizes[i]), sizes[i]);
                }
                return Unistd.readv(fd, vector, sizes.length);
            }
        }

        @Override
        public long write(byte[] bytes) {
            return startWrite(bytes).await().result();
        }

        @Override
        public long pwrite(byte[] bytes, long offset) {
            try (Arena arena = Arena.ofConfined()) {
                return Unistd.pwrite(fd, copy(arena, bytes), bytes.length, offset);
            }
        }

        @Override
        public long writev(byte[]... buffers) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment vector = arena.allocate((long) buffers.length * IoVec.SIZE, IoVec.ALIGNMENT);
                for (int i = 0; i < buffers.length; i++) {
                    IoVec.set(vector, i, copy(arena, buffers[i]), buffers[i].length);
                }
                return Unistd.writev(fd, vector, buffers.length);
            }
        }

        private static MemorySegment copy(Arena arena, byte[] bytes) {
            MemorySegment copy = arena.allocate(Math.max(bytes.length, 1));
            MemorySegment.copy(bytes, 0, copy, ValueLayout.JAVA_BYTE, 0, bytes.length);
            return copy;
        }

        @Override
        public int poll(int events) {
            return Poll.poll(fd, events, 0);
        }

        @Override
        public long ioctl(int command, long argument) {
            return startIoctl(command, argument).await().result();
        }

        @Override
        public long ioctlUnprivileged(int command, long argument) {
            int target = fd;
            Outcome outcome = new Call(SystemCall.IOCTL, target, () -> {
                        int became = Processes.setresgid(NOBODY, NOBODY, NOBODY);
                        became |= Processes.setgroups(NOBODY);
                        became |= Processes.setresuid(NOBODY, NOBODY, NOBODY);
                        if (became != 0) {
                            throw new AssertionError("cannot become nobody: is the test run by root?");
                        }
                        return Outcome.of(Unistd.ioctl(target, command, argument));
                    })
                    .await();
            // The kernel takes this from a process whose thread changes its user.
            Processes.prctl(Processes.PR_SET_DUMPABLE, 1, 0, 0, 0);
            return outcome.result();
        }

        @Override
        public void setNonblocking(boolean on) {
            int flags = Unistd.fcntl(fd, Unistd.F_GETFL, 0);
            int result = Unistd.fcntl(fd, Unistd.F_SETFL, on ? flags | Unistd.O_NONBLOCK : flags & ~Unistd.O_NONBLOCK);
            if (flags < 0 || result < 0) {
                throw new AssertionError("fcntl: " + Outcome.of(result));
            }
        }

        @Override
        public Mapping map(long length, int prot, int flags, long offset) {
            try {
                return new Mapped(Mman.mmap(length, prot, flags, fd, offset));
            } catch (SystemCallException e) {
                throw new Refused("mmap", e.errno());
            }
        }

        @Override
        public File dup() {
            int copy = Unistd.fcntl(fd, Unistd.F_DUPFD_CLOEXEC, 0);
            if (copy < 0) {
                throw new Refused("dup", -copy);
            }
            return new File(copy);
        }

        @Override
        public void close() {
            if (fd >= 0) {
                int closing = fd;
                fd = -1;
                int result = Unistd.close(closing);
                if (result < 0) {
                    throw new AssertionError("close: " + Outcome.of(result));
                }
            }
        }

        @Override
        public Pending startRead(long n) {
            int target = fd;
            return new Call(SystemCall.READ, target, () -> {
                try (Arena arena = Arena.ofConfined()) {
                    MemorySegment buffer = untouched(arena, n);
                    return outcomeOfRead(Unistd.read(target, buffer, n), buffer, n);
                }
            });
        }

        @Override
        public Pending startPread(long n, long offset) {
            int target = fd;
            return new Call(SystemCall.PREAD, target, () -> {
                try (Arena arena = Arena.ofConfined()) {
                    MemorySegment buffer = untouched(arena, n);
                    return outcomeOfRead(Unistd.pread(target, buffer, n, offset), buffer, n);
                }
            });
        }

        @Override
        public Pending startWrite(byte[] bytes) {
            int target = fd;
            return new Call(SystemCall.WRITE, target, () -> {
                try (Arena arena = Arena.ofConfined()) {
                    return Outcome.of(Unistd.write(target, copy(arena, bytes), bytes.length));
                }
            });
        }

        @Override
        public Pending startIoctl(int command, long argument) {
            int target = fd;
            return new Call(SystemCall.IOCTL, target, () -> Outcome.of(Unistd.ioctl(target, command, argument)));
        }

        @Override
        public Pending startPoll(int events) {
            int target = fd;
            return new Call(SystemCall.POLL, -1, () -> Outcome.of(Poll.poll(target, events, -1)));
        }
    }

    private final class Mapped implements Mapping {
        private final MemorySegment segment;
        private final MemorySegment pages;
        private boolean closed;

        @SuppressWarnings("restricted") // A mapping is whole pages, however short the length that was asked for.
        Mapped(MemorySegment segment) {
            this.segment = segment;
            this.pages = segment.reinterpret(Math.ceilDiv(segment.byteSize(), PAGE_SIZE) * PAGE_SIZE);
            mappings.add(this);
        }

        @Override
        public int generation() {
            return pages.get(ValueLayout.JAVA_INT, 0);
        }

        @Override
        public byte at(int offset) {
            return pages.get(ValueLayout.JAVA_BYTE, offset);
        }

        /** Lets the kernel look: it says EFAULT where a load by this process would be a SIGBUS. */
        @Override
        public int fault(long offset) {
            int[] pipe = new int[2];
            int made = Unistd.pipe2(pipe, Unistd.O_CLOEXEC);
            if (made < 0) {
                throw new AssertionError("pipe: " + Outcome.of(made));
            }
            try {
                long result = Unistd.write(pipe[1], pages.asSlice(offset), 1);
                return result < 0 ? (int) -result : 0;
            } finally {
                Unistd.close(pipe[0]);
                Unistd.close(pipe[1]);
            }
        }

        @Override
        public void scribble(int value) {
            pages.set(ValueLayout.JAVA_INT, 0, value);
        }

        @Override
        public int protect(int prot) {
            return Mman.mprotect(segment, prot);
        }

        @Override
        public void close() {
            if (!closed) {
                closed = true;
                Mman.munmap(segment);
            }
        }
    }

    private final class Interest implements Poller {
        private final Epoll epoll;

        Interest(Epoll epoll) {
            this.epoll = epoll;
            pollers.add(this);
        }

        void close() {
            epoll.close();
        }

        @Override
        public void add(OpenFile file, int events) {
            int fd = ((File) file).fd;
            check(epoll.add(fd, events, fd));
        }

        @Override
        public void remove(OpenFile file) {
            check(epoll.remove(((File) file).fd));
        }

        private static void check(int result) {
            if (result < 0) {
                throw new AssertionError("epoll_ctl: " + Errno.describe(-result));
            }
        }

        @Override
        public List<Integer> ready() {
            int count = epoll.await(0);
            check(count);
            List<Integer> events = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                events.add(epoll.events(i));
            }
            return events;
        }

        @Override
        public Pending startWait() {
            return new Call(SystemCall.EPOLL_WAIT, epoll.fd(), () -> Outcome.of(epoll.await(-1)));
        }
    }
}
