// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.it.AccpUnderFire;
import dev.sysgenid.it.Child;
import dev.sysgenid.it.Namespace;
import dev.sysgenid.it.ServedDevice;
import dev.sysgenid.it.client.JavaProgram.Platform;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The random bytes of the security library on the mounted device: nothing from an old state, also under fire. */
class RandomIT {
    private static final int FIRE_SECONDS = Integer.getInteger("sysgenid.it.fire.seconds", 4);
    /** So many bumps there are at least, however long they take. */
    private static final int BUMPS = 100;

    private static final int SIGABRT = 6;
    /** So often is the other provider seen to die. */
    private static final int DEATHS = 3;

    private static final String UNIQUENESS = "dev.sysgenid.security.UniquenessProgram";
    private static final String FIRE = "dev.sysgenid.security.FireProgram";

    @ParameterizedTest
    @EnumSource(names = {"JAVA_17", "JAVA_25"})
    void nothingComesFromAStateOfBeforeTheBump(Platform runtime) {
        Namespace.require();
        List<String> command = JavaProgram.security(runtime, UNIQUENESS);
        ServedDevice device = ServedDevice.startAtDefaultPaths();
        try (Child program = Child.start(command)) {
            while (true) {
                String line = program.awaitLine("what it asks for", said -> said.matches("bump|kill|restart|done"));
                switch (line) {
                    case "bump" -> device.bump();
                    case "kill" -> device.kill();
                    case "restart" -> {
                        device.close();
                        device = ServedDevice.startAtDefaultPaths();
                    }
                    default -> {
                        assertThat(program.awaitExit())
                                .as("%s", program.output())
                                .isZero();
                        System.out.println(runtime + ":\n" + program.output().replaceAll("(?m)^(bump|kill)\n", ""));
                        return;
                    }
                }
                program.send("done");
            }
        } finally {
            device.close();
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"JAVA_17", "JAVA_25"})
    @Timeout(value = 15, unit = TimeUnit.MINUTES)
    void underFireEveryBlockIsOfItsGeneration(Platform runtime) throws Exception {
        List<String> command = JavaProgram.security(runtime, FIRE);
        try (ServedDevice device = ServedDevice.startAtDefaultPaths()) {
            Child program = device.startProgram(command);
            program.awaitLine("drawing");
            try (Bumper bumper = new Bumper(device)) {
                TimeUnit.SECONDS.sleep(FIRE_SECONDS);
                bumper.awaitBumps(BUMPS);
                program.closeInput();
                assertThat(program.awaitExit()).as("%s", program.output()).isZero();
                System.out.println(runtime + ": " + bumper.bumps() + " bumps in " + FIRE_SECONDS + " s; "
                        + program.awaitLine("generations seen"));
            }
        }
    }

    /**
     * The library and Amazon Corretto Crypto Provider beside it, on the same device: AWS-LC ends its process on purpose when
     * the generation changes during a call. The library draws on.
     */
    @Test
    @Timeout(value = 15, unit = TimeUnit.MINUTES)
    void underFireAnotherProviderDiesAndThisOneDrawsOn() throws Exception {
        List<String> command = JavaProgram.security(Platform.JAVA_25, FIRE);
        try (ServedDevice device = ServedDevice.startAtDefaultPaths()) {
            Child ours = device.startProgram(command);
            ours.awaitLine("drawing");
            for (int i = 0; i < DEATHS; i++) {
                Child theirs = device.startProgram(accp(device.directory()));
                theirs.awaitLine("drawing");
                try (Bumper bumper = new Bumper(device)) {
                    assertThat(theirs.awaitExit(Duration.ofMinutes(3)))
                            .as("%s", theirs.output())
                            .isEqualTo(128 + SIGABRT);
                    System.out.println("the other provider: SIGABRT after " + bumper.bumps() + " bumps");
                }
                assertThat(ours.isAlive()).as("%s", ours.output()).isTrue();
            }
            ours.closeInput();
            assertThat(ours.awaitExit()).as("%s", ours.output()).isZero();
            System.out.println("this one: " + ours.awaitLine("generations seen"));
        }
    }

    private static List<String> accp(Path directory) {
        return List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-XX:-CreateCoredumpOnCrash",
                "-XX:ErrorFile=" + directory.resolve("abort-%p.log"),
                // It unpacks its library there.
                "-Djava.io.tmpdir=" + directory,
                "--enable-native-access=ALL-UNNAMED",
                "--class-path",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                AccpUnderFire.class.getName());
    }
}
