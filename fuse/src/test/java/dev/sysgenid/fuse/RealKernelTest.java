// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.fuse.Session.Outcome;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Mman;
import dev.sysgenid.linux.Mount;
import dev.sysgenid.linux.Poll;
import dev.sysgenid.linux.Processes;
import dev.sysgenid.linux.Stat;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the goldens cannot show: that a kernel means the same. In a mount namespace that ends with its thread. */
class RealKernelTest {
    @TempDir
    Path dir;

    /** A mount in a namespace of its own, served by the thread that made it. */
    private final class Mounted implements AutoCloseable {
        private final Arena arena = Arena.ofConfined();
        private final int device;
        final Connection connection;
        final Session session;
        final AnsweringFileSystem files;
        final List<String> log = new ArrayList<>();

        Mounted(boolean wantPassthrough) throws SystemCallException {
            device = SystemCallException.check(
                    Unistd.open("/dev/fuse", Unistd.O_RDWR | Unistd.O_CLOEXEC | Unistd.O_NONBLOCK, 0),
                    "open",
                    "/dev/fuse");
            SystemCallException.check(
                    Mount.mount(
                            "test",
                            dir.toString(),
                            "fuse.test",
                            Mount.MS_NOSUID | Mount.MS_NODEV,
                            "fd=" + device + ",rootmode=40755,user_id=0,group_id=0"),
                    "mount",
                    dir);
            connection = new Connection(device, log::add, arena);
            session = new Session(connection, wantPassthrough);
            files = new AnsweringFileSystem(connection);
            while (!session.initialized()) {
                serveNext();
            }
            session.start(files);
        }

        void serveNext() {
            assertThat(Poll.poll(device, Poll.POLLIN, -1)).isEqualTo(Poll.POLLIN);
            assertThat(session.serveOne()).isEqualTo(Outcome.SERVED);
        }

        /** What {@code call}, on a thread of its own, returns while it is served. */
        <T> T serveWhile(Callable<T> call) throws Exception {
            CompletableFuture<T> result = new CompletableFuture<>();
            Thread.ofPlatform().daemon().start(() -> {
                try {
                    result.complete(call.call());
                } catch (Throwable t) {
                    result.completeExceptionally(t);
                }
            });
            while (!result.isDone()) {
                if (Poll.poll(device, Poll.POLLIN, 10) > 0) {
                    session.serveOne();
                }
            }
            return result.get();
        }

        @Override
        public void close() {
            Mount.umount2(dir.toString(), Mount.MNT_DETACH);
            Unistd.close(device);
            arena.close();
        }
    }

    private void inOwnMounts(boolean wantPassthrough, Body body) throws Exception {
        if (Unistd.geteuid() != 0) {
            String reason = "SKIPPED: only root can mount; this is uid " + Unistd.geteuid();
            System.err.println(reason);
            Assumptions.abort(reason);
        }
        FutureTask<Boolean> task = new FutureTask<>(() -> {
            SystemCallException.check(Processes.unshare(Processes.CLONE_NEWNS), "unshare", "mounts");
            SystemCallException.check(
                    Mount.mount(null, "/", null, Mount.MS_REC | Mount.MS_PRIVATE, null), "mount", "/ private");
            try (Mounted mounted = new Mounted(wantPassthrough)) {
                body.run(mounted);
            }
            return true;
        });
        Thread thread = Thread.ofPlatform().daemon().start(task);
        try {
            task.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw e;
        }
        thread.join();
    }

    private interface Body {
        void run(Mounted mounted) throws Exception;
    }

    @Test
    void agreesAndTakesTheAnswers() throws Exception {
        inOwnMounts(true, mounted -> {
            Stat stat = mounted.serveWhile(() -> Stat.of(dir.resolve("any").toString(), false));
            assertThat(stat.ino()).isEqualTo(4);
            assertThat(stat.mode()).isEqualTo(0100644);
            assertThat(stat.size()).isEqualTo(4096);
            assertThat(mounted.serveWhile(() -> dir.toFile().list())).containsExactly("a");
            assertThat(mounted.serveWhile(
                            () -> java.nio.file.Files.getFileStore(dir).getBlockSize()))
                    .isEqualTo(4096);
            assertThat(mounted.files.failed).isEmpty();
            assertThat(mounted.files.malformed).isEmpty();
        });
    }

    @Test
    void passthroughIsAgreedOnlyWhenWanted() throws Exception {
        boolean[] agreed = new boolean[2];
        int[] backing = new int[2];
        for (int i = 0; i < 2; i++) {
            int wanted = i;
            inOwnMounts(wanted == 1, mounted -> {
                agreed[wanted] = mounted.session.passthrough();
                int file = Mman.memfd_create("test", Mman.MFD_CLOEXEC);
                backing[wanted] = mounted.connection.openBacking(file);
                Unistd.close(file);
                if (backing[wanted] > 0) {
                    mounted.connection.closeBacking(backing[wanted]);
                    assertThat(mounted.log).isEmpty();
                    mounted.connection.closeBacking(backing[wanted]);
                    assertThat(mounted.log).singleElement().asString().contains("ENOENT");
                }
            });
        }
        assertThat(agreed[0]).isFalse();
        assertThat(backing[0]).isNegative();
        // Linux 6.9 and later have it; without it nothing may be promised.
        assertThat(backing[1] > 0).isEqualTo(agreed[1]);
    }

    /** Why {@link Session} answers nothing that has no number. */
    @Test
    void theKernelRefusesAnAnswerToNumberZero() throws Exception {
        inOwnMounts(true, mounted -> {
            mounted.connection.replyError(0, Errno.EIO);
            assertThat(mounted.log).singleElement().asString().contains("EINVAL");
        });
    }

    @Test
    void whatConcernsNobodyIsDropped() throws Exception {
        inOwnMounts(true, mounted -> {
            mounted.connection.replyOk(1_000_000);
            mounted.connection.replyData(1_000_000, new byte[100], 0, 100);
            mounted.connection.notifyPoll(77);
            mounted.connection.notifyStore(77, 0, new byte[4]);
            assertThat(mounted.log).isEmpty();
        });
    }

    @Test
    void anUnmountIsTheEnd() throws Exception {
        inOwnMounts(true, mounted -> {
            assertThat(mounted.session.serveOne()).isEqualTo(Outcome.IDLE);
            int result = mounted.serveWhile(() -> Mount.umount2(dir.toString(), 0));
            assertThat(result).isZero();
            while (mounted.session.serveOne() != Outcome.ENDED) {
                // DESTROY comes before the end, where the kernel sends it.
            }
            assertThat(mounted.session.serveOne()).isEqualTo(Outcome.ENDED);
            mounted.connection.replyOk(2);
            mounted.connection.notifyPoll(1);
            assertThat(mounted.log).isEmpty();
        });
    }
}
