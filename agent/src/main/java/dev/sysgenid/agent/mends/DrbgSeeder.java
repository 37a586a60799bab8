// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.mends;

import dev.sysgenid.agent.Fresh;
import dev.sysgenid.agent.Jdk;
import dev.sysgenid.agent.Mend;
import dev.sysgenid.agent.Unsuitable;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodType;
import java.lang.invoke.VarHandle;
import java.lang.reflect.Field;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The generator that seeds new instances of the JDK's DRBG; the JDK keeps it in what a lambda has captured. */
final class DrbgSeeder implements Mend {
    private static final String OWNER = "sun.security.provider.AbstractDrbg$SeederHolder";

    private @Nullable Jdk jdk;
    private Jdk.@Nullable Static seeder;
    private @Nullable Class<?> type;
    private @Nullable VarHandle state;
    private @Nullable MethodHandle setSeed;

    @Override
    public String name() {
        return "drbg-seeder";
    }

    @Override
    public String what() {
        return "the seeds of new DRBG";
    }

    @Override
    public String expects() {
        return OWNER + ".seeder, which holds a HashDrbg with its byte[] v";
    }

    @Override
    public String verifies() {
        return "the state is another one";
    }

    @Override
    public void prepare(Jdk looked) throws Unsuitable {
        jdk = looked;
        seeder = looked.statics(OWNER, "seeder", looked.find("sun.security.provider.EntropySource"));
        Class<?> drbg = looked.find("sun.security.provider.HashDrbg");
        state = looked.field(drbg, "v", byte[].class);
        setSeed = looked.method(drbg, "engineSetSeed", MethodType.methodType(void.class, byte[].class));
        type = drbg;
    }

    @Override
    @SuppressWarnings("NullAway") // prepared
    public int renew() throws Exception {
        Object source = seeder.get();
        if (source == null) {
            return 0;
        }
        Object held = captured(source);
        byte[] before = ((byte[]) state.getVolatile(held)).clone();
        try {
            setSeed.invoke(held, Fresh.seed());
        } catch (Exception | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
        if (Arrays.equals(before, (byte[]) state.getVolatile(held))) {
            throw new IllegalStateException("its state is what it was");
        }
        return 1;
    }

    @SuppressWarnings("NullAway") // prepared
    private Object captured(Object source) throws Exception {
        var lookup = jdk.lookup(source.getClass());
        for (Field each : source.getClass().getDeclaredFields()) {
            if (type.isAssignableFrom(each.getType())) {
                Object held = lookup.unreflectVarHandle(each).get(source);
                if (held != null) {
                    return held;
                }
            }
        }
        throw Unsuitable.differs(OWNER + ".seeder holds no HashDrbg");
    }
}
