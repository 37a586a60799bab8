// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.conformance;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** The pure core is the driver as it should have been, also where the generation changes its sign or wraps. */
@ParameterizedClass(name = "from generation {0}")
@ValueSource(ints = {0, 0x7fff_fffe, 0xffff_fffe})
class CoreConformanceTest extends DeviceConformance {
    @Parameter
    private int generation;

    @Nested
    class Opening extends OpenConformance {
        Opening() {
            super(tracking -> new CoreDevice(tracking, generation));
        }
    }

    @Nested
    class Reading extends ReadConformance {
        Reading() {
            super(tracking -> new CoreDevice(tracking, generation));
        }
    }

    @Nested
    class Acking extends AckConformance {
        Acking() {
            super(tracking -> new CoreDevice(tracking, generation));
        }
    }

    @Nested
    class Polling extends PollConformance {
        Polling() {
            super(tracking -> new CoreDevice(tracking, generation));
        }
    }

    @Nested
    class Mapped extends MapConformance {
        Mapped() {
            super(tracking -> new CoreDevice(tracking, generation));
        }
    }

    @Nested
    class Bumping extends BumpConformance {
        Bumping() {
            super(tracking -> new CoreDevice(tracking, generation));
        }
    }

    @Nested
    class Waiting extends WaitConformance {
        Waiting() {
            super(tracking -> new CoreDevice(tracking, generation));
        }
    }

    @Nested
    class TrackingOfWriters extends TrackingConformance {
        TrackingOfWriters() {
            super(tracking -> new CoreDevice(tracking, generation));
        }
    }

    @Nested
    class TrackingOnRequest extends OptInConformance {
        TrackingOnRequest() {
            super(tracking -> new CoreDevice(tracking, generation));
        }
    }

    @Nested
    class Closing extends CloseConformance {
        Closing() {
            super(tracking -> new CoreDevice(tracking, generation));
        }
    }

    @Nested
    class Deviating extends DeviationConformance {
        Deviating() {
            super(tracking -> new CoreDevice(tracking, generation));
        }
    }
}
