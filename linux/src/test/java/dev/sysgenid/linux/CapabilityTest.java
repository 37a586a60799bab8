// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class CapabilityTest {
    /** What proc says of the same thread. */
    private static long fromProc(int thread) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/" + thread + "/status"))) {
            if (line.startsWith("CapEff:\t")) {
                return Long.parseUnsignedLong(line.substring("CapEff:\t".length()), 16);
            }
        }
        throw new IOException("no CapEff");
    }

    @Test
    void theSameAsProcSays() throws IOException {
        int init = 1;
        assertThat(Capability.effective(init)).isEqualTo(fromProc(init));
        assertThat(Capability.effective(Unistd.gettid())).isEqualTo(fromProc(Unistd.gettid()));
        assertThat(Capability.effective(0)).isEqualTo(fromProc(Unistd.gettid()));
    }

    @Test
    void aThreadThatIsNotThere() {
        assertThat(Capability.effective(Integer.MAX_VALUE)).isEqualTo(-Errno.ESRCH);
    }

    @Test
    void aNegativeThread() {
        assertThat(Capability.effective(-1)).isEqualTo(-Errno.EINVAL);
    }
}
