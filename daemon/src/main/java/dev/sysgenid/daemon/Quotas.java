// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.linux.Errno;
import java.util.HashMap;
import java.util.Map;
import java.util.function.BooleanSupplier;

/**
 * How much of the device each user may have: so many watchers, and as many pages, which can outlive their watchers; and so many
 * open files {@code watchers}. Who has the privilege that a bump takes is bound by what there can be in all only, and some of
 * that is kept for those: whoever opens without end, the orchestrator still gets in. The user id alone is no
 * privilege: root of a container may have nothing but that.
 *
 * <p>Belongs to the loop's thread.
 */
final class Quotas {
    /** The most open files {@code watchers} of one user: each is remembered, with how far it was read. */
    static final int LISTS_PER_USER = 1024;

    /** Of all users together. */
    static final int LISTS = 16 * LISTS_PER_USER;

    /** Kept for the privileged, where there is that much. */
    private static final int RESERVE = 1024;

    private static final int LEAST_SHARE_RESERVED = 8;

    private final int all;
    private final int perUser;
    private final Map<Integer, Used> users = new HashMap<>();
    private final Used total = new Used();

    private static final class Used {
        int watchers;
        int pages;
        int lists;
    }

    /**
     * Nobody has anything yet.
     *
     * @param all the most watchers, and pages, that there can be
     * @param perUser the most of one user
     */
    Quotas(int all, int perUser) {
        this.all = all;
        this.perUser = perUser;
    }

    private static int withoutReserve(int all) {
        return all - Math.min(RESERVE, all / LEAST_SHARE_RESERVED);
    }

    /**
     * Whether a user may open the device once more.
     *
     * @param page whether that takes a new page
     * @param privileged asked only where it makes a difference
     * @return 0, EMFILE when the user has too much, ENOSPC when all together have
     */
    int refusal(int uid, boolean page, BooleanSupplier privileged) {
        Used used = users.get(uid);
        int most = Math.max(total.watchers, page ? total.pages : 0);
        int own = used == null ? 0 : Math.max(used.watchers, page ? used.pages : 0);
        return refusal(most, all, own, perUser, privileged);
    }

    /** Whether a user may open a file {@code watchers} once more; as {@link #refusal(int, boolean, BooleanSupplier)}. */
    int refusalOfList(int uid, BooleanSupplier privileged) {
        Used used = users.get(uid);
        return refusal(total.lists, LISTS, used == null ? 0 : used.lists, LISTS_PER_USER, privileged);
    }

    private static int refusal(int inAll, int mostInAll, int own, int mostOwn, BooleanSupplier privileged) {
        if (inAll >= mostInAll) {
            return Errno.ENOSPC;
        }
        int refusal = own >= mostOwn ? Errno.EMFILE : inAll >= withoutReserve(mostInAll) ? Errno.ENOSPC : 0;
        return refusal != 0 && privileged.getAsBoolean() ? 0 : refusal;
    }

    void watchers(int uid, int change) {
        total.watchers += change;
        Used used = of(uid);
        used.watchers += change;
        forget(uid, used);
    }

    void pages(int uid, int change) {
        total.pages += change;
        Used used = of(uid);
        used.pages += change;
        forget(uid, used);
    }

    void lists(int uid, int change) {
        total.lists += change;
        Used used = of(uid);
        used.lists += change;
        forget(uid, used);
    }

    private Used of(int uid) {
        return users.computeIfAbsent(uid, _ -> new Used());
    }

    private void forget(int uid, Used used) {
        if (used.watchers == 0 && used.pages == 0 && used.lists == 0) {
            users.remove(uid);
        }
    }
}
