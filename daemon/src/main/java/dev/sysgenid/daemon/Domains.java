// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.fuse.Request;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.SystemCallException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The domains of one mount: the machine's, and one for each directory that was made in it.
 *
 * <p>A domain whose directory is removed stays for as long as the kernel knows an inode of it that has a page, since somebody may have that
 * mapped: it goes on being bumped with the machine, has no name, and cannot be opened.
 *
 * <p>Belongs to the loop's thread.
 */
final class Domains {
    /** The most that can have a directory at a time. */
    static final int MOST = 4096;

    private final Device machine;
    private final StateFile state;
    private final Callers callers;
    private final Map<String, Device> byName = new HashMap<>();
    /** By slot; the machine's is at 0. */
    private @Nullable Device[] bySlot = new Device[8];

    private int slots = 1;
    /** Those of which what an earlier daemon had noted cannot be read: to be noted again. */
    private final Set<Integer> lost = new TreeSet<>();

    /** Only the machine's. */
    Domains(Device machine, StateFile state, Callers callers) {
        this.machine = machine;
        this.state = state;
        this.callers = callers;
        bySlot[0] = machine;
    }

    Device machine() {
        return machine;
    }

    /** The device of the domain that a node belongs to; null when it is gone. */
    @Nullable
    Device of(long node) {
        Device device = at(NodeIds.slot(node));
        return device == null
                        || device == machine
                        || NodeIds.count(node) >= device.ledger().below().first()
                ? device
                : null;
    }

    private @Nullable Device at(int slot) {
        return slot < slots ? bySlot[slot] : null;
    }

    /** The one that has a directory of this name; null when there is none. */
    @Nullable
    Device named(String name) {
        return byName.get(name);
    }

    /** All of them, the machine's first. */
    List<Device> all() {
        List<Device> all = new ArrayList<>();
        for (int slot = 0; slot < slots; slot++) {
            Device device = bySlot[slot];
            if (device != null) {
                all.add(device);
            }
        }
        return all;
    }

    /**
     * Mends some of the pages of all of them; see {@link Pages#mend}.
     *
     * @param from the first one, where all pages stand in the order of their domains
     */
    int mend(int from, int count) {
        int mended = 0;
        int first = 0;
        for (Device device : all()) {
            int pages = device.pages();
            int begin = Math.max(from - first, 0);
            int end = (int) Math.min((long) from + count - first, pages);
            if (begin < end) {
                mended += device.mend(begin, end - begin);
            }
            first += pages;
        }
        return mended;
    }

    /** How many have a directory. */
    int directories() {
        return byName.size();
    }

    /** One more than the greatest slot that has been in use. */
    int slots() {
        return slots;
    }

    /** The one whose directory stands at a place of a listing; null when there is none. */
    @Nullable
    Device listed(int slot) {
        Device device = at(slot);
        return device == null || device.ledger().removed() ? null : device;
    }

    /**
     * Makes a domain, which is to be settled once the request is answered.
     *
     * @param first the count of its {@link NodeIds}
     * @throws SystemCallException with the errno for the caller: EPERM, ENAMETOOLONG, EINVAL, EEXIST, ENOSPC
     */
    Device make(Request.MakeDirectory request, long first) throws SystemCallException {
        String name = request.name();
        int refusal = byName.containsKey(name) ? Errno.EEXIST : DomainName.refusal(name);
        if (refusal == 0 && !machine.mayAdminister(request.header())) {
            refusal = Errno.EPERM;
        }
        if (refusal == 0 && byName.size() >= MOST) {
            refusal = Errno.ENOSPC;
        }
        if (refusal != 0) {
            throw new SystemCallException(refusal, "mkdir", name);
        }
        CloneIdentity identity = new CloneIdentity();
        identity.draw();
        Subdomain made = new Subdomain(
                state.domains().allocate(),
                name,
                first,
                UserNamespace.NONE,
                false,
                // What a umask takes away nobody has asked for; who finds no device goes on as if there were no such
                // thing.
                machine.ledger().access().device() | Ledger.Access.closed(request.mode() | request.umask()),
                request.header().uid(),
                request.header().gid(),
                state.firstGeneration(machine.ledger().serial()),
                machine.ledger().serial(),
                0,
                identity.head(),
                identity.tail(),
                0);
        state.domains().make(request.unique(), made);
        return add(made);
    }

    private Device add(Subdomain domain) {
        Device device = new Device(machine, domain);
        int slot = domain.slot();
        if (slot >= bySlot.length) {
            bySlot = Arrays.copyOf(bySlot, Math.max(slot + 1, 2 * bySlot.length));
        }
        bySlot[slot] = device;
        slots = Math.max(slots, slot + 1);
        if (!domain.removed()) {
            byName.put(domain.name(), device);
        }
        return device;
    }

    /**
     * Removes a domain; to be settled once the request is answered.
     *
     * @throws SystemCallException with the errno for the caller: ENOENT, EPERM, EBUSY when somebody has it open
     */
    void remove(Request.RemoveDirectory request) throws SystemCallException {
        Device device = byName.get(request.name());
        int refusal = device == null ? Errno.ENOENT : 0;
        if (refusal == 0 && !machine.mayAdminister(request.header())) {
            refusal = Errno.EPERM;
        }
        if (device == null || refusal != 0) {
            throw new SystemCallException(refusal, "rmdir", request.name());
        }
        if (device.domain().watchers() > 0) {
            throw new SystemCallException(Errno.EBUSY, "rmdir", request.name());
        }
        Subdomain domain = device.ledger().below();
        state.removing(
                device.ledger().content().wideGeneration(), machine.ledger().serial());
        byName.remove(domain.name());
        if (device.pagesHeld() == 0) {
            state.domains().remove(request.unique(), domain.slot());
            device.remove();
            drop(device);
        } else {
            state.domains().set(StateFile.REMOVE_DOMAIN, request.unique(), domain.withoutDirectory());
            device.remove();
        }
    }

    /** A page of this domain is gone; if it was the last one of a domain that was removed, so is the domain. */
    void pageGone(Device device) {
        if (device.ledger().removed() && device.pagesHeld() == 0 && bySlot[device.slot()] == device) {
            state.domains().release(device.slot());
            drop(device);
        }
    }

    private void drop(Device device) {
        bySlot[device.slot()] = null;
        device.forget();
        if (callers.held() > 0) {
            callers.keepOnly(all().stream().map(each -> each.ledger().owner()).collect(Collectors.toSet()));
        }
    }

    /**
     * Those that an earlier daemon had noted.
     *
     * @param unknown a generation for those whose own cannot be read
     * @return how many could not be read whole
     */
    int restore(int unknown) {
        DomainRecords.Found found = state.domains().all(unknown);
        List<Subdomain> damaged = new ArrayList<>(found.damaged());
        for (Subdomain domain : found.domains()) {
            if (!StateFile.sameEra(domain.baseAt(), machine.ledger().serial())) {
                // What was noted of the machine was lost meanwhile, and how often it was bumped.
                damaged.add(domain);
            } else if (byName.containsKey(domain.name()) && !domain.removed()) {
                damaged.add(DomainRecords.lost(domain.slot(), unknown));
            } else {
                add(domain);
            }
        }
        for (Subdomain domain : damaged) {
            mend(domain, unknown);
        }
        return damaged.size();
    }

    private Device mend(Subdomain domain, int unknown) {
        lost.add(domain.slot());
        String name = domain.name();
        while (DomainName.refusal(name) != 0 || byName.containsKey(name)) {
            name = "lost-" + domain.slot() + "-" + byName.size();
        }
        return add(new Subdomain(
                domain.slot(),
                name,
                domain.first(),
                domain.owner(),
                domain.removed(),
                domain.mode(),
                domain.uid(),
                domain.gid(),
                Integer.toUnsignedLong(unknown),
                machine.ledger().serial(),
                0,
                domain.identityHead(),
                domain.identityTail(),
                0));
    }

    /** The device of a node's domain, also where nothing was noted of it that can be read. */
    @Nullable
    Device ofOrLost(long node, int unknown) {
        int slot = NodeIds.slot(node);
        if (at(slot) == null && slot > 0 && slot <= DomainRecords.MOST) {
            state.domains().occupy(slot);
            mend(DomainRecords.lost(slot, unknown), unknown);
        }
        return of(node);
    }

    /** Notes again what could not be read. Nothing else must be under way. */
    void noteLost() {
        for (int slot : lost) {
            Device device = at(slot);
            if (device != null) {
                state.domains().make(0, device.ledger().below());
                state.settle();
            }
        }
        lost.clear();
    }

    /** Gives up those that were removed and of which no page is left. */
    void sweep() {
        for (Device device : all()) {
            if (device != machine) {
                pageGone(device);
            }
        }
    }
}
