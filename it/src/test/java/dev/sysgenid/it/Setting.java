// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;

/** How the device is served to a behaviour program, and what kind of program that is. */
enum Setting {
    /** By root, with passthrough. */
    ROOT,
    /** By root, with passthrough; the program is a 32-bit one. */
    ROOT_32_BITS,
    /** By root, as on a kernel without passthrough. */
    ROOT_STORED,
    /** By a user without privilege through fusermount3, for that user's programs. */
    USER;

    private static final int NOBODY = 65534;

    private ServedDevice serve() {
        return switch (this) {
            case ROOT, ROOT_32_BITS -> ServedDevice.start("--mapping", "passthrough");
            case ROOT_STORED -> ServedDevice.start("--mapping", "store");
            case USER -> ServedDevice.startAsUser(NOBODY);
        };
    }

    /** Runs a program of {@code src/test/c} against a device of its own; each line of its report is a test. */
    Stream<DynamicTest> run(String name) {
        Namespace.require();
        if (this == ROOT_32_BITS) {
            CProgram.require32Bits();
        }
        CProgram program =
                CProgram.behaviour(name, this == ROOT_32_BITS ? CProgram.Bits.BITS_32 : CProgram.Bits.NATIVE);
        boolean stored = this == ROOT_STORED || this == USER;
        try (ServedDevice device = serve()) {
            Tap report = device.run(program, Map.of("SYSGENID_MAPPING", stored ? "store" : "passthrough"));
            if (this != USER) { // where root cannot look
                device.awaitWatchers("none is left by " + name, List::isEmpty);
            }
            return report.tests();
        }
    }
}
