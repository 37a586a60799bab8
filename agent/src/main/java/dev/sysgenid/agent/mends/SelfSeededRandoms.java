// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.mends;

import dev.sysgenid.agent.Fresh;
import dev.sysgenid.agent.Jdk;
import dev.sysgenid.agent.Mend;
import dev.sysgenid.agent.Patch;
import dev.sysgenid.agent.Unsuitable;
import java.lang.invoke.VarHandle;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.objectweb.asm.Label;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;

/**
 * Instances of java.util.Random that seeded themselves, wherever the program holds them: their constructor gives them a
 * seed that changes at its first use after each change. Those that got a seed from the program go on as they would have;
 * those that are older than the agent cannot be told from these, and do too.
 */
final class SelfSeededRandoms implements Mend {
    private static final String RANDOM = "java/util/Random";
    private static final String HOOK = "SysGenIdSeed";
    private static final String SEED = "java/util/" + HOOK;
    private static final String ATOMIC = "java/util/concurrent/atomic/AtomicLong";

    private @Nullable Jdk jdk;
    private @Nullable Class<?> hook;
    private @Nullable VarHandle salt;
    private @Nullable VarHandle seed;

    @Override
    public String name() {
        return "random";
    }

    @Override
    public String what() {
        return "every new Random() of the program, made since the agent is there";
    }

    @Override
    public String expects() {
        return "Random's constructor, next, nextGaussian and setSeed, and its field seed";
    }

    @Override
    public String verifies() {
        return "a Random made for that draws another number than its seed would give";
    }

    @Override
    public void prepare(Jdk jdk) throws Unsuitable {
        this.jdk = jdk;
        seed = jdk.field(Random.class, "seed", AtomicLong.class);
        jdk.field(Random.class, "haveNextNextGaussian", boolean.class);
        Class<?> defined = jdk.define(Random.class, HOOK);
        salt = jdk.hookField(defined, "salt", long.class);
        hook = defined;
    }

    @Override
    @SuppressWarnings("NullAway") // prepared
    public void install() throws Unsuitable {
        jdk.weave(Random.class, List.of(new Made(), new Used("next(I)I"), new Used("nextGaussian()D"), new Seeded()));
    }

    @Override
    @SuppressWarnings("NullAway") // prepared
    public int renew() {
        Random probe = new Random();
        AtomicLong held = (AtomicLong) seed.get(probe);
        if (!hook.isInstance(held)) {
            throw new IllegalStateException("new Random() has a plain seed");
        }
        Random same = new Random(0);
        ((AtomicLong) seed.get(same)).set(held.get());
        salt.setVolatile(Fresh.nonZeroLong());
        if (probe.nextLong() == same.nextLong()) {
            throw new IllegalStateException("a new Random() draws what its seed gives");
        }
        return 1;
    }

    private static final class Made implements Patch {
        @Override
        public String method() {
            return "<init>()V";
        }

        @Override
        public void leave(MethodVisitor code) {
            code.visitVarInsn(Opcodes.ALOAD, 0);
            code.visitTypeInsn(Opcodes.NEW, SEED);
            code.visitInsn(Opcodes.DUP);
            code.visitVarInsn(Opcodes.ALOAD, 0);
            code.visitFieldInsn(Opcodes.GETFIELD, RANDOM, "seed", "L" + ATOMIC + ";");
            code.visitMethodInsn(Opcodes.INVOKEVIRTUAL, ATOMIC, "get", "()J", false);
            code.visitMethodInsn(Opcodes.INVOKESPECIAL, SEED, "<init>", "(J)V", false);
            code.visitFieldInsn(Opcodes.PUTFIELD, RANDOM, "seed", "L" + ATOMIC + ";");
        }
    }

    private static final class Used implements Patch {
        private final String method;

        Used(String method) {
            this.method = method;
        }

        @Override
        public String method() {
            return method;
        }

        /** What was drawn for the next nextGaussian is of the old seed. */
        @Override
        public void enter(MethodVisitor code) {
            Label unchanged = new Label();
            code.visitVarInsn(Opcodes.ALOAD, 0);
            code.visitFieldInsn(Opcodes.GETFIELD, RANDOM, "seed", "L" + ATOMIC + ";");
            code.visitMethodInsn(Opcodes.INVOKESTATIC, SEED, "renew", "(L" + ATOMIC + ";)Z", false);
            code.visitJumpInsn(Opcodes.IFEQ, unchanged);
            code.visitVarInsn(Opcodes.ALOAD, 0);
            code.visitInsn(Opcodes.ICONST_0);
            code.visitFieldInsn(Opcodes.PUTFIELD, RANDOM, "haveNextNextGaussian", "Z");
            code.visitLabel(unchanged);
            code.visitFrame(Opcodes.F_SAME, 0, null, 0, null);
        }
    }

    private static final class Seeded implements Patch {
        @Override
        public String method() {
            return "setSeed(J)V";
        }

        @Override
        public void enter(MethodVisitor code) {
            code.visitVarInsn(Opcodes.ALOAD, 0);
            code.visitFieldInsn(Opcodes.GETFIELD, RANDOM, "seed", "L" + ATOMIC + ";");
            code.visitMethodInsn(Opcodes.INVOKESTATIC, SEED, "fix", "(L" + ATOMIC + ";)V", false);
        }
    }
}
