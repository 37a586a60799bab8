// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.abi.Generation;

/**
 * What is noted of a domain below the machine's. Its generation, serial and clone identity are not: they follow from these and
 * from what is noted of the machine's domain. So a bump of the machine is one record, and bumps all domains in one step.
 *
 * @param slot its place in the {@link DomainRecords}, greater than 0
 * @param name see {@link DomainName}
 * @param first the count of its {@link NodeIds}
 * @param owner whose capability counts for a bump, beside that in the daemon's own user namespace
 * @param removed whether its directory was removed; it stays for as long as somebody may have a page of it mapped
 * @param mode permission bits of its device, and what its directory lacks: {@link Ledger.Access#mode}
 * @param uid the owner of its files
 * @param gid their group
 * @param base its wide generation when it was made, or bumped by itself, last
 * @param baseAt the serial of the machine's domain at that time
 * @param bumps how often it was bumped by itself
 * @param identityHead the first eight bytes of what was drawn at that time
 * @param identityTail the others
 * @param bumpedAt when it was bumped by itself last, in nanoseconds of CLOCK_MONOTONIC
 */
record Subdomain(
        int slot,
        String name,
        long first,
        UserNamespace owner,
        boolean removed,
        int mode,
        int uid,
        int gid,
        long base,
        long baseAt,
        long bumps,
        long identityHead,
        long identityTail,
        long bumpedAt) {

    /** How many bumps it has had, those of the machine before it was made counted. */
    long serial(long machineSerial) {
        return bumps + machineSerial;
    }

    long wideGeneration(long machineSerial) {
        return Generation.advance(base, machineSerial - baseAt);
    }

    /** What its pages show. */
    PageContent content(long machineSerial, PageContent machine) {
        PageContent content = new PageContent(
                (int) (2 * serial(machineSerial)),
                dev.sysgenid.abi.Page.SERVING,
                wideGeneration(machineSerial),
                // Either changes with each bump, and two domains differ in their own part.
                identityHead ^ machine.identityHead(),
                identityTail ^ machine.identityTail());
        return removed ? content.gone() : content;
    }

    /** As it is after a bump of its own. */
    Subdomain bumped(long wide, long machineSerial, long head, long tail, long now) {
        return new Subdomain(
                slot, name, first, owner, removed, mode, uid, gid, wide, machineSerial, bumps + 1, head, tail, now);
    }

    Subdomain withAccess(int newMode, int newUid, int newGid) {
        return with(owner, removed, newMode, newUid, newGid);
    }

    Subdomain withOwner(UserNamespace newOwner) {
        return with(newOwner, removed, mode, uid, gid);
    }

    Subdomain withoutDirectory() {
        return with(owner, true, mode, uid, gid);
    }

    private Subdomain with(UserNamespace newOwner, boolean newRemoved, int newMode, int newUid, int newGid) {
        return new Subdomain(
                slot,
                name,
                first,
                newOwner,
                newRemoved,
                newMode,
                newUid,
                newGid,
                base,
                baseAt,
                bumps,
                identityHead,
                identityTail,
                bumpedAt);
    }
}
