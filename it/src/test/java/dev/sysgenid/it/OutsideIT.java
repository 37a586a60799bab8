// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A caller whom the daemon's pid namespace does not see: the daemon's is one below, and its mount comes out of it. */
class OutsideIT {
    private static final String SCRIPT = """
            mount -t tmpfs none /run && mount --make-shared /run || exit 1
            unshare --mount --propagation unchanged --pid --fork --kill-child \\
              sh -c 'mount -t proc proc /proc && exec "$@"' inside "$@" >/run/log 2>&1 &
            until grep -q 'sysgenid: serving ' /run/log; do
              kill -0 $! || { cat /run/log; exit 1; }
              sleep 0.1
            done
            exec 3</run/sysgenid/sysgenid
            echo 7 >/run/sysgenid/generation && echo bumped || echo refused
            cat /run/sysgenid/watchers
            echo "generation $(cat /run/sysgenid/generation)"
            """;

    @Test
    void rootIsSeenAsNobodyAndMayNotBump() {
        Namespace.require();
        List<String> command = new ArrayList<>(List.of("unshare", "--mount", "--pid", "--fork", "--mount-proc"));
        command.addAll(List.of("--kill-child", "sh", "-c", SCRIPT, "outside"));
        command.addAll(ServedDevice.command(List.of("serve", "--no-supervise", "--device", "/run/link")));
        Child.Ended ended = Child.run(command);
        assertThat(ended.status()).as(ended.output()).isZero();
        assertThat(ended.output())
                .contains("refused\n", "\n1 0 0 r no 0 - ?\n")
                .endsWith("generation 0")
                .doesNotContain("bumped");
    }
}
