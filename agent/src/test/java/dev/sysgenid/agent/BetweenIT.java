// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.agent.program.Between;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Nothing of before a change is used by a thread that comes while another one still renews. */
class BetweenIT {
    static List<Jdks> jdks() {
        return Jdks.here();
    }

    @ParameterizedTest
    @MethodSource("jdks")
    void whoComesBeforeTheRenewalIsOverWaitsForIt(Jdks jdk) throws Exception {
        List<String> options = new ArrayList<>(Jvm.OPENED);
        options.add(Jvm.agent("report,only=tls+random"));
        try (Jvm jvm = Jvm.start(jdk.java(), options, Between.class)) {
            jvm.awaitLine("held");
            jvm.bump(1);
            jvm.send("");
            jvm.awaitLine("over");
            jvm.awaitLine("sysgenid agent: generation 1: ");
            jvm.send("");
            assertThat(jvm.awaitExit()).as(jvm.output()).isZero();
            assertThat(jvm.output())
                    .contains("handshake 1 waits", "handshake 2 waits")
                    .contains("random renewed")
                    .contains(" 0 mends skipped, 0 failed");
        }
    }
}
