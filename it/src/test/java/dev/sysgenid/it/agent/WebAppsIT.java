// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.agent;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.SysGenId;
import dev.sysgenid.it.Child;
import dev.sysgenid.it.ServedDevice;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Tomcat and Spring Boot, unmodified, with the agent and no other option: they serve without an error and without a
 * repetition while generations change, and every change is acknowledged.
 */
class WebAppsIT {
    private static final int BUMPS = Integer.getInteger("sysgenid.it.apps.bumps", 6);

    /** So many answers between two changes: there are some of each kind of client. */
    private static final int ANSWERS = 25;

    @TempDir
    private static Path shared;

    private static @Nullable Path keyStore;

    @TempDir
    Path directory;

    @BeforeAll
    static void makeKeyStore() {
        keyStore = WebApp.makeKeyStore(shared);
    }

    @ParameterizedTest
    @CsvSource({
        "TOMCAT_10, 17",
        "TOMCAT_10, 25",
        "TOMCAT_11, 17",
        "TOMCAT_11, 25",
        "SPRING_BOOT_3, 17",
        "SPRING_BOOT_3, 25",
        "SPRING_BOOT_4, 17",
        "SPRING_BOOT_4, 25"
    })
    void serveWhileGenerationsChange(WebApp app, int version) throws IOException, InterruptedException {
        try (ServedDevice device = ServedDevice.startAtDefaultPaths()) {
            Path keys = requireNonNull(keyStore);
            Child process =
                    device.startProgram(app.command(version, List.of(AgentJar.option()), keys, directory.toString()));
            WebApp.Ports ports = WebApp.awaitReady(process, directory);
            device.awaitWatchers(
                    "the agent watches", watchers -> tracked(watchers).size() == 1);
            SSLContext trust = WebApp.trusting(keys);
            long answers;
            try (HttpLoad load = new HttpLoad(ports, trust)) {
                load.awaitAnswers(ANSWERS);
                bumpByCommand();
                load.awaitAnswers(ANSWERS);
                try (SysGenId id = SysGenId.open(device.device())) {
                    for (int i = 1; i < BUMPS; i++) {
                        id.bump();
                        assertThat(id.awaitAcknowledged(Child.LIMIT))
                                .as(process.output())
                                .isTrue();
                        load.awaitAnswers(ANSWERS);
                    }
                }
                answers = load.finish();
            }
            assertThat(device.generation()).isEqualTo(BUMPS);
            assertThat(tracked(device.watchers()))
                    .singleElement()
                    .asString()
                    .matches("\\d+ " + process.pid() + " 0 rw yes " + BUMPS + " - java");
            assertThat(process.output())
                    .as("it has nothing to complain of")
                    .doesNotContain("sysgenid agent")
                    .doesNotContain("Exception");
            System.out.println(
                    app + " on " + version + ": " + BUMPS + " changes, " + answers + " answers, no repetition");
            process.terminate();
            assertThat(process.awaitExit()).as(process.output()).isEqualTo(128 + 15);
        }
    }

    /** The watchers that somebody waits for. */
    private static List<String> tracked(List<String> watchers) {
        return watchers.stream().filter(line -> line.contains(" yes ")).toList();
    }

    private static void bumpByCommand() {
        Child.Ended ended = ServedDevice.runCommand(
                List.of("bump", "--wait", "--timeout", Duration.ofMinutes(1).toSeconds() + "s"));
        assertThat(ended.status()).as(ended.output()).isZero();
    }
}
