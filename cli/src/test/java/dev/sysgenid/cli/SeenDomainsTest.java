// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a process sees of a device, by what the kernel says of its mounts. */
class SeenDomainsTest {
    private static final String MACHINE = line("0:55", "/", "/run/sysgenid", "fuse.sysgenid");

    private static final SeenDomains MACHINE_ONLY = new SeenDomains(true, false, Set.of());

    @TempDir
    Path proc;

    private static String line(String device, String root, String point, String type) {
        return "100 23 " + device + " " + root + " " + point + " rw,nosuid shared:5 - " + type + " sysgenid rw\n";
    }

    private void mounts(String process, String... lines) throws IOException {
        Files.writeString(
                Files.createDirectories(proc.resolve(process)).resolve("mountinfo"),
                "22 1 8:1 / / rw - ext4 /dev/sda rw\n" + String.join("", lines));
    }

    private SeenDomains seen() {
        return SeenDomains.of(proc, "7", Path.of("/run/sysgenid"));
    }

    @BeforeEach
    void own() throws IOException {
        mounts("self", line("0:40", "/", "/other", "fuse.sysgenid"), MACHINE);
    }

    @Test
    void aDirectoryOrADeviceOfADomainIsThatDomain() throws IOException {
        mounts("7", line("0:55", "/web", "/run/sysgenid", "fuse.sysgenid"));
        assertThat(seen()).isEqualTo(new SeenDomains(false, false, Set.of("web")));
        mounts("7", line("0:55", "/web/sysgenid//deleted", "/dev/sysgenid", "fuse.sysgenid"));
        assertThat(seen()).isEqualTo(new SeenDomains(false, false, Set.of("web")));
        mounts("7", line("0:55", "/web", "/a", "fuse.sysgenid"), line("0:55", "/db/sysgenid", "/b", "fuse.sysgenid"));
        assertThat(seen()).isEqualTo(new SeenDomains(false, false, Set.of("web", "db")));
    }

    @Test
    void whoSeesTheMachinesDirectorySeesAll() throws IOException {
        mounts("7", line("0:55", "/web", "/a", "fuse.sysgenid"), MACHINE);
        assertThat(seen()).isEqualTo(new SeenDomains(true, true, Set.of("web")));
        mounts("7", MACHINE);
        assertThat(seen()).isEqualTo(new SeenDomains(true, true, Set.of()));
    }

    @Test
    void whoSeesTheMachinesDeviceSeesThatToo() throws IOException {
        for (String file : List.of("/sysgenid", "/sysgenid//deleted", "/watchers", "//deleted")) {
            mounts("7", line("0:55", file, "/dev/sysgenid", "fuse.sysgenid"));
            assertThat(seen()).isEqualTo(MACHINE_ONLY);
            mounts(
                    "7",
                    line("0:55", "/web", "/a", "fuse.sysgenid"),
                    line("0:55", file, "/dev/sysgenid", "fuse.sysgenid"));
            assertThat(seen()).isEqualTo(new SeenDomains(true, false, Set.of("web")));
        }
    }

    @Test
    void whoSeesNothingOfOursHasTheMachineBumped() throws IOException {
        mounts("7");
        assertThat(seen()).isEqualTo(MACHINE_ONLY);
        mounts("7", line("0:40", "/web", "/a", "fuse.sysgenid"), line("0:55", "/web", "/a", "ext4"));
        assertThat(seen()).isEqualTo(MACHINE_ONLY);
        mounts("7", "nonsense\n", "- - - - - - fuse.sysgenid\n");
        assertThat(seen()).isEqualTo(MACHINE_ONLY);
        mounts("self");
        mounts("7", line("0:55", "/web", "/a", "fuse.sysgenid"));
        assertThat(seen()).isEqualTo(MACHINE_ONLY);
        Files.delete(proc.resolve("7/mountinfo"));
        assertThat(seen()).isEqualTo(MACHINE_ONLY);
    }
}
