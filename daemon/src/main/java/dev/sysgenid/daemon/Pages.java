// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.linux.SystemCallException;

/** All pages of a mount, and the one way in which something new gets into them. */
interface Pages {
    /** The flags with which the device is opened. See {@link dev.sysgenid.fuse.OpenFlags}. */
    int openFlags();

    /**
     * A page for an inode.
     *
     * @param uid who opens it first
     * @throws SystemCallException when a limit is reached: descriptors, mappings, memory
     */
    Page create(long node, int uid, PageContent content) throws SystemCallException;

    /**
     * Makes every page of one domain show this; when it returns, no load by anybody gives an older generation.
     *
     * @param slot the domain's, as in the {@link NodeIds} of its nodes
     */
    void publish(int slot, PageContent content);

    /**
     * Compares some pages of one domain with what they should show, and makes those show it that do not.
     *
     * @param slot the domain's
     * @param content what was published last
     * @param from the first of them, from 0 up to {@link #size(int)}; which page that is changes as pages come and go
     * @param count how many, at the most
     * @return how many did not show it; 0 also where pages cannot be looked at
     */
    int mend(int slot, PageContent content, int from, int count);

    /** How many pages there are. */
    int size();

    /** How many pages of a domain can be looked at. */
    int size(int slot);

    /** One phrase for people: how mappings are kept current. */
    String describe();
}
