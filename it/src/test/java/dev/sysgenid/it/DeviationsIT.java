// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it;

import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * How the device differs from a driver in calls that are none of its interface: because it is a regular file to the
 * kernel, and because it is served by a process.
 */
@ParameterizedClass
@EnumSource(names = {"ROOT", "ROOT_STORED"})
class DeviationsIT {
    private final Setting setting;

    DeviationsIT(Setting setting) {
        this.setting = setting;
    }

    @TestFactory
    Stream<DynamicTest> regular() {
        return setting.run("regular");
    }

    @Test
    void stopped() {
        String mapping = setting == Setting.ROOT ? "passthrough" : "store";
        try (ServedDevice device = ServedDevice.start("--mapping", mapping)) {
            String pid = Long.toString(device.pid());
            device.run(CProgram.behaviour("stopped"), Map.of("SYSGENID_MAPPING", mapping), pid)
                    .check();
        }
    }
}
