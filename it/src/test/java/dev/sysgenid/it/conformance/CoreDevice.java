// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.conformance;

import dev.sysgenid.abi.Generation;
import dev.sysgenid.core.Domain;
import dev.sysgenid.core.Effects;
import dev.sysgenid.core.Tracking;
import dev.sysgenid.core.Watcher;
import dev.sysgenid.linux.Epoll;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Mman;
import dev.sysgenid.linux.Unistd;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.IntSupplier;
import java.util.function.LongToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * The pure core, with a kernel played around it: descriptors and descriptions, the checks that the kernel makes before
 * it asks a driver, epoll, mappings, signals, and a clock that advances when somebody waits for it. It is the driver as
 * it should have been, and deviates in nothing.
 */
final class CoreDevice implements DeviceUnderTest {
    private static final int PAGE_SIZE = 4096;

    private final Domain domain;
    private final Map<Long, Request> requests = new HashMap<>();
    private final List<Waiting> waiting = new ArrayList<>();
    private long lastRequest;
    private long now = 1_000_000_000;
    /** What every mapping shows: the page that the driver maps. */
    private int page;

    CoreDevice(Tracking tracking, int generation) {
        this.domain = new Domain(tracking, new Kernel(), generation);
        this.page = generation;
    }

    @Override
    public OpenFile open(int flags) {
        if ((flags & Unistd.O_CREAT) != 0 && (flags & Unistd.O_EXCL) != 0) {
            throw new Refused("open", Errno.EEXIST);
        }
        if ((flags & Unistd.O_DIRECTORY) != 0) {
            throw new Refused("open", Errno.ENOTDIR);
        }
        int access = flags & Unistd.O_ACCMODE;
        Description description = new Description(
                domain.open(access != Unistd.O_RDONLY),
                access != Unistd.O_WRONLY,
                access != Unistd.O_RDONLY,
                (flags & Unistd.O_NONBLOCK) != 0);
        return new Descriptor(description);
    }

    @Override
    public Poller poller() {
        return new Interest();
    }

    @Override
    public int generation() {
        return domain.generation();
    }

    @Override
    public void bump(int minimum) {
        domain.bump(minimum, now);
    }

    @Override
    public long nanoTime() {
        return now;
    }

    @Override
    public Set<Deviation> deviations() {
        return Set.of();
    }

    @Override
    public void close() {
        for (Watcher watcher : domain.all()) {
            domain.close(watcher);
        }
    }

    /** Where the effects of the domain arrive. */
    private final class Kernel implements Effects {
        @Override
        public void bumped(int generation) {
            page = generation;
        }

        @Override
        public void readCompleted(long request, int generation) {
            taken(request).end(Outcome.delivered(generation));
        }

        @Override
        public void readFailed(long request, int errno) {
            taken(request).interrupted(errno);
        }

        @Override
        public void waitCompleted(long request, int errnoOrZero) {
            taken(request).end(Outcome.of(-errnoOrZero));
        }

        @Override
        public void wake(Watcher watcher) {
            Description description = Objects.requireNonNull(watcher.attachment(Description.class));
            for (Interest.Item item : description.items) {
                item.ready = true;
            }
            for (Waiting call : List.copyOf(waiting)) {
                call.look();
            }
        }

        private Request taken(long request) {
            return Objects.requireNonNull(requests.remove(request), "told twice");
        }
    }

    /** An open file description: what descriptors and running calls refer to. */
    private final class Description {
        private final Watcher watcher;
        private final boolean readable;
        private final boolean writable;
        private final List<Interest.Item> items = new ArrayList<>();
        private boolean nonblocking;
        private int references;

        Description(Watcher watcher, boolean readable, boolean writable, boolean nonblocking) {
            this.watcher = watcher;
            this.readable = readable;
            this.writable = writable;
            this.nonblocking = nonblocking;
            watcher.attach(this);
        }

        void release() {
            if (--references == 0) {
                items.forEach(Interest.Item::remove);
                domain.close(watcher);
            }
        }

        int poll(int events, boolean notify) {
            return domain.poll(watcher, notify) & events;
        }
    }

    /** A call that may be parked. It holds its description meanwhile, so that a close by another thread ends nothing. */
    private abstract class Call implements Pending {
        private final @Nullable Description description;
        private @Nullable Outcome outcome;

        Call(@Nullable Description description) {
            this.description = description;
            if (description != null) {
                description.references++;
            }
        }

        void end(Outcome how) {
            if (outcome != null) {
                throw new IllegalStateException("ended twice");
            }
            outcome = how;
            if (description != null) {
                description.release();
            }
        }

        @Override
        public boolean isParked() {
            return outcome == null;
        }

        @Override
        public Outcome await() {
            while (outcome == null) {
                if (domain.nextDeadline() == Long.MAX_VALUE) {
                    throw new AssertionError("the call blocks, and nothing will end it");
                }
                now = domain.nextDeadline();
                domain.expire(now);
            }
            return outcome;
        }
    }

    /** A read or an ioctl: the domain knows it by its number while it is parked. */
    private final class Request extends Call {
        private final long number = ++lastRequest;
        private final boolean restartable;
        private final LongToIntFunction call;
        private boolean restarting;

        Request(Description description, boolean restartable, LongToIntFunction call) {
            super(description);
            this.restartable = restartable;
            this.call = call;
            begin();
        }

        private void begin() {
            requests.put(number, this);
            int result = call.applyAsInt(number);
            if (result != Domain.PARKED) {
                requests.remove(number);
                // Only a read returns the size of a generation and has one to deliver.
                end(
                        restartable && result == Generation.BYTES
                                ? Outcome.delivered(domain.generation())
                                : Outcome.of(result));
            }
        }

        void interrupted(int errno) {
            if (restarting) {
                restarting = false;
                begin();
            } else {
                end(Outcome.error(errno));
            }
        }

        @Override
        public void interrupt(Signal signal) {
            restarting = restartable && signal == Signal.RESTARTING;
            domain.interrupt(number);
        }
    }

    /** A poll or an epoll_wait: looks again whenever a file is woken. */
    private final class Waiting extends Call {
        private final IntSupplier look;

        Waiting(@Nullable Description description, IntSupplier look) {
            super(description);
            this.look = look;
            waiting.add(this);
            look();
        }

        void look() {
            if (isParked()) {
                int result = look.getAsInt();
                if (result != 0) {
                    end(Outcome.of(result));
                }
            }
        }

        @Override
        void end(Outcome how) {
            waiting.remove(this);
            super.end(how);
        }

        @Override
        public void interrupt(Signal signal) {
            end(Outcome.error(Errno.EINTR));
        }
    }

    /** A call that was over before anyone could ask. */
    private final class Done extends Call {
        Done(long result) {
            super(null);
            end(Outcome.of(result));
        }

        @Override
        public void interrupt(Signal signal) {}
    }

    /** What the kernel checks of a read or write before the driver is asked: 0, or the negated error number. */
    private static int verify(boolean allowed, long n, long offset) {
        if (!allowed) {
            return -Errno.EBADF;
        }
        return n < 0 || offset < 0 || offset + n < 0 ? -Errno.EINVAL : 0;
    }

    private final class Descriptor implements OpenFile {
        private final Description description;
        private boolean closed;

        Descriptor(Description description) {
            this.description = description;
            description.references++;
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
            long total = 0;
            for (int size : sizes) {
                long result = read(size).result();
                if (result < 0) {
                    return total == 0 ? result : total;
                }
                total += result;
                if (result != size) {
                    break;
                }
            }
            return total;
        }

        @Override
        public long write(byte[] bytes) {
            return pwrite(bytes, 0);
        }

        @Override
        public long pwrite(byte[] bytes, long offset) {
            int refused = verify(description.writable && !closed, bytes.length, offset);
            if (refused != 0) {
                return refused;
            }
            int value = bytes.length == Generation.BYTES
                    ? ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).getInt()
                    : 0;
            return domain.write(description.watcher, bytes.length, value);
        }

        @Override
        public long writev(byte[]... buffers) {
            long total = 0;
            for (byte[] buffer : buffers) {
                long result = write(buffer);
                if (result < 0) {
                    return total == 0 ? result : total;
                }
                total += result;
            }
            return total;
        }

        @Override
        public int poll(int events) {
            return description.poll(events, false);
        }

        @Override
        public long ioctl(int command, long argument) {
            return startIoctl(command, argument).await().result();
        }

        @Override
        public long ioctlUnprivileged(int command, long argument) {
            return new Request(
                            description,
                            false,
                            number -> domain.ioctl(description.watcher, number, command, argument, () -> false, now))
                    .await()
                    .result();
        }

        @Override
        public void setNonblocking(boolean on) {
            description.nonblocking = on;
        }

        @Override
        public Mapping map(long length, int prot, int flags, long offset) {
            boolean writes = (prot & Mman.PROT_WRITE) != 0;
            if (length == 0) {
                throw new Refused("mmap", Errno.EINVAL);
            }
            if (!description.readable || (writes && flags == Mman.MAP_SHARED && !description.writable)) {
                throw new Refused("mmap", Errno.EACCES);
            }
            // From here on it is the driver that is asked.
            if (length > PAGE_SIZE || offset != 0) {
                throw new Refused("mmap", Errno.EINVAL);
            }
            if (writes) {
                throw new Refused("mmap", Errno.EPERM);
            }
            return new PageMapping();
        }

        @Override
        public OpenFile dup() {
            return new Descriptor(description);
        }

        @Override
        public void close() {
            if (!closed) {
                closed = true;
                description.release();
            }
        }

        @Override
        public Pending startRead(long n) {
            return startPread(n, 0);
        }

        @Override
        public Pending startPread(long n, long offset) {
            int refused = verify(description.readable && !closed, n, offset);
            if (refused != 0) {
                return new Done(refused);
            }
            return new Request(
                    description, true, number -> domain.read(description.watcher, number, n, description.nonblocking));
        }

        @Override
        public Pending startWrite(byte[] bytes) {
            return new Done(write(bytes));
        }

        @Override
        public Pending startIoctl(int command, long argument) {
            return new Request(
                    description,
                    false,
                    number -> domain.ioctl(description.watcher, number, command, argument, () -> true, now));
        }

        @Override
        public Pending startPoll(int events) {
            return new Waiting(description, () -> description.poll(events, true));
        }
    }

    /** A mapping of the one page: it refers to no description, so it is no watcher. */
    private final class PageMapping implements Mapping {
        @Override
        public int generation() {
            return page;
        }

        @Override
        public byte at(int offset) {
            Objects.checkIndex(offset, PAGE_SIZE);
            return offset < Generation.BYTES
                    ? ByteBuffer.allocate(Generation.BYTES)
                            .order(ByteOrder.nativeOrder())
                            .putInt(page)
                            .get(offset)
                    : 0;
        }

        @Override
        public int fault(long offset) {
            return offset < PAGE_SIZE ? 0 : Errno.EFAULT;
        }

        @Override
        public void scribble(int value) {
            throw new UnsupportedOperationException("the mapping is not writable");
        }

        @Override
        public int protect(int prot) {
            return (prot & Mman.PROT_WRITE) != 0 ? -Errno.EACCES : 0;
        }

        @Override
        public void close() {}
    }

    /** An epoll instance, after fs/eventpoll.c: a ready item is polled again before it is told. */
    private final class Interest implements Poller {
        private final List<Item> items = new ArrayList<>();

        /** A file in the set. */
        private final class Item {
            private final Description description;
            private final int events;
            private boolean ready;

            Item(Description description, int events) {
                this.description = description;
                this.events = events;
                this.ready = description.poll(events, true) != 0;
            }

            void remove() {
                items.remove(this);
            }

            int look() {
                if (!ready) {
                    return 0;
                }
                int found = description.poll(events, true);
                ready = found != 0 && (events & Epoll.EPOLLET) == 0;
                return found;
            }
        }

        @Override
        public void add(OpenFile file, int events) {
            Item item = new Item(((Descriptor) file).description, events);
            items.add(item);
            item.description.items.add(item);
        }

        @Override
        public void remove(OpenFile file) {
            Description description = ((Descriptor) file).description;
            description.items.removeIf(items::remove);
        }

        @Override
        public List<Integer> ready() {
            return items.stream().map(Item::look).filter(events -> events != 0).toList();
        }

        @Override
        public Pending startWait() {
            return new Waiting(null, () -> ready().size());
        }
    }
}
