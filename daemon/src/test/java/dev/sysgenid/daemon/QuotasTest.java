// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.linux.Errno;
import org.junit.jupiter.api.Test;

/** Who may open once more. */
class QuotasTest {
    private static final int ALICE = 1000;
    private static final int BOB = 1001;
    private static final int ROOT = 0;

    private final Quotas quotas = new Quotas(80, 30);

    private int refusal(int uid, boolean page) {
        return quotas.refusal(uid, page, () -> false);
    }

    private int refusalOfPrivileged(int uid, boolean page) {
        return quotas.refusal(uid, page, () -> true);
    }

    @Test
    void eachUserHasItsShare() {
        quotas.watchers(ALICE, 30);
        assertThat(refusal(ALICE, false)).isEqualTo(Errno.EMFILE);
        assertThat(refusal(BOB, true)).isZero();
        quotas.watchers(ALICE, -1);
        assertThat(refusal(ALICE, true)).isZero();
    }

    /** Root of a container may have no capability at all; and who has them may be anybody. */
    @Test
    void privilegeCountsAndNotTheUserId() {
        quotas.watchers(ROOT, 30);
        assertThat(refusal(ROOT, true)).isEqualTo(Errno.EMFILE);
        assertThat(refusalOfPrivileged(ROOT, true)).isZero();
        quotas.watchers(ALICE, 30);
        assertThat(refusalOfPrivileged(ALICE, true)).isZero();
    }

    /** It costs a system call. */
    @Test
    void nobodyIsAskedForPrivilegeWhoNeedsNone() {
        quotas.watchers(ALICE, 29);
        assertThat(quotas.refusal(ALICE, true, () -> {
                    throw new AssertionError("asked");
                }))
                .isZero();
    }

    /** Pages that are still mapped after their file was closed count, too. */
    @Test
    void pagesCountByThemselves() {
        quotas.pages(ALICE, 30);
        assertThat(refusal(ALICE, true)).isEqualTo(Errno.EMFILE);
        assertThat(refusal(ALICE, false)).isZero();
    }

    @Test
    void someIsKeptForThePrivileged() {
        for (int uid = 2000; uid < 2007; uid++) {
            quotas.watchers(uid, 10);
        }
        assertThat(refusal(ALICE, true)).as("10 of 80 are kept").isEqualTo(Errno.ENOSPC);
        assertThat(refusal(ROOT, true)).isEqualTo(Errno.ENOSPC);
        assertThat(refusalOfPrivileged(ROOT, true)).isZero();
        quotas.watchers(ROOT, 10);
        assertThat(refusalOfPrivileged(ROOT, true)).isEqualTo(Errno.ENOSPC);
        quotas.watchers(2000, -10);
        assertThat(refusalOfPrivileged(ROOT, true)).isZero();
    }

    @Test
    void soDoListsOfWatchers() {
        quotas.lists(ALICE, Quotas.LISTS_PER_USER);
        assertThat(quotas.refusalOfList(ALICE, () -> false)).isEqualTo(Errno.EMFILE);
        assertThat(quotas.refusalOfList(ALICE, () -> true)).isZero();
        assertThat(quotas.refusalOfList(BOB, () -> false)).isZero();
        assertThat(refusal(ALICE, true)).as("watchers are counted apart").isZero();
        quotas.lists(BOB, Quotas.LISTS - 2 * Quotas.LISTS_PER_USER);
        assertThat(quotas.refusalOfList(2000, () -> false)).isEqualTo(Errno.ENOSPC);
        assertThat(quotas.refusalOfList(ROOT, () -> true)).isZero();
        quotas.lists(ALICE, -1);
        assertThat(quotas.refusalOfList(ALICE, () -> false)).isZero();
    }
}
