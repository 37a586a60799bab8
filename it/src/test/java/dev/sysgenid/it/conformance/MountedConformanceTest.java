// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.conformance;

import dev.sysgenid.core.Tracking;
import dev.sysgenid.daemon.Mapping;
import dev.sysgenid.it.ServedDevice;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The mounted device, through real system calls, is the driver, save for the deviations that FUSE makes necessary: all of
 * these, and no other. Both ways of mapping are held against it.
 */
@ParameterizedClass(name = "mapping {0}")
@EnumSource(names = {"PASSTHROUGH", "STORE"})
class MountedConformanceTest extends DeviceConformance {
    private static final Map<Tracking, ServedDevice> SERVED = new EnumMap<>(Tracking.class);

    @Parameter
    private Mapping mapping = Mapping.AUTO;

    @AfterParameterizedClassInvocation
    static void stop() {
        SERVED.values().forEach(ServedDevice::close);
        SERVED.clear();
    }

    private static DeviceUnderTest serve(Mapping mapping, Tracking tracking) {
        ServedDevice served = SERVED.computeIfAbsent(
                tracking,
                rule -> ServedDevice.start(
                        "--mapping", mapping.name().toLowerCase(Locale.ROOT),
                        "--tracking", rule.name().toLowerCase(Locale.ROOT).replace('_', '-')));
        return new MountedDevice(served.device(), deviations(mapping));
    }

    private static Set<Deviation> deviations(Mapping mapping) {
        Set<Deviation> all = EnumSet.allOf(Deviation.class);
        if (mapping == Mapping.PASSTHROUGH) {
            all.remove(Deviation.MAPPING_IS_WATCHER);
        }
        return all;
    }

    @Nested
    class Opening extends OpenConformance {
        Opening() {
            super(tracking -> serve(mapping, tracking));
        }
    }

    @Nested
    class Reading extends ReadConformance {
        Reading() {
            super(tracking -> serve(mapping, tracking));
        }
    }

    @Nested
    class Acking extends AckConformance {
        Acking() {
            super(tracking -> serve(mapping, tracking));
        }
    }

    @Nested
    class Polling extends PollConformance {
        Polling() {
            super(tracking -> serve(mapping, tracking));
        }
    }

    @Nested
    class Mapped extends MapConformance {
        Mapped() {
            super(tracking -> serve(mapping, tracking));
        }
    }

    @Nested
    class Bumping extends BumpConformance {
        Bumping() {
            super(tracking -> serve(mapping, tracking));
        }
    }

    @Nested
    class Waiting extends WaitConformance {
        Waiting() {
            super(tracking -> serve(mapping, tracking));
        }
    }

    @Nested
    class TrackingOfWriters extends TrackingConformance {
        TrackingOfWriters() {
            super(tracking -> serve(mapping, tracking));
        }
    }

    @Nested
    class TrackingOnRequest extends OptInConformance {
        TrackingOnRequest() {
            super(tracking -> serve(mapping, tracking));
        }
    }

    @Nested
    class Closing extends CloseConformance {
        Closing() {
            super(tracking -> serve(mapping, tracking));
        }
    }

    @Nested
    class Deviating extends DeviationConformance {
        Deviating() {
            super(tracking -> serve(mapping, tracking));
        }
    }
}
