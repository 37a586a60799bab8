// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import dev.sysgenid.core.Domain;
import dev.sysgenid.core.Effects;
import dev.sysgenid.core.Tracking;
import dev.sysgenid.core.Watcher;
import dev.sysgenid.linux.Epoll;
import dev.sysgenid.linux.Errno;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;

/**
 * A machine with one device, over the same state machine that the daemon serves, for tests of one thread: while a
 * command waits, the next event of {@link #meanwhile} happens. When nothing is left to happen, a wait with a limit runs
 * out, and one without a limit ends as if the daemon had gone.
 */
final class FakeMachine implements DeviceFile.Opener, Effects {
    private static final long NANOS_PER_MILLI = 1_000_000;

    final Domain domain;
    final Deque<Runnable> meanwhile = new ArrayDeque<>();
    final Map<String, String> environment = new HashMap<>();
    long nanos = 12345;

    /** What the machine answers to ioctls in place of the state machine's answers. */
    final Map<Integer, Integer> refused = new HashMap<>();

    /** The error number that every call gets after the opening; 0 for none. */
    int broken;

    /** The error number that opening gets; 0 for none. */
    int closedTo;

    boolean mayBump = true;
    int opens;

    private final Map<Long, Integer> ended = new HashMap<>();
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private long requests;

    FakeMachine(int generation) {
        this(Tracking.WRITERS, generation);
    }

    FakeMachine(Tracking tracking, int generation) {
        domain = new Domain(tracking, this, generation);
    }

    /** Runs a command line on this machine, and returns its exit code. */
    int run(String... arguments) {
        out.reset();
        err.reset();
        return Main.run(context(), arguments);
    }

    Context context() {
        return new Context(
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8),
                environment,
                this,
                () -> nanos);
    }

    String out() {
        return out.toString(StandardCharsets.UTF_8);
    }

    String err() {
        return err.toString(StandardCharsets.UTF_8);
    }

    /** What happens during the next wait that has nothing before it. */
    void meanwhile(Runnable event) {
        meanwhile.add(event);
    }

    void bump() {
        domain.bump(0, nanos);
    }

    void pass(long millis) {
        nanos += millis * NANOS_PER_MILLI;
        domain.expire(nanos);
    }

    /** A signal for whoever waits. */
    void signal() {
        domain.interrupt(requests);
    }

    void ack(Watcher watcher) {
        domain.write(watcher, 4, domain.generation());
    }

    @Override
    public DeviceFile open(String path, boolean writable) throws DeviceFile.OpenException {
        if (closedTo != 0) {
            throw new DeviceFile.OpenException(closedTo);
        }
        opens++;
        return new File(domain.open(writable));
    }

    @Override
    public void bumped(int generation) {
        // The page: mapped() looks at the domain itself.
    }

    @Override
    public void readCompleted(long request, int generation) {
        throw new AssertionError("nothing here blocks in read");
    }

    @Override
    public void readFailed(long request, int errno) {
        throw new AssertionError("nothing here blocks in read");
    }

    @Override
    public void waitCompleted(long request, int errnoOrZero) {
        ended.put(request, -errnoOrZero);
    }

    @Override
    public void wake(Watcher watcher) {
        throw new AssertionError("nothing here asks to be woken");
    }

    private final class File implements DeviceFile {
        private final Watcher watcher;
        private long reported;

        File(Watcher watcher) {
            this.watcher = watcher;
            reported = domain.serial();
        }

        @Override
        public long read() {
            if (broken != 0) {
                return -broken;
            }
            int result = domain.read(watcher, ++requests, 4, true);
            return result < 0 ? result : Integer.toUnsignedLong(domain.generation());
        }

        @Override
        public long write(int generation) {
            return broken != 0 ? -broken : domain.write(watcher, 4, generation);
        }

        @Override
        public int ioctl(int command, long argument) {
            Integer refusal = refused.get(command);
            if (broken != 0 || refusal != null) {
                return refusal == null ? -broken : -refusal;
            }
            long request = ++requests;
            int result = domain.ioctl(watcher, request, command, argument, () -> mayBump, nanos);
            while (result == Domain.PARKED) {
                Runnable event = meanwhile.poll();
                if (event != null) {
                    event.run();
                } else if (domain.nextDeadline() != Long.MAX_VALUE) {
                    nanos = Math.max(nanos, domain.nextDeadline());
                    domain.expire(nanos);
                } else {
                    domain.interrupt(request);
                    ended.put(request, -Errno.ENOTCONN);
                }
                result = ended.getOrDefault(request, Domain.PARKED);
            }
            return result;
        }

        @Override
        public int awaitChange(int timeoutMillis) {
            while (reported == domain.serial()) {
                Runnable event = meanwhile.poll();
                if (event == null) {
                    return timeoutMillis < 0 ? Epoll.EPOLLERR : 0;
                }
                event.run();
            }
            reported = domain.serial();
            return Epoll.EPOLLIN;
        }

        @Override
        public long mapped() {
            return broken != 0 ? -broken : Integer.toUnsignedLong(domain.generation());
        }

        @Override
        public void close() {
            domain.close(watcher);
        }
    }
}
