// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.daemon.FakeKernel.Message;
import dev.sysgenid.fuse.FileSystem;
import dev.sysgenid.fuse.Request;
import dev.sysgenid.fuse.Session;
import dev.sysgenid.linux.Errno;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Requests of those who mean harm, and what the loop does beside them. */
@Timeout(value = 2, unit = TimeUnit.MINUTES)
class ServingTest {
    private static final int FORGET = 2;
    private static final int GET_ATTRIBUTES = 3;
    private static final int OPEN = 14;
    private static final int READ = 15;
    private static final int IOCTL = 39;

    private FakeKernel kernel;
    private Loop loop;
    private Session session;
    private Serving serving;
    /** What was served, in order. */
    private final List<String> served = new ArrayList<>();

    private Consumer<Request> onOpen = _ -> {};
    private Consumer<Request> onRead = _ -> {};
    private Consumer<Request> onIoctl = _ -> {};

    @BeforeEach
    void open() throws Exception {
        kernel = new FakeKernel();
        loop = new Loop();
        session = new Session(kernel.connection, false);
        session.resume(false, true);
        serving = new Serving(loop, session);
        session.start((FileSystem) Proxy.newProxyInstance(
                FileSystem.class.getClassLoader(), new Class<?>[] {FileSystem.class}, (_, method, arguments) -> {
                    served.add(method.getName());
                    if (arguments[0] instanceof Request request) {
                        switch (request) {
                            case Request.Open _ -> onOpen.accept(request);
                            case Request.Read _ -> onRead.accept(request);
                            case Request.Ioctl _ -> onIoctl.accept(request);
                            default -> {}
                        }
                    }
                    return null;
                }));
    }

    @AfterEach
    void release() {
        loop.close();
        kernel.close();
    }

    private void ask(int opcode, long unique) {
        switch (opcode) {
            case FORGET -> kernel.ask(opcode, unique, 16, 1, 0);
            case OPEN -> kernel.ask(opcode, unique, 16, 0, 0);
            case GET_ATTRIBUTES -> kernel.ask(opcode, unique, 16, 0, 0, 0, 0);
            case READ -> kernel.ask(opcode, unique, 16, new int[10]); // of the page cache
            default -> kernel.ask(opcode, unique, 16, new int[8]);
        }
    }

    private void runUntil(Runnable submitted) {
        loop.submit(submitted);
        loop.run();
    }

    /** Each is refused, which makes the daemon take in all that wait, and asks again before the others are through. */
    @Test
    void whoIsRefusedAndAsksAgainHoldsUpNobodyElse() throws Exception {
        long[] unique = {0};
        long[] refused = {0};
        onOpen = request -> {
            serving.reclaim();
            refused[0]++;
            kernel.connection.replyError(request.unique(), Errno.EMFILE);
            ask(OPEN, ++unique[0]);
            kernel.all();
        };
        for (int i = 0; i < 8; i++) {
            ask(OPEN, ++unique[0]);
        }
        serving.start(kernel.connection.descriptor(), () -> {});
        List<String> done = new ArrayList<>();
        loop.onDeadline(() -> {
            done.add("deadline");
            loop.submit(
                    () -> { // as a signal that ends the daemon
                        done.add("submitted");
                        loop.stop();
                    });
        });
        loop.wakeAt(loop.now() + 10_000_000);
        loop.run();
        assertThat(done).containsExactly("deadline", "submitted");
        assertThat(refused[0]).isPositive();
    }

    @Test
    void whatWasPutOffIsServedAlthoughNoDescriptorTellsOfIt() throws Exception {
        for (int i = 1; i <= 200; i++) {
            ask(GET_ATTRIBUTES, i);
        }
        while (session.serveOnly(_ -> false) == Session.Outcome.SERVED) {}
        assertThat(session.hasDeferred()).isTrue();
        serving.start(kernel.connection.descriptor(), () -> {});
        int[] turns = {0};
        runUntil(new Runnable() {
            @Override
            public void run() {
                turns[0]++;
                if (session.hasDeferred()) {
                    loop.submit(this);
                } else {
                    loop.stop();
                }
            }
        });
        assertThat(served).hasSize(200).containsOnly("getAttributes");
        assertThat(turns[0]).as("others had their turn meanwhile").isGreaterThan(1);
    }

    /** As the kernel hands them out: sixteen forgets, eight others. */
    @Test
    void aReclaimTakesAllForgetsAndLeavesTheRestInOrder() throws Exception {
        onOpen = request -> {
            serving.reclaim();
            kernel.connection.replyError(request.unique(), Errno.EMFILE);
        };
        ask(OPEN, 1);
        for (int i = 0; i < 240; i++) {
            ask(i % 24 < 8 ? GET_ATTRIBUTES : FORGET, 2 + i);
        }
        serving.start(kernel.connection.descriptor(), () -> {});
        int[] seen = {0};
        runUntil(new Runnable() {
            @Override
            public void run() {
                if (seen[0] == 0 && !served.isEmpty()) {
                    seen[0] = served.size();
                }
                if (served.size() < 241) {
                    loop.submit(this);
                } else {
                    loop.stop();
                }
            }
        });
        assertThat(served.subList(0, 161))
                .as("the open, and all forgets")
                .startsWith("open")
                .doesNotContain("getAttributes");
        assertThat(served.subList(161, 241)).containsOnly("getAttributes");
        assertThat(seen[0]).as("that was a turn").isEqualTo(161);
    }

    @Test
    void aReclaimWithoutForgetsTakesNoMoreThanAFew() {
        for (int i = 0; i < 100; i++) {
            ask(GET_ATTRIBUTES, i + 1);
        }
        serving.reclaim();
        session.serveDeferred(_ -> true);
        assertThat(served).hasSizeBetween(9, 32);
    }

    /**
     * A page is locked until the kernel's request for it is answered, and a store waits for that lock. The request was taken by
     * somebody's refused open, and put off, before there was a bump.
     */
    @Test
    void aBumpDoesNotWaitForAPageWhoseRequestWasPutOff() throws Exception {
        try (FakeKernel lock = new FakeKernel()) { // of which the page is locked: a store waits for its reader
            StoredPages pages = new StoredPages(lock.connection, true);
            pages.setFiller(serving);
            pages.create(16, 0, PageContent.first(0, 1, 2)).filled();
            lock.letWritesWait();
            lock.block();
            List<Message> stores = new ArrayList<>();
            onOpen = request -> {
                serving.reclaim();
                kernel.connection.replyError(request.unique(), Errno.EMFILE);
            };
            onRead = request -> {
                kernel.connection.replyData(request.unique(), new byte[0], 0, 0);
                while (stores.size() < 4) {
                    stores.addAll(lock.all());
                }
            };
            onIoctl = request -> {
                pages.publish(0, PageContent.first(0, 1, 2).bumped(1, 3, 4));
                served.add("published");
                kernel.connection.replyIoctl(request.unique(), 0);
            };
            ask(OPEN, 1);
            ask(IOCTL, 2);
            ask(READ, 3);
            serving.start(kernel.connection.descriptor(), () -> {});
            runUntil(new Runnable() {
                @Override
                public void run() {
                    if (served.contains("published")) {
                        loop.stop();
                    } else {
                        loop.submit(this);
                    }
                }
            });
            assertThat(served).containsExactly("open", "ioctl", "read", "published");
            assertThat(kernel.all()).extracting(Message::unique).containsExactly(1L, 3L, 2L);
            pages.stop();
        }
    }
}
