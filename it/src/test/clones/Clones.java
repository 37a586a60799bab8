// SPDX-License-Identifier: Apache-2.0

import dev.sysgenid.Phase;
import dev.sysgenid.SysGenId;
import dev.sysgenid.Watch;
import dev.sysgenid.security.SysGenIdProvider;
import dev.sysgenid.security.Uuids;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.security.Signature;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import javax.crypto.Cipher;
import javax.crypto.KeyGenerator;
import javax.crypto.SecretKey;

/**
 * A Java program that is dumped and restored more than once: what it draws afterwards, a line for each way to draw.
 *
 * <p>{@code java Clones DIRECTORY plain|guarded}. It makes {@code DIRECTORY/ready}; whenever there is
 * {@code DIRECTORY/go} it writes what it draws into {@code DIRECTORY/tokens}. A restored one is given a directory of its
 * own at that path.
 *
 * <p>{@code guarded}: the provider is installed before anything else, and what the program itself holds is renewed through
 * the client library. {@code plain}: the JDK alone, with the same values.
 */
public final class Clones {
    private static final HexFormat HEX = HexFormat.of();

    private final Map<String, Callable<String>> draws = new LinkedHashMap<>();
    private final boolean guarded;

    private Clones(boolean guarded) throws Exception {
        this.guarded = guarded;
        SysGenId id = null;
        if (guarded) {
            SysGenIdProvider.install();
            id = SysGenId.open();
        }
        jdk();
        application(id);
    }

    /** What the JDK draws for whoever asks, from SecureRandom beneath. */
    private void jdk() throws Exception {
        SecureRandom warm = new SecureRandom();
        warm.nextLong();
        UUID.randomUUID();
        draws.put("SecureRandom", () -> Long.toHexString(warm.nextLong()));
        draws.put("SecureRandom, made after the restore", () -> Long.toHexString(new SecureRandom().nextLong()));
        draws.put("UUID.randomUUID", () -> UUID.randomUUID().toString());
        KeyGenerator generator = KeyGenerator.getInstance("AES");
        draws.put("KeyGenerator AES", () -> HEX.formatHex(generator.generateKey().getEncoded()));
        KeyPairGenerator pairs = KeyPairGenerator.getInstance("EC");
        pairs.initialize(256);
        KeyPair pair = pairs.generateKeyPair();
        draws.put("KeyPairGenerator EC", () -> HEX.formatHex(pairs.generateKeyPair().getPublic().getEncoded()));
        draws.put("ECDSA nonce", () -> {
            Signature signature = Signature.getInstance("SHA256withECDSA");
            signature.initSign(pair.getPrivate());
            signature.update(new byte[] {1});
            return HEX.formatHex(signature.sign());
        });
        SecretKey key = generator.generateKey();
        draws.put("GCM IV", () -> {
            Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
            cipher.init(Cipher.ENCRYPT_MODE, key);
            return HEX.formatHex(cipher.getIV());
        });
        draws.put("createTempFile", () -> {
            Path file = Files.createTempFile(Path.of("/run"), "", "");
            Files.delete(file);
            return file.getFileName().toString();
        });
        SecureRandom drbg = SecureRandom.getInstance("DRBG");
        drbg.nextLong();
        draws.put("DRBG", () -> Long.toHexString(drbg.nextLong()));
    }

    /** What an application holds, or draws by generators that are its own. */
    private void application(SysGenId id) {
        SecureRandom seeds = new SecureRandom();
        own(id, "session token", () -> {
            String token = Long.toHexString(seeds.nextLong());
            return () -> token;
        });
        own(id, "Random", () -> {
            Random random = new Random(seeds.nextLong());
            return () -> Long.toHexString(random.nextLong());
        });
        own(id, "SplittableRandom", () -> {
            SplittableRandom random = new SplittableRandom(seeds.nextLong());
            return () -> Long.toHexString(random.nextLong());
        });
        own(id, "L64X128MixRandom", () -> {
            RandomGenerator random = RandomGenerator.of("L64X128MixRandom");
            long mix = guarded ? seeds.nextLong() : 0;
            return () -> Long.toHexString(random.nextLong() ^ mix);
        });
        if (id == null) {
            // The JDK has no way to renew these: a guarded program draws from another one.
            draws.put("ThreadLocalRandom", () -> Long.toHexString(ThreadLocalRandom.current().nextLong()));
            draws.put("SplittableRandom, made after the restore", () -> Long.toHexString(new SplittableRandom().nextLong()));
            draws.put("Math.random", () -> Double.toString(Math.random()));
            draws.put("Collections.shuffle", () -> {
                List<Integer> list = new java.util.ArrayList<>(IntStream.range(0, 20).boxed().toList());
                Collections.shuffle(list);
                return list.toString().replace(" ", "");
            });
        } else {
            draws.put("Uuids.v4", () -> Uuids.v4().toString());
            draws.put("Uuids.v7", () -> Uuids.v7().toString());
            String[] listened = {Long.toHexString(seeds.nextLong())};
            Watch watch = id.watch(Phase.CACHES, "token", generation -> listened[0] = Long.toHexString(seeds.nextLong()));
            draws.put("token of a listener", () -> watch.isUpToDate() ? listened[0] : "outdated");
        }
    }

    private void own(SysGenId id, String name, Supplier<Callable<String>> maker) {
        if (id == null) {
            draws.put(name, maker.get());
        } else {
            var value = id.perGeneration(maker);
            value.get();
            draws.put(name, () -> value.get().call());
        }
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
        Clones clones = new Clones(arguments[1].equals("guarded"));
        clones.write(directory, "ready");
        Path go = directory.resolve("go");
        while (true) {
            if (Files.exists(go)) {
                clones.write(directory, "tokens");
                Files.delete(go);
            }
            Thread.sleep(5);
        }
    }
}
