// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.conformance;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sysgenid.core.Tracking;
import java.nio.file.Path;
import java.util.EnumSet;
import org.junit.jupiter.api.Nested;

/** The mounted device is the driver, save for the deviations that FUSE makes necessary: all of them, and no other. */
class MountedConformanceTest extends DeviceConformance {
    private static DeviceUnderTest start(Tracking tracking) {
        String property = tracking == Tracking.WRITERS ? "sysgenid.device" : "sysgenid.device.opt-in";
        String path = System.getProperty(property);
        assumeTrue(path != null, "SKIPPED: the system property " + property + " names no device");
        return new MountedDevice(Path.of(path), EnumSet.allOf(Deviation.class));
    }

    @Nested
    class Opening extends OpenConformance {
        Opening() {
            super(MountedConformanceTest::start);
        }
    }

    @Nested
    class Reading extends ReadConformance {
        Reading() {
            super(MountedConformanceTest::start);
        }
    }

    @Nested
    class Acking extends AckConformance {
        Acking() {
            super(MountedConformanceTest::start);
        }
    }

    @Nested
    class Polling extends PollConformance {
        Polling() {
            super(MountedConformanceTest::start);
        }
    }

    @Nested
    class Mapped extends MapConformance {
        Mapped() {
            super(MountedConformanceTest::start);
        }
    }

    @Nested
    class Bumping extends BumpConformance {
        Bumping() {
            super(MountedConformanceTest::start);
        }
    }

    @Nested
    class Waiting extends WaitConformance {
        Waiting() {
            super(MountedConformanceTest::start);
        }
    }

    @Nested
    class TrackingOfWriters extends TrackingConformance {
        TrackingOfWriters() {
            super(MountedConformanceTest::start);
        }
    }

    @Nested
    class TrackingOnRequest extends OptInConformance {
        TrackingOnRequest() {
            super(MountedConformanceTest::start);
        }
    }

    @Nested
    class Closing extends CloseConformance {
        Closing() {
            super(MountedConformanceTest::start);
        }
    }

    @Nested
    class Deviating extends DeviationConformance {
        Deviating() {
            super(MountedConformanceTest::start);
        }
    }
}
