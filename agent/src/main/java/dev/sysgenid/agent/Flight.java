// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import java.util.List;

/** Events for Flight Recorder; nothing where the runtime has none, and nothing is loaded before somebody records. */
class Flight {
    /** Records nothing. */
    Flight() {}

    static Flight open() {
        return ModuleLayer.boot().findModule("jdk.jfr").isPresent() ? new FlightEvents() : new Flight();
    }

    /** The agent is ready. */
    void started(List<Part> parts) {}

    /** A change has been dealt with. */
    void changed(int generation, long nanos, List<Part> parts) {}
}
