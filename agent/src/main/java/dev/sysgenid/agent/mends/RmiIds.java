// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.mends;

import dev.sysgenid.agent.Fresh;
import dev.sysgenid.agent.Jdk;
import dev.sysgenid.agent.Unsuitable;
import org.jspecify.annotations.Nullable;

/**
 * What makes the ids of remote objects unique: the number of this JVM in java.rmi.server.UID, and ObjID's generator. Ids
 * that were given out stay what they are.
 */
final class RmiIds extends HeldRandoms {
    private static final String UID = "java.rmi.server.UID";

    private Jdk.@Nullable Static unique;
    private Jdk.@Nullable Static isSet;
    private Jdk.@Nullable Static lock;

    @Override
    public String name() {
        return "rmi-ids";
    }

    @Override
    public String what() {
        return "new RMI ids (ObjID, UID)";
    }

    @Override
    public String expects() {
        return "UID.hostUnique and hostUniqueSet, ObjID.secureRandom";
    }

    @Override
    public String verifies() {
        return "hostUnique is another one; the SysGenID provider stands behind ObjID.secureRandom";
    }

    @Override
    public void prepare(Jdk jdk) throws Unsuitable {
        unique = jdk.statics(UID, "hostUnique", int.class);
        isSet = jdk.statics(UID, "hostUniqueSet", boolean.class);
        lock = jdk.statics(UID, "lock", Object.class);
        add(jdk, "java.rmi.server.ObjID", "secureRandom");
    }

    @Override
    @SuppressWarnings("NullAway") // prepared
    public int renew() throws Exception {
        int count = super.renew();
        Object guard = lock.get();
        if (guard == null) {
            return count;
        }
        synchronized (guard) {
            Object before = unique.get();
            int fresh;
            do {
                fresh = Fresh.nonZeroInt();
            } while (before.equals(fresh));
            unique.set(fresh);
            isSet.set(true);
            if (before.equals(unique.get())) {
                throw new IllegalStateException(unique + " is what it was");
            }
        }
        return count + 1;
    }
}
