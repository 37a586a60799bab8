// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.abi.Page;
import dev.sysgenid.linux.Unistd;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PageFilesTest {
    @TempDir
    Path dir;

    private int state(Path page) throws Exception {
        return ByteBuffer.wrap(Files.readAllBytes(page))
                .order(ByteOrder.nativeOrder())
                .getInt(Page.STATE_OFFSET);
    }

    /** What somebody put there, or damaged, is no reason to leave the others in the belief that they are served. */
    @Test
    void onePageThatIsNoneDoesNotKeepTheOthersFromBeingTold() throws Exception {
        int directory = Unistd.open(dir.toString(), Unistd.O_RDONLY | Unistd.O_DIRECTORY | Unistd.O_CLOEXEC, 0);
        try {
            PageFiles files = new PageFiles(dir, directory);
            for (int i = 0; i < 8; i++) {
                Unistd.close(files.create(PageContent.first(1, 2, 3)));
                files.name(new PageFiles.Entry(16 + i, 1 + i, 0));
            }
            // Whichever of them is listed first: one is short, and one is a link.
            Path first = dir.resolve(files.list().getFirst().name());
            try (RandomAccessFile page = new RandomAccessFile(first.toFile(), "rw")) {
                page.setLength(100);
            }
            Path last = dir.resolve(files.list().getLast().name());
            Files.delete(last);
            Files.createSymbolicLink(last, Path.of("nowhere"));
            files.retire();
            int told = 0;
            for (PageFiles.Entry entry : files.list()) {
                Path page = dir.resolve(entry.name());
                if (!page.equals(first) && !page.equals(last)) {
                    assertThat(state(page)).isEqualTo(Page.GONE);
                    told++;
                }
            }
            assertThat(told).isEqualTo(6);
        } finally {
            Unistd.close(directory);
        }
    }
}
