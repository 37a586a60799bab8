// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import dev.sysgenid.SysGenId;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import javax.crypto.KeyGenerator;

/** A way to get something random out of this library. */
record Way(String name, Callable<Drawn> draw) {
    /** All of them; each looks, in its own way, like what an application does. The provider is installed. */
    static List<Way> all(SysGenId id) throws GeneralSecurityException {
        SecureRandom old = new SecureRandom();
        SecureRandom own = SysGenIdProvider.secureRandom();
        SecureRandom drbg = SecureRandom.getInstance("DRBG");
        SnapshotSafeRandom generator = SnapshotSafeRandom.instance();
        KeyGenerator keys = KeyGenerator.getInstance("AES");
        keys.init(256, old);
        return List.of(
                new Way("a SecureRandom made before", () -> bytes(old, 16)),
                new Way("a SecureRandom made now", () -> bytes(new SecureRandom(), 32)),
                new Way("a long request", () -> bytes(old, 700)),
                new Way("the provider's own SecureRandom", () -> bytes(own, 24)),
                new Way("a DRBG made before", () -> bytes(drbg, 16)),
                new Way("a NativePRNG made now", () -> bytes(SecureRandom.getInstance("NativePRNG"), 16)),
                new Way("an AES key", () -> Drawn.of(keys.generateKey().getEncoded())),
                new Way("SnapshotSafeRandom's long", () -> Drawn.of(generator.nextLong())),
                new Way("SnapshotSafeRandom's bytes", () -> {
                    byte[] bytes = new byte[40];
                    generator.nextBytes(bytes);
                    return Drawn.of(bytes);
                }),
                new Way("Uuids.v4", () -> Drawn.ofNumbers(Uuids.v4())),
                new Way("Uuids.v7", () -> Drawn.ofTimeOrdered(Uuids.v7())),
                new Way("UUID.randomUUID", () -> Drawn.ofBytes(UUID.randomUUID())),
                new Way(
                        "a value of one generation",
                        () -> Drawn.of(
                                id.perGeneration(() -> bytes(old, 16).bytes()).get())),
                new Way(
                        "a guarded action",
                        () -> Drawn.of(id.guarded(() -> bytes(old, 16).bytes()).uncheckedValue())));
    }

    private static Drawn bytes(SecureRandom random, int count) {
        byte[] bytes = new byte[count];
        random.nextBytes(bytes);
        return Drawn.of(bytes);
    }
}
