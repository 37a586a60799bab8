// SPDX-License-Identifier: Apache-2.0

import java.io.File;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.rmi.server.ObjID;
import java.rmi.server.UID;
import java.security.DrbgParameters;
import java.security.DrbgParameters.Capability;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.security.Security;
import java.security.Signature;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import javax.crypto.Cipher;
import javax.crypto.KeyGenerator;
import javax.crypto.SecretKey;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;

/**
 * A Java program that is dumped and restored more than once, and knows nothing of that: it draws in every way that the
 * JDK offers, from what it has held since before the dump, and from what it makes afterwards ("new").
 *
 * <p>{@code java Everything DIRECTORY}: makes {@code DIRECTORY/ready}; whenever there is {@code DIRECTORY/go} it writes
 * what it draws into {@code DIRECTORY/tokens}.
 */
public final class Everything {
    private static final HexFormat HEX = HexFormat.of();

    private final Map<String, Callable<String>> draws = new LinkedHashMap<>();

    private Everything() throws Exception {
        numbers();
        threads();
        secure();
        keys();
        names();
        identities();
    }

    private void numbers() {
        Random random = new Random();
        draws.put("Random", () -> hex(random.nextLong()));
        draws.put("Random, new", () -> hex(new Random().nextLong()));
        Random seeded = new Random(42);
        draws.put("Random with a seed of the program's", () -> hex(seeded.nextLong()));
        draws.put("Math.random", () -> Double.toString(Math.random()));
        draws.put("Collections.shuffle", () -> {
            List<Integer> list = new ArrayList<>(IntStream.range(0, 50).boxed().toList());
            Collections.shuffle(list);
            return list.toString();
        });
        SplittableRandom splittable = new SplittableRandom();
        draws.put("SplittableRandom", () -> hex(splittable.nextLong()));
        draws.put("SplittableRandom, new", () -> hex(new SplittableRandom().nextLong()));
        for (String name : List.of("L64X128MixRandom", "Xoshiro256PlusPlus")) {
            RandomGenerator held = RandomGenerator.of(name);
            draws.put(name, () -> hex(held.nextLong()));
            draws.put(name + ", new", () -> hex(RandomGenerator.of(name).nextLong()));
        }
    }

    private void threads() throws Exception {
        draws.put("ThreadLocalRandom", Everything::local);
        draws.put("ThreadLocalRandom, another thread", inThread(false));
        draws.put("ThreadLocalRandom, new thread", () -> {
            FutureTask<String> task = new FutureTask<>(Everything::local);
            new Thread(task).start();
            return task.get();
        });
        if (Runtime.version().feature() >= 21) {
            draws.put("ThreadLocalRandom, virtual thread", inThread(true));
            draws.put("ThreadLocalRandom, new virtual thread", () -> {
                FutureTask<String> task = new FutureTask<>(Everything::local);
                startVirtual(task);
                return task.get();
            });
        }
    }

    private static String local() {
        return hex(ThreadLocalRandom.current().nextLong());
    }

    /** Draws in a thread that has drawn before, and sleeps in between. */
    private static Callable<String> inThread(boolean virtual) throws Exception {
        SynchronousQueue<FutureTask<String>> tasks = new SynchronousQueue<>();
        Runnable loop = () -> {
            try {
                while (true) {
                    tasks.take().run();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        };
        if (virtual) {
            startVirtual(loop);
        } else {
            Thread thread = new Thread(loop);
            thread.setDaemon(true);
            thread.start();
        }
        return () -> {
            FutureTask<String> task = new FutureTask<>(Everything::local);
            tasks.put(task);
            return task.get();
        };
    }

    /** By its name, as this is compiled for Java 17. */
    private static void startVirtual(Runnable task) throws Exception {
        Thread.class.getMethod("startVirtualThread", Runnable.class).invoke(null, task);
    }

    private void secure() throws Exception {
        held("SecureRandom", SecureRandom::new);
        for (String mechanism : List.of("Hash_DRBG", "HMAC_DRBG", "CTR_DRBG")) {
            held(mechanism, () -> drbg(mechanism, Capability.NONE));
        }
        held("DRBG with PR_AND_RESEED", () -> drbg("Hash_DRBG", Capability.PR_AND_RESEED));
        held("SHA1PRNG", () -> SecureRandom.getInstance("SHA1PRNG"));
        for (String name : List.of("NativePRNG", "NativePRNGBlocking", "NativePRNGNonBlocking")) {
            held(name, () -> SecureRandom.getInstance(name, "SUN"));
        }
        held("SecureRandom.getInstanceStrong", SecureRandom::getInstanceStrong);
        SecureRandom seeded = SecureRandom.getInstance("SHA1PRNG");
        seeded.setSeed(42);
        draws.put("SHA1PRNG with a seed of the program's", () -> hex(seeded.nextLong()));
    }

    private void held(String name, Callable<SecureRandom> maker) throws Exception {
        SecureRandom held = maker.call();
        draws.put(name, () -> hex(held.nextLong()));
        draws.put(name + ", new", () -> hex(maker.call().nextLong()));
    }

    private static SecureRandom drbg(String mechanism, Capability capability) throws Exception {
        Security.setProperty("securerandom.drbg.config", mechanism);
        return SecureRandom.getInstance("DRBG", DrbgParameters.instantiation(128, capability, null), "SUN");
    }

    private void keys() throws Exception {
        KeyGenerator generator = KeyGenerator.getInstance("AES");
        draws.put("KeyGenerator", () -> HEX.formatHex(generator.generateKey().getEncoded()));
        KeyPairGenerator pairs = KeyPairGenerator.getInstance("EC");
        pairs.initialize(256);
        KeyPair pair = pairs.generateKeyPair();
        draws.put("KeyPairGenerator, EC", () -> HEX.formatHex(pairs.generateKeyPair().getPublic().getEncoded()));
        draws.put("ECDSA nonce", () -> {
            Signature signature = Signature.getInstance("SHA256withECDSA");
            signature.initSign(pair.getPrivate());
            signature.update(new byte[] {1});
            return HEX.formatHex(signature.sign());
        });
        SecretKey key = generator.generateKey();
        draws.put("GCM initialisation vector", () -> {
            Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
            cipher.init(Cipher.ENCRYPT_MODE, key);
            return HEX.formatHex(cipher.getIV());
        });
        SSLContext context = SSLContext.getDefault();
        draws.put("TLS client random", () -> {
            SSLEngine engine = context.createSSLEngine("localhost", 443);
            engine.setUseClientMode(true);
            ByteBuffer hello = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
            engine.wrap(ByteBuffer.allocate(0), hello);
            // Behind the headers of record and message and the version.
            return HEX.formatHex(hello.array(), 11, 43);
        });
    }

    private void names() {
        draws.put("UUID.randomUUID", () -> UUID.randomUUID().toString());
        draws.put("Files.createTempFile", () -> {
            Path file = Files.createTempFile("", "");
            Files.delete(file);
            return file.getFileName().toString();
        });
        draws.put("Files.createTempDirectory", () -> {
            Path file = Files.createTempDirectory("");
            Files.delete(file);
            return file.getFileName().toString();
        });
        draws.put("File.createTempFile", () -> {
            File file = File.createTempFile("any", "");
            Files.delete(file.toPath());
            return file.getName();
        });
        draws.put("rmi.server.UID, new", () -> new UID().toString());
        draws.put("rmi.server.ObjID, new", () -> new ObjID().toString());
    }

    private void identities() {
        draws.put("identityHashCode", () -> Integer.toString(System.identityHashCode(new Object())));
        draws.put("order of Set.of", () -> Set.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12).toString());
        AtomicLong counter = new AtomicLong();
        draws.put("counter", () -> Long.toString(counter.incrementAndGet()));
        draws.put("process id", () -> Long.toString(ProcessHandle.current().pid()));
    }

    private static String hex(long bits) {
        return Long.toHexString(bits);
    }

    private void write(Path directory, String name) throws Exception {
        StringBuilder text = new StringBuilder();
        for (Map.Entry<String, Callable<String>> draw : draws.entrySet()) {
            text.append(draw.getKey()).append('\t').append(draw.getValue().call()).append('\n');
        }
        Path file = Files.writeString(directory.resolve("new"), text);
        Files.move(file, directory.resolve(name), StandardCopyOption.ATOMIC_MOVE);
    }

    public static void main(String[] arguments) throws Exception {
        Path directory = Path.of(arguments[0]);
        Everything everything = new Everything();
        everything.write(directory, "ready");
        Path go = directory.resolve("go");
        while (true) {
            if (Files.exists(go)) {
                everything.write(directory, "tokens");
                Files.delete(go);
            }
            Thread.sleep(5);
        }
    }
}
