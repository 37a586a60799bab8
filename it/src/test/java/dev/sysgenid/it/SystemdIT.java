// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * The Debian package and {@code sysgenid install} on a system that systemd runs: it is booted as process 1 of namespaces
 * of their own, in a copy of this machine's root that is thrown away.
 */
class SystemdIT {
    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
    private static final Path SCRIPTS = Path.of("src/test/sh").toAbsolutePath();
    private static final int MISSING = 69;

    @TestFactory
    Stream<DynamicTest> survivesWhatAdministratorsDo() throws IOException {
        Namespace.require();
        Path folder = Path.of("target/systemd-lab").toAbsolutePath();
        delete(folder);
        Files.createDirectories(folder);
        Path program = install(folder);
        Path first = build(folder, program, "1.0");
        Files.move(first, folder.resolve("package-1.deb"));
        again(folder);
        Child.Ended ended = runLab(folder);
        // As root on a machine that .ci/run has set up nothing is missing.
        Assumptions.assumeFalse(
                ended.status() == MISSING && System.getenv("SYSGENID_CI_RUN") == null,
                () -> "SKIPPED: " + ended.output());
        return new Tap("package-behaviour", ended.status(), ended.output()).tests();
    }

    /** Boots, installs, restarts, upgrades and removes: all of that has one limit. */
    private static Child.Ended runLab(Path folder) {
        try (Child lab = Child.start(List.of(
                SCRIPTS.resolve("systemd-lab").toString(),
                folder.toString(),
                SCRIPTS.resolve("package-behaviour").toString(),
                folder.toString()))) {
            lab.closeInput();
            return new Child.Ended(lab.awaitExit(Child.LIMIT.multipliedBy(3)), lab.output());
        }
    }

    /** A copy that needs nothing of this machine but its Java. */
    private static Path install(Path folder) throws IOException {
        Path linked = KeptDevice.install(Files.createDirectory(folder.resolve("linked")));
        Path installed = folder.resolve("installed");
        Child.Ended copied = Child.run(List.of("cp", "-rL", String.valueOf(linked.getParent()), installed.toString()));
        assertThat(copied.status()).as(copied.output()).isZero();
        Files.writeString(
                installed.resolve("lib/sysgenid.java"),
                "\n" + Path.of(System.getProperty("java.home"), "bin/java") + "\n");
        return installed.resolve("sysgenid");
    }

    private static Path build(Path folder, Path program, String version) {
        try (Child build = Child.start(
                List.of(
                        ROOT.resolve("dist/debian/build").toString(),
                        "--uncompressed",
                        "--version",
                        version,
                        "--output",
                        folder.toString(),
                        "--program",
                        program.toString()),
                Map.of("JAVA_HOME", System.getProperty("java.home"), "SOURCE_DATE_EPOCH", "0"))) {
            build.closeInput();
            assertThat(build.awaitExit()).as(build.output()).isZero();
            return Path.of(build.output().lines().toList().getLast());
        }
    }

    /** The same package with a later version: what a release differs in besides is of no account here. */
    private static void again(Path folder) {
        Child.Ended ended = Child.run(List.of(
                "sh",
                "-ec",
                "cd \"$1\"; dpkg-deb --raw-extract package-1.deb again;"
                        + " sed -i 's/^Version: .*/Version: 2.0/' again/DEBIAN/control;"
                        + " dpkg-deb --root-owner-group -Znone --build again package-2.deb; rm -r again",
                "sh",
                folder.toString()));
        assertThat(ended.status()).as(ended.output()).isZero();
    }

    private static void delete(Path directory) throws IOException {
        if (Files.exists(directory)) {
            try (Stream<Path> files = Files.walk(directory)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }
}
