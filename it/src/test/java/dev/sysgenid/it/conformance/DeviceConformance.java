// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/**
 * The whole of the device's interface, held against one device. A subclass has a nested class for each {@link Topic}, so
 * that reports name the device with every test.
 */
abstract class DeviceConformance {
    @Test
    void noTopicIsLeftOut() {
        Class<?>[] nested = getClass().getDeclaredClasses();
        for (Class<?> topic : Topic.class.getPermittedSubclasses()) {
            assertThat(Arrays.stream(nested).filter(topic::isAssignableFrom))
                    .as(topic.getSimpleName())
                    .singleElement()
                    .matches(covering -> covering.isAnnotationPresent(Nested.class));
        }
    }
}
