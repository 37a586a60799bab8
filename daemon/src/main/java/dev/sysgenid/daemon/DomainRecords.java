// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.SystemCallException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The part of the {@link StateFile} in which the domains below the machine's are noted. Each has two records in its slot: one for what
 * it is called and whose it is, which is written before anybody can see it, and one for the rest. That one's first word is 0
 * where the slot is free: writing it makes the domain, in one step.
 *
 * <p>Belongs to the loop's thread.
 */
final class DomainRecords {
    /** The most domains, those included that were removed and whose pages somebody may still have. */
    static final int MOST = 8191;

    private static final int SIZE = 2 * Records.STRIDE;
    /** How many bytes they take. */
    static final long ROOM = (long) (MOST + 1) * SIZE;

    private static final int NAME_WORDS = DomainName.LONGEST / Long.BYTES;
    private static final long THERE = 1;
    private static final long REMOVED = 2;

    private final Records records;
    private final long start;
    private final long[] image = new long[Records.WORDS];
    private int[] free = new int[16];
    private int freed;
    /** The first slot that was never in use. */
    private int fresh = 1;

    /** Domains in slots of their own; {@code damaged} of them could not be read whole, and are as far as they could. */
    record Found(List<Subdomain> domains, List<Subdomain> damaged) {}

    /** @param start where they are; {@link #ROOM} bytes are theirs */
    DomainRecords(Records records, long start) {
        this.records = records;
        this.start = start;
    }

    /** A free slot. */
    int allocate() throws SystemCallException {
        if (freed > 0) {
            return free[--freed];
        }
        if (fresh > MOST) {
            throw new SystemCallException(Errno.ENOSPC, "write", "the state file, in which there are too many domains");
        }
        return fresh++;
    }

    /** A domain is made. Its slot was free. */
    void make(long unique, Subdomain domain) {
        describe(domain);
        records.writeUnseen(name(domain.slot()), image);
        set(StateFile.MAKE_DOMAIN, unique, domain);
    }

    /** Notes what can change of a domain. */
    void set(int kind, long unique, Subdomain domain) {
        Arrays.fill(image, 0);
        image[0] = THERE | (domain.removed() ? REMOVED : 0) | (long) domain.mode() << 32;
        image[1] = Integer.toUnsignedLong(domain.uid()) | (long) domain.gid() << 32;
        image[2] = domain.base();
        image[3] = domain.baseAt();
        image[4] = domain.bumps();
        image[5] = domain.identityHead();
        image[6] = domain.identityTail();
        image[7] = domain.bumpedAt();
        image[8] = domain.first();
        records.write(kind, unique, rest(domain.slot()), image);
    }

    /** Notes the owner of a domain. */
    void setOwner(long unique, Subdomain domain) {
        describe(domain);
        records.write(StateFile.TRACKING, unique, name(domain.slot()), image);
    }

    /** A domain's directory is removed, and nobody has a page of it: there is nothing left of it. */
    void remove(long unique, int slot) {
        Arrays.fill(image, 0);
        records.write(StateFile.REMOVE_DOMAIN, unique, rest(slot), image);
        freed(slot);
    }

    /** The last page of a domain that was removed is gone: one store. */
    void release(int slot) {
        records.setWord(rest(slot), 0);
        freed(slot);
    }

    private void freed(int slot) {
        if (freed == free.length) {
            free = Arrays.copyOf(free, 2 * freed);
        }
        free[freed++] = slot;
    }

    private void describe(Subdomain domain) {
        Arrays.fill(image, 0);
        byte[] name = domain.name().getBytes(StandardCharsets.US_ASCII);
        for (int i = 0; i < name.length; i++) {
            image[i / 8] |= (name[i] & 0xffL) << (i % 8 * 8);
        }
        image[NAME_WORDS] = domain.first();
        image[NAME_WORDS + 1] = domain.owner().inode();
        image[NAME_WORDS + 2] = domain.owner().id();
    }

    /**
     * All that were noted.
     *
     * @param unknown the generation of those whose own cannot be read
     */
    Found all(int unknown) {
        Found found = new Found(new ArrayList<>(), new ArrayList<>());
        freed = 0;
        fresh = MOST + 1;
        boolean last = true;
        for (int slot = MOST; slot > 0; slot--) {
            if (records.word(rest(slot)) != 0) {
                last = false;
                read(slot, unknown, found);
            } else if (last) {
                fresh = slot;
            } else {
                freed(slot);
            }
        }
        return found;
    }

    private void read(int slot, int unknown, Found found) {
        Subdomain lost = lost(slot, unknown);
        boolean described = records.read(name(slot), image);
        String name = described ? decodeName() : lost.name();
        long first = described ? image[NAME_WORDS] : 0;
        UserNamespace owner =
                described ? new UserNamespace(image[NAME_WORDS + 1], image[NAME_WORDS + 2]) : UserNamespace.NONE;
        boolean whole = records.read(rest(slot), image);
        if (!whole) {
            Subdomain known = new Subdomain(
                    slot, name, first, owner, false, 0666, 0, 0, lost.base(), 0, 0, lost.identityHead(), 0, 0);
            found.damaged.add(known);
            return;
        }
        // A name that is not this one's is what a kill left of another, which was never made.
        boolean own = described && first == image[8];
        Subdomain domain = new Subdomain(
                slot,
                own ? name : lost.name(),
                image[8],
                own ? owner : UserNamespace.NONE,
                (image[0] & REMOVED) != 0,
                (int) (image[0] >>> 32) & 0777_777,
                (int) image[1],
                (int) (image[1] >>> 32),
                image[2],
                image[3],
                image[4],
                image[5],
                image[6],
                image[7]);
        (own ? found.domains : found.damaged).add(domain);
    }

    /** A domain of which nothing is known but that there is, or was, one in that slot. */
    static Subdomain lost(int slot, int generation) {
        return new Subdomain(
                slot,
                "lost-" + slot,
                0,
                UserNamespace.NONE,
                false,
                0666,
                0,
                0,
                Integer.toUnsignedLong(generation),
                0,
                0,
                Integer.toUnsignedLong(generation) << 32 | slot,
                0,
                0);
    }

    /** Takes a slot of which nothing was noted, and which is in use all the same. */
    void occupy(int slot) {
        while (fresh <= slot) {
            freed(fresh++);
        }
        for (int i = 0; i < freed; i++) {
            if (free[i] == slot) {
                free[i] = free[--freed];
                return;
            }
        }
    }

    private String decodeName() {
        byte[] bytes = new byte[DomainName.LONGEST];
        int length = 0;
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (image[i / 8] >>> (i % 8 * 8));
            if (bytes[i] != 0) {
                length = i + 1;
            }
        }
        return new String(bytes, 0, length, StandardCharsets.US_ASCII);
    }

    /** The slot of the domain that a record of an {@link Records.Intent} is about; 0 when it is about something else. */
    int slotAt(long at) {
        return at >= start && at < start + ROOM ? (int) ((at - start) / SIZE) : 0;
    }

    private long name(int slot) {
        return start + (long) slot * SIZE;
    }

    private long rest(int slot) {
        return name(slot) + Records.STRIDE;
    }
}
