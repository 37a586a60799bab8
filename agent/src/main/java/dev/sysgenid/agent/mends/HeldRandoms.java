// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.mends;

import dev.sysgenid.agent.Fresh;
import dev.sysgenid.agent.Jdk;
import dev.sysgenid.agent.Mend;
import dev.sysgenid.agent.Unsuitable;
import java.lang.invoke.VarHandle;
import java.security.SecureRandom;
import java.security.SecureRandomSpi;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Generators that the JDK keeps in static fields. A {@link SecureRandom} gets the SysGenID provider's generator, or a new
 * seed when that is not wanted; a {@link Random} gets a new seed.
 */
abstract class HeldRandoms implements Mend {
    private final List<Jdk.Static> fields = new ArrayList<>();
    private @Nullable SecureRandoms inside;
    private @Nullable VarHandle seed;

    /** Looks for a generator in a field. */
    final void add(Jdk jdk, String owner, String field) throws Unsuitable {
        if (inside == null) {
            inside = new SecureRandoms(jdk);
            seed = jdk.field(Random.class, "seed", AtomicLong.class);
        }
        fields.add(jdk.statics(owner, field, Random.class));
    }

    /** As {@link #add}; does nothing where there is no such class in this runtime. */
    final void addIfThere(Jdk jdk, String owner, String field) throws Unsuitable {
        if (jdk.findOrNull(owner) != null) {
            add(jdk, owner, field);
        }
    }

    @Override
    public String expects() {
        return "a static Random or SecureRandom in each class; the fields of SecureRandom";
    }

    @Override
    public String verifies() {
        return "the SysGenID provider stands behind each SecureRandom; the seed of each Random is another one";
    }

    /** What is there already. */
    @Override
    public void install() throws Exception {
        for (Jdk.Static each : fields) {
            if (each.get() instanceof SecureRandom random && SecureRandoms.isInstalled()) {
                mend(each, random);
            }
        }
    }

    @Override
    public int renew() throws Exception {
        int count = 0;
        for (Jdk.Static each : fields) {
            Object held = each.get();
            if (held instanceof SecureRandom random) {
                mend(each, random);
                count++;
            } else if (held instanceof Random random) {
                reseed(each, random);
                count++;
            }
        }
        return count;
    }

    @SuppressWarnings("NullAway") // prepared
    private void mend(Jdk.Static where, SecureRandom random) throws Exception {
        SecureRandomSpi behind = inside.behind(random);
        if (behind == null || SecureRandoms.isOurs(behind)) {
            return; // which renews itself
        }
        if (SecureRandoms.isInstalled()) {
            inside.exchange(random);
            if (!SecureRandoms.isOurs(inside.behind(random))) {
                throw new IllegalStateException(where + " is what it was");
            }
        } else {
            inside.reseed(behind);
        }
    }

    @SuppressWarnings("NullAway") // prepared
    private void reseed(Jdk.Static where, Random random) {
        AtomicLong held = (AtomicLong) seed.get(random);
        long before = held.get();
        for (int attempt = 0; attempt < 3; attempt++) { // one in 2^48 is the same by chance
            random.setSeed(Fresh.nonZeroLong());
            if (held.get() != before) {
                return;
            }
        }
        throw new IllegalStateException(where + " is what it was");
    }
}
