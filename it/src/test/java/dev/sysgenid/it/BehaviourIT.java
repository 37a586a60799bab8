// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it;

import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** The interface as C programs see it, through real system calls: the device of the machine, served by root. */
@ParameterizedClass
@EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "USER")
class BehaviourIT {
    private final Setting setting;

    BehaviourIT(Setting setting) {
        this.setting = setting;
    }

    @TestFactory
    Stream<DynamicTest> opening() {
        return setting.run("opening");
    }

    @TestFactory
    Stream<DynamicTest> transfer() {
        return setting.run("transfer");
    }

    @TestFactory
    Stream<DynamicTest> signals() {
        return setting.run("signals");
    }

    @TestFactory
    Stream<DynamicTest> polling() {
        return setting.run("polling");
    }

    @TestFactory
    Stream<DynamicTest> mapping() {
        return setting.run("mapping");
    }

    @TestFactory
    Stream<DynamicTest> extension() {
        return setting.run("extension");
    }

    @TestFactory
    Stream<DynamicTest> commands() {
        return setting.run("commands");
    }

    @TestFactory
    Stream<DynamicTest> sharing() {
        return setting.run("sharing");
    }

    @TestFactory
    Stream<DynamicTest> waiting() {
        return setting.run("waiting");
    }

    @TestFactory
    Stream<DynamicTest> privilege() {
        return setting.run("privilege");
    }

    @TestFactory
    Stream<DynamicTest> scribble() {
        return setting.run("scribble");
    }
}
