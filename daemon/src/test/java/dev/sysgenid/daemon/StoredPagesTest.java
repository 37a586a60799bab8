// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sysgenid.daemon.FakeKernel.Message;
import dev.sysgenid.fuse.OpenFlags;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class StoredPagesTest {
    private FakeKernel kernel;
    private StoredPages pages;

    @BeforeEach
    void open() throws Exception {
        kernel = new FakeKernel();
        pages = new StoredPages(kernel.connection, true);
    }

    @AfterEach
    void release() throws Exception {
        pages.stop();
        storer().forEach(thread -> {
            try {
                thread.join();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        kernel.close();
    }

    private static List<Thread> storer() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals("sysgenid-page-stores"))
                .toList();
    }

    private Page filled(long node) {
        Page page = pages.create(node, 0, showing(0));
        page.filled();
        return page;
    }

    private static PageContent showing(int generation) {
        return PageContent.first(0, 1, 2).bumped(generation, 0x1122_3344_5566_7788L, 0x99aa_bbcc_ddee_ff00L);
    }

    /** One page, in four steps: nothing may be seen that belongs to two bumps. */
    private static void isStored(List<Message> stores, long node, int generation) {
        assertThat(stores).hasSize(4);
        isStore(stores.get(0), node, 24, 4);
        assertThat(stores.get(0).u32(24)).as("an odd sequence").isEqualTo(1);
        isStore(stores.get(1), node, 8, 48);
        assertThat(stores.get(1).u64(24)).as("magic").isEqualTo(0x4449_4e45_4753_5953L);
        assertThat(stores.get(1).u32(32)).as("version").isEqualTo(1);
        assertThat(stores.get(1).u32(36)).as("serving").isEqualTo(1);
        assertThat(stores.get(1).u32(40)).as("still odd").isEqualTo(1);
        assertThat(stores.get(1).u64(48)).as("wide").isEqualTo(Integer.toUnsignedLong(generation));
        assertThat(stores.get(1).u64(56)).as("identity").isEqualTo(0x1122_3344_5566_7788L);
        assertThat(stores.get(1).u64(64)).as("identity").isEqualTo(0x99aa_bbcc_ddee_ff00L);
        isStore(stores.get(2), node, 24, 4);
        assertThat(stores.get(2).u32(24)).as("an even sequence").isEqualTo(2);
        isStore(stores.get(3), node, 0, 4);
        assertThat(stores.get(3).u32(24)).as("generation").isEqualTo(generation);
    }

    private static void isStore(Message message, long node, long offset, int length) {
        assertThat(message.unique()).isZero();
        assertThat(message.code()).isEqualTo(Message.STORE);
        assertThat(message.u64(0)).as("node").isEqualTo(node);
        assertThat(message.u64(8)).as("offset").isEqualTo(offset);
        assertThat(message.u32(16)).as("bytes").isEqualTo(length);
        assertThat(message.body().limit()).isEqualTo(24 + length);
    }

    @Test
    void mappingsAreTheKernelsOwn() {
        assertThat(pages.openFlags())
                .isEqualTo(OpenFlags.DIRECT_IO | OpenFlags.NO_FLUSH | OpenFlags.PARALLEL_DIRECT_WRITES);
        assertThat(pages.create(16, 0, showing(0)).backingId()).isZero();
        assertThat(pages.describe()).startsWith("store");
    }

    @Test
    void saysWhenNothingCanBeMapped() throws Exception {
        StoredPages none = new StoredPages(kernel.connection, false);
        assertThat(none.describe()).startsWith("none").contains("mmap fails");
        none.stop();
    }

    @Test
    void pagesAreCounted() {
        Page first = pages.create(16, 0, showing(0));
        Page second = pages.create(17, 0, showing(0));
        assertThat(pages.size()).isEqualTo(2);
        first.close();
        first.close();
        assertThat(pages.size()).isEqualTo(1);
        second.close();
        assertThat(pages.size()).isZero();
    }

    @Test
    void aPageThatNobodyTouchedNeedsNoStore() {
        try (Page _ = pages.create(16, 0, showing(0))) {
            pages.publish(0, showing(1));
            assertThat(kernel.all()).isEmpty();
        }
    }

    @Test
    void eachPageThatWasTouchedIsStored() {
        Page first = filled(16);
        Page second = filled(17);
        second.filled();
        pages.create(18, 0, showing(0));
        pages.publish(0, showing(0x8000_0001));
        List<Message> stores = kernel.all();
        assertThat(stores).hasSize(8);
        isStored(stores.subList(0, 4), 16, 0x8000_0001);
        isStored(stores.subList(4, 8), 17, 0x8000_0001);

        first.close();
        Page third = filled(19);
        pages.publish(0, showing(2));
        stores = kernel.all();
        assertThat(stores).hasSize(8);
        isStored(stores.subList(0, 4), 17, 2);
        isStored(stores.subList(4, 8), 19, 2);
        second.close();
        third.close();
        assertThat(pages.size()).isEqualTo(1);
    }

    @Test
    void aPageThatIsGoneIsNotStored() {
        filled(16).close();
        pages.publish(0, showing(1));
        assertThat(kernel.all()).isEmpty();
    }

    @Test
    void everyBumpIsStored() {
        filled(16);
        for (int generation = 1; generation <= 1000; generation++) {
            pages.publish(0, showing(generation));
            isStored(kernel.all(), 16, generation);
        }
    }

    /**
     * The kernel lets a store wait while it fills the same page, which it does through a request to us. So the requests
     * that fill pages are served, on the loop's thread, while the stores wait; and the bump goes on only when they are done.
     */
    @Test
    void whileAStoreWaitsTheRequestsThatItWaitsForAreServed() throws Exception {
        filled(16);
        AtomicInteger served = new AtomicInteger();
        CountDownLatch one = new CountDownLatch(1);
        CountDownLatch two = new CountDownLatch(2);
        CompletableFuture<Thread> by = new CompletableFuture<>();
        pages.setFiller(() -> {
            if (kernel.takeGiven()) {
                served.incrementAndGet();
                by.complete(Thread.currentThread());
                one.countDown();
                two.countDown();
            }
        });
        kernel.letWritesWait();
        kernel.block();

        CompletableFuture<Boolean> published = new CompletableFuture<>();
        Thread loop = Thread.ofPlatform().daemon().start(() -> {
            pages.publish(0, showing(7));
            published.complete(true);
        });
        kernel.give();
        one.await();
        assertThat(by.join()).isSameAs(loop);
        assertThat(published).isNotDone();
        kernel.give();
        two.await();
        // Nothing was taken from the way to the kernel, so the store cannot be done.
        assertThat(published).isNotDone();

        List<Message> stores = new ArrayList<>();
        while (stores.size() < 4) {
            Message store = kernel.next();
            if (store != null) {
                stores.add(store);
            }
        }
        isStored(stores, 16, 7);
        assertThat(published.join()).isTrue();
        assertThat(served).hasValue(2);
    }

    /** The kernel refuses it for a node that it is forgetting; then nobody has the page mapped. */
    @Test
    void aStoreThatIsRefusedStopsNothing() {
        filled(16);
        filled(17);
        kernel.hangUp();
        pages.publish(0, showing(1));
        pages.publish(0, showing(2));
        assertThat(kernel.log).hasSize(16).allSatisfy(line -> assertThat(line).contains("EPIPE"));
    }

    /** To go on would be to leave pages at the old generation. It is no matter of whose request this is: nobody is to be told less. */
    @Test
    @SuppressWarnings("NullAway") // the defect
    void aDefectInTheOtherThreadEndsTheBump() {
        filled(16);
        assertThatThrownBy(() -> pages.publish(0, null))
                .isInstanceOf(InternalError.class)
                .hasCauseInstanceOf(NullPointerException.class);
    }

    @Test
    void stopEndsItsThreadAndLeavesNoDescriptor() throws Exception {
        long before = Descriptors.leadingTo("anon_inode:");
        int threads = storer().size();
        StoredPages others = new StoredPages(kernel.connection, true);
        assertThat(storer()).hasSize(threads + 1);
        assertThat(Descriptors.leadingTo("anon_inode:")).isEqualTo(before + 2);
        others.stop();
        while (storer().size() > threads) {
            Thread.onSpinWait();
        }
        assertThat(Descriptors.leadingTo("anon_inode:")).isEqualTo(before);
    }
}
