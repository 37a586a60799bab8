// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.fuse.Request;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The open files {@code watchers}, each with how far it was read. They are counted, for anybody can open them.
 *
 * <p>Belongs to the loop's thread.
 */
final class WatcherLists {
    private final Quotas quotas;
    private final Map<Long, Reading> readings = new HashMap<>();

    private record Reading(WatcherList list, int uid) {}

    /** Nobody has one open. */
    WatcherLists(Quotas quotas) {
        this.quotas = quotas;
    }

    /** Opens the list of a device's watchers. Returns 0, or the errno for the caller, who has too many. */
    int open(long handle, Device device, Request.Header caller) {
        int refusal = quotas.refusalOfList(caller.uid(), () -> device.mayAdminister(caller));
        if (refusal == 0) {
            quotas.lists(caller.uid(), 1);
            readings.put(handle, new Reading(new WatcherList(device.domain()), caller.uid()));
        }
        return refusal;
    }

    /** The one that was opened with this handle; null when there is none. */
    @Nullable
    WatcherList get(long handle) {
        Reading reading = readings.get(handle);
        return reading == null ? null : reading.list;
    }

    /** Closes it, if there is one. */
    void close(long handle) {
        Reading reading = readings.remove(handle);
        if (reading != null) {
            quotas.lists(reading.uid, -1);
        }
    }
}
