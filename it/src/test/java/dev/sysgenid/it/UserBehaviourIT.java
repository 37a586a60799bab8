// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it;

import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** As {@link BehaviourIT}: a device that a user without privilege serves for that user alone. */
class UserBehaviourIT {
    @TestFactory
    Stream<DynamicTest> transfer() {
        return Setting.USER.run("transfer");
    }

    @TestFactory
    Stream<DynamicTest> signals() {
        return Setting.USER.run("signals");
    }

    @TestFactory
    Stream<DynamicTest> polling() {
        return Setting.USER.run("polling");
    }

    @TestFactory
    Stream<DynamicTest> mapping() {
        return Setting.USER.run("mapping");
    }

    @TestFactory
    Stream<DynamicTest> commands() {
        return Setting.USER.run("commands");
    }

    @TestFactory
    Stream<DynamicTest> sharing() {
        return Setting.USER.run("sharing");
    }

    @TestFactory
    Stream<DynamicTest> waiting() {
        return Setting.USER.run("waiting");
    }
}
