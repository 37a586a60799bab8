// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.linux.Errno;
import org.junit.jupiter.api.Test;

/** Who may open once more. */
class QuotasTest {
    private static final int ALICE = 1000;
    private static final int BOB = 1001;
    private static final int OWNER = 5;

    private final Quotas quotas = new Quotas(80, 30, OWNER);

    @Test
    void eachUserHasItsShare() {
        quotas.watchers(ALICE, 30);
        assertThat(quotas.refusal(ALICE, false)).isEqualTo(Errno.EMFILE);
        assertThat(quotas.refusal(BOB, true)).isZero();
        assertThat(quotas.refusal(0, true)).isZero();
        quotas.watchers(ALICE, -1);
        assertThat(quotas.refusal(ALICE, true)).isZero();
    }

    /** Pages that are still mapped after their file was closed count, too. */
    @Test
    void pagesCountByThemselves() {
        quotas.pages(ALICE, 30);
        assertThat(quotas.refusal(ALICE, true)).isEqualTo(Errno.EMFILE);
        assertThat(quotas.refusal(ALICE, false)).isZero();
    }

    @Test
    void someIsKeptForRootAndTheOwner() {
        for (int uid = 2000; uid < 2007; uid++) {
            quotas.watchers(uid, 10);
        }
        assertThat(quotas.refusal(ALICE, true)).as("10 of 80 are kept").isEqualTo(Errno.ENOSPC);
        assertThat(quotas.refusal(0, true)).isZero();
        assertThat(quotas.refusal(OWNER, true)).isZero();
        quotas.watchers(0, 10);
        assertThat(quotas.refusal(0, true)).isEqualTo(Errno.ENOSPC);
        assertThat(quotas.refusal(OWNER, false)).isEqualTo(Errno.ENOSPC);
        quotas.watchers(2000, -10);
        assertThat(quotas.refusal(0, true)).isZero();
    }
}
