// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.program;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.rmi.server.UID;
import java.security.SecureRandom;
import java.security.SecureRandomSpi;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import javax.crypto.KeyGenerator;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLContextSpi;

/** Each state that is mended, by the name of its mend and, where there are several, a number. */
final class States {
    private static final String PRNG = "sun.security.provider.NativePRNG";

    private final Map<String, State> all = new LinkedHashMap<>();

    States() {
        add("provider", () -> fillBuffers(PRNG), () -> draw(new SecureRandom()));
        heldInHeap();
        threadLocal();
        for (String each : List.of("", "$Blocking", "$NonBlocking")) {
            String name = ("NativePRNG" + each).replace("$", "");
            add(
                    "native-prng" + each,
                    () -> fillBuffers(PRNG + each),
                    () -> draw(SecureRandom.getInstance(name, "SUN")));
        }
        seeders();
        held(
                "jca",
                "sun.security.jca.JCAUtil",
                "def",
                () -> Inside.call(Class.forName("sun.security.jca.JCAUtil"), null, "getDefSecureRandom"));
        held("jca-seeds", "java.security.SecureRandom", "seedGenerator", () -> SecureRandom.getSeed(1));
        held(
                "uuid",
                "java.util.UUID$Holder",
                "numberGenerator",
                null,
                () -> UUID.randomUUID().toString());
        held("temp-files", "java.nio.file.TempFileHelper", "random", null, States::tempPath);
        String name = Runtime.version().feature() > 17 ? "RANDOM" : "random";
        held("temp-files-old", "java.io.File$TempDirectory", name, null, States::tempFile);
        held(
                "sun-jce",
                "com.sun.crypto.provider.SunJCE$SecureRandomHolder",
                "RANDOM",
                null,
                () -> hex(KeyGenerator.getInstance("AES").generateKey().getEncoded()));
        counters();
        held(
                "math-random",
                "java.lang.Math$RandomNumberGeneratorHolder",
                "randomNumberGenerator",
                null,
                () -> "" + Math.random());
        held(
                "math-random-strict",
                "java.lang.StrictMath$RandomNumberGeneratorHolder",
                "randomNumberGenerator",
                null,
                () -> "" + StrictMath.random());
        held("shuffle", "java.util.Collections", "r", States::shuffled, States::shuffled);
        tls();
        held("websocket", "jdk.internal.net.http.websocket.OpeningHandshake", "random", null);
        held("http-digest", "sun.net.www.protocol.http.DigestAuthentication$Parameters", "random", null);
        held("dns", "com.sun.jndi.dns.DnsClient", "random", null);
        held("ldap", "com.sun.jndi.ldap.ServiceLocator", "random", null);
        held("kerberos", "sun.security.krb5.Confounder", "srand", null);
        held("kerberos-servers", "sun.security.krb5.KrbServiceLocator", "random", null);
        held("unix-sockets", "sun.nio.ch.UnixDomainSockets", "random", null);
        held("rmi-ids", "java.rmi.server.ObjID", "secureRandom", null);
        add(
                "rmi-ids-jvm",
                () -> {
                    UID unused = new UID();
                    Inside.field(UID.class, "hostUnique").set(null, 42);
                },
                () -> new UID().toString().replaceAll(":.*", ""));
    }

    Map<String, State> all() {
        return all;
    }

    // ---- what the program holds

    private void heldInHeap() {
        SecureRandom[] held = new SecureRandom[3];
        add(
                "secure-random-sha1prng",
                () -> {
                    held[0] = SecureRandom.getInstance("SHA1PRNG");
                    held[0].nextInt();
                    Object spi = spi(held[0]);
                    Inside.set(spi, "state", new byte[20]);
                    Inside.set(spi, "remCount", 0);
                },
                () -> draw(held[0]));
        add(
                "secure-random-drbg",
                () -> {
                    held[1] = SecureRandom.getInstance("DRBG", "SUN");
                    held[1].nextInt();
                    forceDrbg(Inside.get(spi(held[1]), "impl"));
                },
                () -> draw(held[1]));
        add(
                "secure-random-library",
                () -> held[2] = new SecureRandom(new Lcg(42), null) {
                    private static final long serialVersionUID = 1;
                },
                () -> draw(held[2]));
        Random[] random = new Random[1];
        add(
                "random",
                () -> {
                    random[0] = new Random();
                    ((AtomicLong) Inside.field(Random.class, "seed").get(random[0])).set(42);
                },
                () -> "" + random[0].nextLong());
        Random[] gaussian = new Random[1];
        add(
                "random-gaussian",
                () -> {
                    gaussian[0] = new Random();
                    ((AtomicLong) Inside.field(Random.class, "seed").get(gaussian[0])).set(42);
                    gaussian[0].nextGaussian(); // a second one is kept
                },
                () -> "" + gaussian[0].nextGaussian());
    }

    // ---- threads

    private void threadLocal() {
        CountDownLatch go = new CountDownLatch(1);
        FutureTask<String> inThread = new FutureTask<>(() -> {
            ThreadLocalRandom.current();
            Inside.field(Thread.class, "threadLocalRandomSeed").set(Thread.currentThread(), 42L);
            forced.countDown();
            go.await();
            return "" + ThreadLocalRandom.current().nextLong();
        });
        add(
                "thread-local-random",
                () -> {
                    startThread(inThread);
                    forced.await();
                },
                () -> {
                    go.countDown();
                    return inThread.get();
                });
        add(
                "threads",
                () -> {
                    ThreadLocalRandom.current();
                    Inside.field(Thread.class, "threadLocalRandomSeed").set(Thread.currentThread(), 42L);
                },
                () -> "" + ThreadLocalRandom.current().nextLong());
    }

    private final CountDownLatch forced = new CountDownLatch(1);

    /** A virtual thread, where there are such. */
    private static void startThread(Runnable task) throws ReflectiveOperationException {
        if (Runtime.version().feature() >= 21) {
            Thread.class.getMethod("startVirtualThread", Runnable.class).invoke(null, task);
        } else {
            Thread thread = new Thread(task);
            thread.setDaemon(true);
            thread.start();
        }
    }

    // ---- what seeds others

    private void seeders() {
        add(
                "sha1prng-seeder",
                () -> {
                    Object seeder = Inside.ofClass("sun.security.provider.SecureRandom$SeederHolder", "seeder");
                    Inside.set(seeder, "state", new byte[20]);
                    Inside.set(seeder, "remCount", 0);
                },
                () -> draw(SecureRandom.getInstance("SHA1PRNG")));
        add(
                "drbg-seeder",
                () -> {
                    Object source = Inside.ofClass("sun.security.provider.AbstractDrbg$SeederHolder", "seeder");
                    for (var each : source.getClass().getDeclaredFields()) {
                        each.setAccessible(true);
                        forceDrbg(each.get(source));
                    }
                },
                () -> {
                    Object source = Inside.ofClass("sun.security.provider.AbstractDrbg$SeederHolder", "seeder");
                    var held = source.getClass().getDeclaredFields()[0];
                    held.setAccessible(true);
                    return hex((byte[]) Inside.get(held.get(source), "v"));
                });
    }

    private static void forceDrbg(Object drbg) throws ReflectiveOperationException {
        Inside.set(drbg, "v", new byte[((byte[]) Inside.get(drbg, "v")).length]);
        Inside.set(drbg, "c", new byte[((byte[]) Inside.get(drbg, "c")).length]);
    }

    private void counters() {
        counter("thread-seeds", "java.util.concurrent.ThreadLocalRandom", "seeder", () -> {
            FutureTask<String> task = new FutureTask<>(() -> {
                ThreadLocalRandom.current();
                return "" + Inside.field(Thread.class, "threadLocalRandomSeed").get(Thread.currentThread());
            });
            Thread thread = new Thread(task);
            thread.start();
            return task.get();
        });
        counter(
                "random-seeds",
                "java.util.Random",
                "seedUniquifier",
                () -> "" + Inside.ofClass("java.util.Random", "seedUniquifier"));
        counter(
                "splittable-seeds",
                "java.util.SplittableRandom",
                "defaultGen",
                () -> "" + new SplittableRandom().nextLong());
        String where = Inside.exists("jdk.internal.random.L64X128MixRandom") ? "jdk.internal.random." : "jdk.random.";
        for (String each : List.of(
                "L32X64MixRandom",
                "L64X128MixRandom",
                "L64X128StarStarRandom",
                "L64X256MixRandom",
                "L64X1024MixRandom",
                "L128X128MixRandom",
                "L128X256MixRandom",
                "L128X1024MixRandom",
                "Xoroshiro128PlusPlus",
                "Xoshiro256PlusPlus")) {
            String field = each.startsWith("Xoshiro") ? "DEFAULT_GEN" : "defaultGen";
            counter(
                    "generator-seeds-" + each,
                    where + each,
                    field,
                    () -> "" + RandomGenerator.of(each).nextLong());
        }
    }

    // ---- TLS

    private void tls() {
        Object[] cache = new Object[1];
        add(
                "tls",
                () -> {
                    SSLContext context = SSLContext.getInstance("TLS");
                    context.init(null, null, null);
                    Object spi = Inside.field(SSLContext.class, "contextSpi").get(context);
                    Class<?> type = spi.getClass();
                    while (!type.getName().equals("sun.security.ssl.SSLContextImpl")) {
                        type = type.getSuperclass();
                    }
                    Inside.call(type, (SSLContextSpi) spi, "getSecureRandom"); // as each handshake does
                    cache[0] = Inside.field(type, "serverCache").get(spi);
                    Inside.set(cache[0], "currentKeyID", 42);
                },
                () -> "" + Inside.get(cache[0], "currentKeyID"));
    }

    // ---- helpers

    private interface Step {
        Object run() throws Exception;
    }

    private interface Forcing {
        void run() throws Exception;
    }

    private interface Drawing {
        String run() throws Exception;
    }

    private void add(String name, Forcing forcing, Drawing drawing) {
        all.put(name, new State() {
            @Override
            public void force() throws Exception {
                forcing.run();
            }

            @Override
            public String draw() throws Exception {
                return drawing.run();
            }
        });
    }

    private void held(String name, String owner, String field, Step use) {
        held(name, owner, field, use, () -> draw((Random) Inside.ofClass(owner, field)));
    }

    /** A generator in a static field: what stands behind it is made predictable. */
    private void held(String name, String owner, String field, Step use, Drawing drawing) {
        if (!Inside.exists(owner)) {
            return;
        }
        add(
                name,
                () -> {
                    if (use != null) {
                        use.run();
                    }
                    Object held = Inside.ofClass(owner, field);
                    if (held instanceof SecureRandom) {
                        Inside.field(SecureRandom.class, "secureRandomSpi").set(held, new Lcg(42));
                    } else {
                        ((AtomicLong) Inside.field(Random.class, "seed").get(held)).set(42);
                    }
                },
                drawing);
    }

    private void counter(String name, String owner, String field, Drawing drawing) {
        if (Inside.exists(owner)) {
            add(name, () -> ((AtomicLong) Inside.ofClass(owner, field)).set(42), drawing);
        }
    }

    private static Object spi(SecureRandom random) throws ReflectiveOperationException {
        return (SecureRandomSpi)
                Inside.field(SecureRandom.class, "secureRandomSpi").get(random);
    }

    /** NativePRNG holds read bytes ready for 100 ms: here for an hour. */
    private static void fillBuffers(String owner) throws ReflectiveOperationException {
        Object io = Inside.ofClass(owner, "INSTANCE");
        byte[] buffer = new byte[256];
        Inside.set(io, "nextBuffer", buffer);
        Inside.set(io, "buffered", buffer.length);
        Inside.set(io, "lastRead", System.currentTimeMillis() + 3_600_000);
        Inside.call(io.getClass(), io, "getMixRandom");
        Object mixed = Inside.get(io, "mixRandom");
        Inside.set(mixed, "state", new byte[20]);
        Inside.set(mixed, "remCount", 0);
    }

    private static String draw(Random random) {
        return "" + random.nextLong();
    }

    private static String shuffled() {
        List<Integer> list = new ArrayList<>(IntStream.range(0, 30).boxed().toList());
        Collections.shuffle(list);
        return list.toString();
    }

    private static String tempPath() throws Exception {
        Path path = Files.createTempFile("twin", "");
        Files.delete(path);
        return path.getFileName().toString();
    }

    private static String tempFile() throws Exception {
        File file = File.createTempFile("twin", "");
        Files.delete(file.toPath());
        return file.getName();
    }

    private static String hex(byte[] bytes) {
        StringBuilder text = new StringBuilder();
        for (byte each : bytes) {
            text.append(String.format("%02x", each));
        }
        return text.toString();
    }
}
