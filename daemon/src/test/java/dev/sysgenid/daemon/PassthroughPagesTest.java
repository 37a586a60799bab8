// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sysgenid.fuse.OpenFlags;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Mount;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The daemon's side of the pages; what clients see of them is shown with a mounted device. */
class PassthroughPagesTest {
    @TempDir
    Path dir;

    @TempDir
    Path state;

    private int directory;
    private PageFiles files;

    @BeforeEach
    void openState() throws Exception {
        directory = SystemCallException.check(
                Unistd.open(state.toString(), Unistd.O_RDONLY | Unistd.O_DIRECTORY | Unistd.O_CLOEXEC, 0),
                "open",
                state);
        files = new PageFiles(state, directory);
    }

    @AfterEach
    void closeState() {
        Unistd.close(directory);
    }

    private interface Body {
        void run(PassthroughPages pages, EmptyDirectory mount) throws Exception;
    }

    /** With a connection that the kernel lets have backing files, in a mount namespace that ends with its thread. */
    private void withPassthrough(Body body) throws Exception {
        OwnThread.inOwnMounts(() -> {
            try (EmptyDirectory mount = EmptyDirectory.mount(dir, "fuse.sysgenid")) {
                mount.shakeHands();
                OwnThread.need(
                        mount.session.passthrough(), "this kernel has no passthrough; Linux 6.9 and later have it");
                try (PassthroughPages pages = new PassthroughPages(mount.connection, files, 65_530)) {
                    body.run(pages, mount);
                }
                assertThat(mount.log).isEmpty();
                assertThat(mapped()).isEmpty();
                assertThat(Descriptors.leadingTo(state + "/")).isZero();
                Mount.umount2(dir.toString(), Mount.MNT_DETACH);
            }
        });
    }

    private static PageContent showing(int generation) {
        return PageContent.first(generation, 0x1122_3344_5566_7788L, 0x99aa_bbcc_ddee_ff00L);
    }

    /** Where pages are mapped, and what their first four bytes are: as the kernel tells it, not the code under test. */
    private Map<Long, Integer> mapped() throws IOException {
        Map<Long, Integer> pages = new TreeMap<>();
        try (RandomAccessFile memory = new RandomAccessFile("/proc/self/mem", "r")) {
            for (String line : Files.readAllLines(Path.of("/proc/self/maps"))) {
                if (line.contains(state + "/page-")) {
                    long address = Long.parseUnsignedLong(line.substring(0, line.indexOf('-')), 16);
                    memory.seek(address);
                    pages.put(address, Integer.reverseBytes(memory.readInt()));
                }
            }
        }
        return pages;
    }

    @Test
    void mappingsAreTheDaemonsAndCallsGoToIt() throws Exception {
        withPassthrough((pages, _) -> {
            assertThat(pages.openFlags())
                    .isEqualTo(OpenFlags.DIRECT_IO
                            | OpenFlags.PASSTHROUGH
                            | OpenFlags.NO_FLUSH
                            | OpenFlags.PARALLEL_DIRECT_WRITES);
            assertThat(pages.describe()).startsWith("passthrough");
            assertThat(pages.size()).isZero();
        });
    }

    @Test
    void aPageShowsItsGenerationFromTheStart() throws Exception {
        withPassthrough((pages, _) -> {
            try (Page page = pages.create(16, 0, showing(0xffff_fff0))) {
                assertThat(page.backingId()).isPositive();
                assertThat(mapped().values()).containsExactly(0xffff_fff0);
                assertThat(pages.size()).isEqualTo(1);
                assertThat(Descriptors.leadingTo(state + "/"))
                        .as("no descriptor stays open")
                        .isZero();
            }
            assertThat(pages.size()).isZero();
            assertThat(mapped()).isEmpty();
        });
    }

    @Test
    void everyPageIsAnotherAndEachBumpIsInAllOfThem() throws Exception {
        withPassthrough((pages, _) -> {
            Set<Integer> backingIds = new HashSet<>();
            for (int i = 0; i < 300; i++) {
                backingIds.add(pages.create(16 + i, 0, showing(5)).backingId());
            }
            assertThat(backingIds).hasSize(300);
            assertThat(mapped()).hasSize(300);
            for (int generation : new int[] {6, -1, 1}) {
                pages.publish(0, showing(generation));
                assertThat(mapped().values()).hasSize(300).containsOnly(generation);
            }
        });
    }

    @Test
    void closingTwiceIsHarmless() throws Exception {
        withPassthrough((pages, mount) -> {
            Page first = pages.create(16, 0, showing(1));
            Page second = pages.create(17, 0, showing(1));
            first.close();
            first.close();
            assertThat(pages.size()).isEqualTo(1);
            assertThat(mount.log).isEmpty();
            Page third = pages.create(18, 0, showing(1));
            first.close(); // not the one that has its place now
            pages.publish(0, showing(2));
            assertThat(mapped().values()).containsExactly(2, 2);
            second.close();
            third.close();
            assertThat(pages.size()).isZero();
        });
    }

    @Test
    void theKernelIsGivenItsIdBack() throws Exception {
        withPassthrough((pages, mount) -> {
            Page page = pages.create(16, 0, showing(1));
            int backingId = page.backingId();
            page.close();
            mount.connection.closeBacking(backingId);
            assertThat(mount.log).singleElement().asString().contains("ENOENT");
            mount.log.clear();
        });
    }

    /** Against a list that a child could keep. */
    @Test
    void pagesThatComeAndGo() throws Exception {
        withPassthrough((pages, _) -> {
            SplittableRandom random = new SplittableRandom(1);
            List<Page> there = new ArrayList<>();
            Set<Long> addresses = new HashSet<>();
            int most = 0;
            int generation = 1;
            for (int step = 0; step < 4000; step++) {
                // Phases of growing and of shrinking.
                if (there.isEmpty() || random.nextInt(100) < (step % 1000 < 500 ? 75 : 30)) {
                    there.add(pages.create(step, 0, showing(generation)));
                } else {
                    there.remove(random.nextInt(there.size())).close();
                }
                most = Math.max(most, there.size());
                if (step % 100 == 0) {
                    Map<Long, Integer> mapped = mapped();
                    assertThat(mapped).hasSize(there.size());
                    addresses.addAll(mapped.keySet());
                    pages.publish(0, showing(++generation));
                    assertThat(mapped().values()).allMatch(Integer.valueOf(generation)::equals);
                    assertThat(mapped().keySet()).isEqualTo(mapped.keySet());
                }
                assertThat(pages.size()).isEqualTo(there.size());
            }
            assertThat(most).isGreaterThan(200);
            assertThat(addresses.size()).as("addresses are used again").isLessThanOrEqualTo(most);
            there.forEach(Page::close);
            assertThat(mapped()).isEmpty();
            assertThat(pages.size()).isZero();
        });
    }

    /** The kernel's limit, less what the JVM needs; and one page in any case. */
    @ParameterizedTest
    @CsvSource({"4099, 3", "4097, 1", "4096, 1", "0, 1", "-1, 1"})
    void noMoreThanTheKernelHasMappingsFor(int maxMappings, int most) throws Exception {
        withPassthrough((_, mount) -> {
            try (PassthroughPages few = new PassthroughPages(mount.connection, files, maxMappings)) {
                List<Page> there = new ArrayList<>();
                for (int round = 0; round < 3; round++) {
                    while (there.size() < most) {
                        there.add(few.create(16, 0, showing(1)));
                    }
                    assertThatThrownBy(() -> few.create(16, 0, showing(1)))
                            .isInstanceOfSatisfying(
                                    SystemCallException.class,
                                    e -> assertThat(e.errno()).isEqualTo(Errno.ENOSPC));
                    assertThat(few.size()).isEqualTo(most);
                    assertThat(mapped()).hasSize(most);
                    there.removeFirst().close();
                }
            }
        });
    }

    @Test
    void closingAllOfThemClosesEach() throws Exception {
        withPassthrough((pages, _) -> {
            for (int i = 0; i < 100; i++) {
                pages.create(i, 0, showing(1));
            }
            assertThat(mapped()).hasSize(100);
            // The rest is looked at when the body is over.
        });
    }

    /** What a killed daemon leaves is what the next one maps; the clients' memory is the same. */
    @Test
    void theNextDaemonMapsThePagesOfTheLast() throws Exception {
        withPassthrough((pages, mount) -> {
            Page first = pages.create(16, 7, showing(1));
            pages.create(0x7fff_ffff_ffffL, -2, showing(1)).close();
            pages.create(18, 0, showing(1));
            try (PassthroughPages next = new PassthroughPages(mount.connection, files, 65_530)) {
                List<PageFiles.Entry> left = files.list();
                assertThat(left).extracting(PageFiles.Entry::node).containsExactlyInAnyOrder(16L, 18L);
                for (PageFiles.Entry entry : left) {
                    assertThat(entry.uid()).isEqualTo(entry.node() == 16 ? 7 : 0);
                    assertThat(next.restore(entry).backingId()).isEqualTo(entry.backingId());
                }
                next.publish(0, showing(9));
                assertThat(mapped().values()).as("twice mapped here").containsExactly(9, 9, 9, 9);
            }
            first.close();
            assertThat(files.list()).hasSize(1);
        });
    }

    @Test
    void aFileThatIsNoPageIsRefused() throws Exception {
        Files.writeString(state.resolve("page-10-1-0"), "short");
        Files.createSymbolicLink(state.resolve("page-11-1-0"), Path.of("/etc/passwd"));
        Files.writeString(state.resolve("page-x-1-0"), "");
        assertThat(files.list()).hasSize(2);
        for (PageFiles.Entry entry : files.list()) {
            assertThatThrownBy(() -> files.open(entry)).isInstanceOf(SystemCallException.class);
        }
    }

    @Test
    void withoutPassthroughThereIsNoPageAndNothingIsLeft() throws Exception {
        try (FakeKernel kernel = new FakeKernel();
                PassthroughPages pages = new PassthroughPages(kernel.connection, files, 65_530)) {
            for (int i = 0; i < 100; i++) {
                assertThatThrownBy(() -> pages.create(16, 0, showing(1)))
                        .isInstanceOfSatisfying(
                                SystemCallException.class,
                                e -> assertThat(e.errno()).isEqualTo(Errno.ENOTTY));
            }
            assertThat(pages.size()).isZero();
            assertThat(mapped()).isEmpty();
            assertThat(Descriptors.leadingTo(state + "/")).isZero();
            pages.publish(0, showing(2));
            assertThat(kernel.log).isEmpty();
        }
    }
}
