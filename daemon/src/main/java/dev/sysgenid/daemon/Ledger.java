// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.abi.Generation;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What is noted of one domain, and what its pages show, which is the same thing told twice. The machine's domain has a ledger that
 * stands alone; that of a domain below refers to it, so that a bump of the machine is noted once, and holds for all.
 *
 * <p>Belongs to the loop's thread.
 */
final class Ledger {
    private final StateFile state;
    private final CloneIdentity identity = new CloneIdentity();
    /** The machine's; this one, if it is that. */
    private final Ledger machine;

    private @Nullable Subdomain below;
    private PageContent content;
    /** How often the machine's domain was bumped; only there. */
    private long serial;

    private Access access;

    /**
     * Who may come to a device.
     *
     * @param mode of the device the permission bits; above them those that its domain's directory lacks, see {@link #closed}
     * @param uid the owner of both
     * @param gid their group
     */
    record Access(int mode, int uid, int gid) {
        private static final int BITS = 0777;
        private static final int CLOSED_SHIFT = 9;
        /** Of a directory that is open to all. Nobody makes files in it. */
        private static final int DIRECTORY = 0755;

        int device() {
            return mode & BITS;
        }

        int directory() {
            return DIRECTORY & ~(mode >>> CLOSED_SHIFT);
        }

        Access withDevice(int bits) {
            return new Access((mode & ~BITS) | (bits & BITS), uid, gid);
        }

        Access withDirectory(int bits) {
            return new Access(device() | closed(bits), uid, gid);
        }

        /** What a directory of these permissions lacks, as it stands in {@link #mode}. */
        static int closed(int bits) {
            return (DIRECTORY & ~bits) << CLOSED_SHIFT;
        }
    }

    /** The machine's, as it was noted last. */
    Ledger(StateFile state) {
        StateFile.DomainRecord noted = Objects.requireNonNull(state.domain());
        this.state = state;
        this.machine = this;
        this.content = noted.content();
        this.serial = noted.serial();
        this.access = new Access(noted.mode(), noted.uid(), noted.gid());
    }

    /** That of a domain below the machine's. */
    Ledger(Ledger machine, Subdomain below) {
        this.state = machine.state;
        this.machine = machine;
        this.below = below;
        this.content = below.content(machine.serial, machine.content);
        this.access = new Access(below.mode(), below.uid(), below.gid());
    }

    /** Its domain's place in the state; 0 for the machine's. */
    int slot() {
        return below == null ? 0 : below.slot();
    }

    /** The name of the domain; empty for the machine's. */
    String name() {
        return below == null ? "" : below.name();
    }

    boolean isMachines() {
        return below == null;
    }

    /** What is noted, of a domain that is not the machine's. */
    Subdomain below() {
        return Objects.requireNonNull(below, "the machine's");
    }

    boolean removed() {
        return below != null && below.removed();
    }

    /** The user namespace in which a capability counts, beside the daemon's own. */
    UserNamespace owner() {
        return below == null ? UserNamespace.NONE : below.owner();
    }

    /** What the pages are to show. */
    PageContent content() {
        return content;
    }

    /** How many bumps there were. */
    long serial() {
        return below == null ? serial : below.serial(machine.serial);
    }

    /**
     * Notes a bump of this domain.
     *
     * @param unique the request that it is for, or 0
     */
    void bumped(long unique, int generation, long now) {
        identity.draw();
        if (below == null) {
            serial++;
            content = content.bumped(generation, identity.head(), identity.tail());
            state.bumped(unique, content, serial, now);
        } else {
            long wide = Generation.widen(content.wideGeneration(), generation);
            below = below.bumped(wide, machine.serial, identity.head(), identity.tail(), now);
            state.domains().set(StateFile.BUMP, unique, below);
            follow();
        }
    }

    /** The machine's domain was bumped: what was noted there is a note of this one, too. */
    void follow() {
        content = below().content(machine.serial, machine.content);
    }

    /** Nobody serves the pages any more. */
    void retire() {
        content = content.gone();
    }

    /** It is noted already that its directory was removed. */
    void remove(Subdomain removed) {
        below = removed;
        follow();
    }

    Access access() {
        return access;
    }

    void setAccess(Access access) {
        this.access = access;
        if (below != null) {
            below = below.withAccess(access.mode, access.uid, access.gid);
            state.domains().set(StateFile.OTHER, 0, below);
        } else {
            StateFile.DomainRecord noted = Objects.requireNonNull(state.domain());
            state.setDomain(
                    StateFile.OTHER,
                    0,
                    new StateFile.DomainRecord(
                            noted.content(), noted.serial(), noted.bumpedAt(), access.mode, access.uid, access.gid));
        }
        state.settle();
    }

    /** Notes another owner; to be settled. */
    void setOwner(long unique, UserNamespace owner) {
        below = below().withOwner(owner);
        state.domains().setOwner(unique, below);
    }

    /** When the last bump was, of this domain or of the machine's. */
    long bumpedAt() {
        long machines = Objects.requireNonNull(state.domain()).bumpedAt();
        return below == null ? machines : Math.max(machines, below.bumpedAt());
    }
}
