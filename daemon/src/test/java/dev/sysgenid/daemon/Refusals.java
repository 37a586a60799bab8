// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/** What every refusal to start must be. */
final class Refusals {
    private Refusals() {}

    /** Checks that a call is refused with this exit code, in one line that holds these words, and with a remedy. */
    static void refused(ThrowingCallable call, int exitCode, Object... words) {
        check(catchThrowableOfType(StartException.class, call), exitCode, words);
    }

    static void check(StartException refusal, int exitCode, Object... words) {
        assertThat(refusal).as("a refusal").isNotNull();
        assertThat(refusal.exitCode()).as(refusal.getMessage()).isEqualTo(exitCode);
        assertThat(refusal.getMessage()).doesNotContain("\n").isNotBlank();
        for (Object word : words) {
            assertThat(refusal.getMessage()).contains(word.toString());
        }
        assertThat(refusal.remedy()).isNotBlank().doesNotContain("null");
    }
}
