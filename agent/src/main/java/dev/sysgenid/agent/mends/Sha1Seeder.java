// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.mends;

import dev.sysgenid.agent.Jdk;
import dev.sysgenid.agent.Mend;
import dev.sysgenid.agent.Unsuitable;
import java.lang.invoke.VarHandle;
import java.security.SecureRandomSpi;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The generator that seeds new instances of SHA1PRNG. */
final class Sha1Seeder implements Mend {
    private static final String TYPE = "sun.security.provider.SecureRandom";

    private Jdk.@Nullable Static seeder;
    private @Nullable VarHandle state;
    private @Nullable SecureRandoms inside;

    @Override
    public String name() {
        return "sha1prng-seeder";
    }

    @Override
    public String what() {
        return "the seeds of new SHA1PRNG";
    }

    @Override
    public String expects() {
        return TYPE + "$SeederHolder.seeder, with its byte[] state";
    }

    @Override
    public String verifies() {
        return "the state is another one";
    }

    @Override
    public void prepare(Jdk jdk) throws Unsuitable {
        Class<?> type = jdk.find(TYPE);
        seeder = jdk.statics(TYPE + "$SeederHolder", "seeder", type);
        state = jdk.field(type, "state", byte[].class);
        inside = new SecureRandoms(jdk);
    }

    @Override
    @SuppressWarnings("NullAway") // prepared
    public int renew() throws Exception {
        if (!(seeder.get() instanceof SecureRandomSpi held)) {
            return 0;
        }
        byte[] before = copy((byte[]) state.getVolatile(held));
        inside.reseed(held);
        if (Arrays.equals(before, (byte[]) state.getVolatile(held))) {
            throw new IllegalStateException("its state is what it was");
        }
        return 1;
    }

    private static byte @Nullable [] copy(byte @Nullable [] bytes) {
        return bytes == null ? null : bytes.clone();
    }
}
