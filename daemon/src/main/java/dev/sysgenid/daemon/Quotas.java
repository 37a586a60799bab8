// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.linux.Errno;
import java.util.HashMap;
import java.util.Map;

/**
 * How much of the device each user may have: so many watchers, and as many pages, which can outlive their watchers. Root
 * and the daemon's own user are bound by what there can be in all only, and some of that is kept for them: whoever opens
 * without end, the orchestrator still gets in.
 *
 * <p>Belongs to the loop's thread.
 */
final class Quotas {
    /** Kept for root, where there is that much. */
    private static final int RESERVE = 1024;

    private static final int LEAST_SHARE_RESERVED = 8;

    private final int all;
    private final int forUsers;
    private final int perUser;
    private final int owner;
    private final Map<Integer, Used> users = new HashMap<>();
    private final Used total = new Used();
    private final Used ofUsers = new Used();

    private static final class Used {
        int watchers;
        int pages;
    }

    /**
     * Nobody has anything yet.
     *
     * @param all the most watchers, and pages, that there can be
     * @param perUser the most of one user
     * @param owner the daemon's own user id
     */
    Quotas(int all, int perUser, int owner) {
        this.all = all;
        this.forUsers = all - Math.min(RESERVE, all / LEAST_SHARE_RESERVED);
        this.perUser = perUser;
        this.owner = owner;
    }

    /**
     * Whether a user may open once more.
     *
     * @param page whether that takes a new page
     * @return 0, EMFILE when the user has too much, ENOSPC when all together have
     */
    int refusal(int uid, boolean page) {
        if (total.watchers >= all || (page && total.pages >= all)) {
            return Errno.ENOSPC;
        }
        if (isPrivileged(uid)) {
            return 0;
        }
        Used used = users.get(uid);
        if (used != null && (used.watchers >= perUser || (page && used.pages >= perUser))) {
            return Errno.EMFILE;
        }
        return ofUsers.watchers >= forUsers || (page && ofUsers.pages >= forUsers) ? Errno.ENOSPC : 0;
    }

    boolean isPrivileged(int uid) {
        return uid == 0 || uid == owner;
    }

    void watchers(int uid, int change) {
        total.watchers += change;
        if (!isPrivileged(uid)) {
            ofUsers.watchers += change;
            Used used = users.computeIfAbsent(uid, _ -> new Used());
            used.watchers += change;
            forget(uid, used);
        }
    }

    void pages(int uid, int change) {
        total.pages += change;
        if (!isPrivileged(uid)) {
            ofUsers.pages += change;
            Used used = users.computeIfAbsent(uid, _ -> new Used());
            used.pages += change;
            forget(uid, used);
        }
    }

    private void forget(int uid, Used used) {
        if (used.watchers == 0 && used.pages == 0) {
            users.remove(uid);
        }
    }
}
