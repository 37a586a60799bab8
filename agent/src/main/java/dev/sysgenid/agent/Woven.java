// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import java.util.List;

/**
 * Which class of the JDK gets instructions, which, and by the side of which hook. Names only: this is used while the class
 * is being loaded.
 *
 * @param target the internal name of the class
 * @param hook the simple name of the class that is defined in the same package; what the agent does is set in its fields
 * @param beside another class of that package
 * @param patches the instructions
 */
public record Woven(String target, String hook, String beside, List<Patch> patches) {
    /** The provider list, which gets the SysGenID provider when it is made: the first who asks for one finds it. */
    public static final String PROVIDERS = "sun/security/jca/ProviderList";

    /** SecureRandom, which asks at each draw. */
    public static final String SECURE_RANDOM = "java/security/SecureRandom";

    /** Random, which gets another kind of seed when it seeds itself. */
    public static final String RANDOM = "java/util/Random";

    /** ThreadLocalRandom, to whose numbers one is added. */
    public static final String THREAD_LOCAL_RANDOM = "java/util/concurrent/ThreadLocalRandom";

    /** The context of TLS, which says that it is used. */
    public static final String TLS = "sun/security/ssl/SSLContextImpl";

    /** In a SecureRandom's field randomBytesUsed: it needs no care. As in the hook. */
    public static final int SAFE = 0x53474944;

    private static final String ATOMIC = "java/util/concurrent/atomic/AtomicLong";

    /** What is known of a class. */
    static Woven of(String target) {
        return switch (target) {
            case PROVIDERS ->
                new Woven(target, "SysGenIdProviders", "sun.security.jca.ServiceId", List.of(new ProviderList()));
            case SECURE_RANDOM ->
                new Woven(
                        target,
                        "SysGenIdGuard",
                        "java.security.CodeSource",
                        List.of(
                                new Drawing(),
                                new Telling("nextBytes([BLjava/security/SecureRandomParameters;)V", 2, false),
                                new Telling("setSeed([B)V", 0, false),
                                new Telling("<init>([B)V", 1, true)));
            case RANDOM ->
                new Woven(
                        target,
                        "SysGenIdSeed",
                        "java.util.ArrayList",
                        List.of(new Made(), new Used("next(I)I"), new Used("nextGaussian()D"), new Seeded()));
            case THREAD_LOCAL_RANDOM ->
                new Woven(target, "SysGenIdSalt", "java.util.concurrent.ConcurrentHashMap", List.of(new Salted()));
            case TLS ->
                new Woven(
                        target,
                        "SysGenIdContexts",
                        "sun.security.ssl.SSLSessionContextImpl",
                        List.of(new ContextUsed()));
            default -> throw new IllegalArgumentException(target);
        };
    }

    /** The internal name of the hook. */
    private static String hookOf(String target, String hook) {
        return target.substring(0, target.lastIndexOf('/') + 1) + hook;
    }

    /** {@code return SysGenIdProviders.first(...)}, of what it would return. */
    private static final class ProviderList implements Patch {
        @Override
        public String method() {
            return "fromSecurityProperties()L" + PROVIDERS + ";";
        }

        @Override
        public void leave(Code code) {
            code.callStatic(
                    hookOf(PROVIDERS, "SysGenIdProviders"), "first", "(L" + PROVIDERS + ";)L" + PROVIDERS + ";");
        }
    }

    /** {@code if (randomBytesUsed != SAFE && SysGenIdGuard.draw(this, bytes)) return;}. */
    private static final class Drawing implements Patch {
        @Override
        public String method() {
            return "nextBytes([B)V";
        }

        @Override
        public void enter(Code code) {
            code.load(0)
                    .get(SECURE_RANDOM, "randomBytesUsed", "I")
                    .number(SAFE)
                    .ifSameGoOn()
                    .load(0)
                    .load(1)
                    .callStatic(hookOf(SECURE_RANDOM, "SysGenIdGuard"), "draw", "(L" + SECURE_RANDOM + ";[B)Z")
                    .ifFalseGoOn()
                    .leave();
        }
    }

    /** {@code SysGenIdGuard.told(this, what);}. */
    private static final class Telling implements Patch {
        private final String method;
        private final int what;
        private final boolean atEnd;

        Telling(String method, int what, boolean atEnd) {
            this.method = method;
            this.what = what;
            this.atEnd = atEnd;
        }

        @Override
        public String method() {
            return method;
        }

        @Override
        public void enter(Code code) {
            if (!atEnd) {
                write(code);
            }
        }

        @Override
        public void leave(Code code) {
            if (atEnd) {
                write(code);
            }
        }

        private void write(Code code) {
            code.load(0)
                    .small(what)
                    .callStatic(hookOf(SECURE_RANDOM, "SysGenIdGuard"), "told", "(L" + SECURE_RANDOM + ";I)V");
        }
    }

    /** {@code seed = new SysGenIdSeed(seed.get());}. */
    private static final class Made implements Patch {
        @Override
        public String method() {
            return "<init>()V";
        }

        @Override
        public void leave(Code code) {
            String hook = hookOf(RANDOM, "SysGenIdSeed");
            code.load(0)
                    .make(hook)
                    .duplicate()
                    .load(0)
                    .get(RANDOM, "seed", "L" + ATOMIC + ";")
                    .call(ATOMIC, "get", "()J")
                    .construct(hook, "(J)V")
                    .put(RANDOM, "seed", "L" + ATOMIC + ";");
        }
    }

    /** {@code if (SysGenIdSeed.renew(seed)) haveNextNextGaussian = false;}: what was drawn ahead is of the old seed. */
    private static final class Used implements Patch {
        private final String method;

        Used(String method) {
            this.method = method;
        }

        @Override
        public String method() {
            return method;
        }

        @Override
        public void enter(Code code) {
            code.load(0)
                    .get(RANDOM, "seed", "L" + ATOMIC + ";")
                    .callStatic(hookOf(RANDOM, "SysGenIdSeed"), "renew", "(L" + ATOMIC + ";)Z")
                    .ifFalseGoOn()
                    .load(0)
                    .zero()
                    .put(RANDOM, "haveNextNextGaussian", "Z");
        }
    }

    /** {@code SysGenIdSeed.fix(seed);}. */
    private static final class Seeded implements Patch {
        @Override
        public String method() {
            return "setSeed(J)V";
        }

        @Override
        public void enter(Code code) {
            code.load(0)
                    .get(RANDOM, "seed", "L" + ATOMIC + ";")
                    .callStatic(hookOf(RANDOM, "SysGenIdSeed"), "fix", "(L" + ATOMIC + ";)V");
        }
    }

    /** {@code return ... + SysGenIdSalt.salt;}. */
    private static final class Salted implements Patch {
        @Override
        public String method() {
            return "nextSeed()J";
        }

        @Override
        public void leave(Code code) {
            code.getStatic(hookOf(THREAD_LOCAL_RANDOM, "SysGenIdSalt"), "salt", "J")
                    .addLongs();
        }
    }

    /** {@code SysGenIdContexts.used(this);}. */
    private static final class ContextUsed implements Patch {
        @Override
        public String method() {
            return "getSecureRandom()Ljava/security/SecureRandom;";
        }

        @Override
        public void enter(Code code) {
            code.load(0).callStatic(hookOf(TLS, "SysGenIdContexts"), "used", "(Ljava/lang/Object;)V");
        }
    }
}
