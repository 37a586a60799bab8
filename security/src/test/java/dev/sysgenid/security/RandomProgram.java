// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import java.nio.charset.StandardCharsets;
import java.security.DrbgParameters;
import java.security.SecureRandom;
import java.security.Security;
import java.util.UUID;

/** What {@link ProviderTest} starts in fresh JVMs: says which provider stands behind which way to get a SecureRandom. */
final class RandomProgram {
    private RandomProgram() {}

    /** Installs as the arguments say (install, insert, last), then prints everything, a line each. */
    public static void main(String[] arguments) throws Exception {
        for (String argument : arguments) {
            switch (argument) {
                case "install" -> SysGenIdProvider.install();
                case "insert" -> Security.insertProviderAt(new SysGenIdProvider(), 1);
                case "last" -> Security.addProvider(new SysGenIdProvider());
                default -> throw new IllegalArgumentException(argument);
            }
        }
        show("new", new SecureRandom());
        show("strong", SecureRandom.getInstanceStrong());
        for (String algorithm :
                new String[] {"SysGenID", "NativePRNG", "NativePRNGBlocking", "NativePRNGNonBlocking", "DRBG"}) {
            show(algorithm, SecureRandom.getInstance(algorithm));
        }
        show("SHA1PRNG", SecureRandom.getInstance("SHA1PRNG"));
        SecureRandom drbg = SecureRandom.getInstance(
                "DRBG",
                DrbgParameters.instantiation(
                        256, DrbgParameters.Capability.PR_AND_RESEED, "mine".getBytes(StandardCharsets.UTF_8)));
        show("DRBG(256)", drbg);
        byte[] bytes = new byte[300];
        drbg.nextBytes(bytes, DrbgParameters.nextBytes(256, true, new byte[100]));
        drbg.nextBytes(bytes, DrbgParameters.nextBytes(128, false, null));
        drbg.reseed();
        drbg.reseed(DrbgParameters.reseed(true, new byte[] {1}));
        drbg.setSeed(7);
        System.out.println("strength " + ((DrbgParameters.Instantiation) drbg.getParameters()).getStrength());
        System.out.println("seed " + drbg.generateSeed(20).length);
        long one = seeded().nextLong();
        long other = seeded().nextLong();
        System.out.println("seeded alike " + (one == other));
        UUID uuid = UUID.randomUUID();
        System.out.println("uuids alike " + UUID.randomUUID().equals(uuid));
        int installed = 0;
        for (var provider : Security.getProviders()) {
            if (provider.getName().equals("SysGenID")) {
                installed++;
            }
        }
        System.out.println("installed " + installed + " first " + Security.getProviders()[0].getName());
    }

    private static SecureRandom seeded() {
        return new SecureRandom(new byte[] {1, 2, 3});
    }

    private static void show(String how, SecureRandom random) {
        byte[] bytes = new byte[32];
        random.nextBytes(bytes);
        String safe = random.getProvider().getProperty("SecureRandom." + random.getAlgorithm() + " ThreadSafe");
        System.out.println(how + " " + random.getProvider().getName() + " " + random.getAlgorithm() + " " + safe);
    }
}
