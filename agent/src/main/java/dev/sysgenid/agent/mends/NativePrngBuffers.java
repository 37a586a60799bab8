// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.mends;

import dev.sysgenid.agent.Jdk;
import dev.sysgenid.agent.Mend;
import dev.sysgenid.agent.Unsuitable;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Kernel bytes that NativePRNG has read and not yet handed out: they are in every clone, and are dropped. */
final class NativePrngBuffers implements Mend {
    private static final String OWNER = "sun.security.provider.NativePRNG";
    private static final List<String> OWNERS = List.of(OWNER, OWNER + "$Blocking", OWNER + "$NonBlocking");

    private final List<Jdk.Static> instances = new ArrayList<>();
    private @Nullable VarHandle buffered;
    private @Nullable VarHandle lock;

    @Override
    public String name() {
        return "native-prng";
    }

    @Override
    public String what() {
        return "bytes that NativePRNG, its two variants and SecureRandom.getInstanceStrong hold ready";
    }

    @Override
    public String expects() {
        return "NativePRNG.INSTANCE of type RandomIO, with its int buffered and its LOCK_GET_BYTES";
    }

    @Override
    public String verifies() {
        return "none are buffered";
    }

    @Override
    public void prepare(Jdk jdk) throws Unsuitable {
        Class<?> type = jdk.find(OWNER + "$RandomIO");
        for (String each : OWNERS) {
            instances.add(jdk.statics(each, "INSTANCE", type));
        }
        buffered = jdk.field(type, "buffered", int.class);
        lock = jdk.field(type, "LOCK_GET_BYTES", Object.class);
    }

    @Override
    @SuppressWarnings("NullAway") // prepared
    public int renew() throws Exception {
        int count = 0;
        for (Jdk.Static each : instances) {
            Object instance = each.get();
            if (instance != null) {
                synchronized (lock.get(instance)) {
                    buffered.set(instance, 0);
                    if ((int) buffered.get(instance) != 0) {
                        throw new IllegalStateException(each + " still holds bytes");
                    }
                }
                count++;
            }
        }
        return count;
    }
}
