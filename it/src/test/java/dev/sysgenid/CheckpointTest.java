// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.security.ErasedProbe;
import org.junit.jupiter.api.Test;

/** In the package of the client library, whose part in a checkpoint is done by hand: this JVM has none. */
class CheckpointTest {
    @Test
    void whatTheProcessHoldsIsErasedBeforeACheckpoint() {
        ErasedProbe.draw();
        assertThat(ErasedProbe.isErased()).isFalse();
        Crac.runBefore();
        assertThat(ErasedProbe.isErased()).isTrue();
        ErasedProbe.draw();
        assertThat(ErasedProbe.isErased()).isFalse();
    }
}
