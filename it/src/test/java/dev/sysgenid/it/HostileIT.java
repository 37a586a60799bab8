// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Clients that mean harm, or know no better. Beside each of them a well-behaved one works and checks every answer it
 * gets; afterwards the daemon holds what it held before.
 */
@ParameterizedClass
@ValueSource(strings = {"passthrough", "store"})
@Timeout(value = 90, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class HostileIT {
    private static final String SECONDS = System.getProperty("sysgenid.it.hostile.seconds", "4");
    private static final Duration LASTS = Duration.ofSeconds(Long.parseLong(SECONDS));
    private static final String COUNT = System.getProperty("sysgenid.it.hostile.count", "0");
    private static final String SEED = System.getProperty("sysgenid.it.hostile.seed", "1");

    private final String mapping;

    HostileIT(String mapping) {
        this.mapping = mapping;
    }

    @BeforeEach
    void needsPrivilege() {
        Namespace.require();
    }

    /** Runs a hostile program, perhaps beside a bystander, and holds the daemon to having let go of everything. */
    private void run(boolean bystander, String program, String... arguments) {
        try (ServedDevice device = ServedDevice.start("--mapping", mapping)) {
            // A first, harmless round: what the daemon allocates once is there before anything is counted.
            runBeside(device, true, "openkill", "0", "1", "1");
            Footprint before = device.footprint();

            runBeside(device, bystander, program, arguments);

            Footprint.awaitReturnTo(before, device);
            assertThat(device.log()).as("what the daemon said").doesNotContain("defect", "makes no sense");
        }
    }

    private static void runBeside(ServedDevice device, boolean bystander, String program, String... arguments) {
        if (!bystander) {
            device.run(CProgram.behaviour(program), Map.of(), LASTS, arguments).check();
            return;
        }
        try (Child other = device.start(CProgram.behaviour("bystander"))) {
            other.awaitLine("# ready");
            device.run(CProgram.behaviour(program), Map.of(), LASTS, arguments).check();
            other.closeInput();
            int status = other.awaitExit();
            new Tap("bystander", status, other.output()).check();
        }
    }

    @Test
    void garbage() {
        run(true, "garbage", SECONDS, "4", SEED);
    }

    @Test
    void hammers() {
        run(true, "hammer", SECONDS, "3", SEED, COUNT);
    }

    /** It bumps itself, so no bystander, who counts bumps, can stand beside it. */
    @Test
    void launders() {
        run(false, "launder", SECONDS);
    }

    @Test
    void opensAndKills() {
        run(true, "openkill", SECONDS, "3", SEED);
    }

    /** It bumps itself, so no bystander, who counts bumps, can stand beside it. */
    @Test
    void tenThousandOpens() {
        run(false, "manyopens", "10000");
    }

    /** More than there can be: opens are refused then, also to bystanders; what was open goes on. */
    @Test
    void moreOpensThanCanBe() {
        run(false, "exhaust", "5", "15000");
    }
}
