// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.mends;

import dev.sysgenid.agent.Mend;
import java.util.List;

/** All mends, in the order in which they are prepared and renew: what others draw from comes first. */
public final class Mends {
    private Mends() {}

    /** All of them; the first two are at work already.
     *
     * @param provider the first
     * @param draws the second
     */
    public static List<Mend> all(Mend provider, Mend draws) {
        return List.of(
                provider,
                draws,
                new SelfSeededRandoms(),
                new ThreadLocalSalt(),
                new NativePrngBuffers(),
                new Sha1Seeder(),
                new DrbgSeeder(),
                new JcaRandom(),
                new UuidRandom(),
                new TempFileRandom(),
                new SunJceRandom(),
                new ThreadSeeds(),
                new ThreadFields(),
                new RandomSeeds(),
                new SplittableSeeds(),
                new GeneratorSeeds(),
                new MathRandom(),
                new ShuffleRandom(),
                new TlsContexts(),
                new WebSocketRandom(),
                new DigestRandom(),
                new DnsRandom(),
                new LdapRandom(),
                new KerberosRandom(),
                new UnixSocketRandom(),
                new RmiIds());
    }

    /** All of them, to be asked what they are. */
    public static List<Mend> all() {
        return all(new InstalledProvider(), new SecureRandomHook(false).mend());
    }

    /** The names of all, for people. */
    public static String names() {
        StringBuilder names = new StringBuilder();
        for (Mend each : all()) {
            names.append(names.length() == 0 ? "" : " ").append(each.name());
        }
        return names.toString();
    }

    /** What cannot be mended from outside, with the reason. */
    public static List<String> beyond() {
        return List.of(
                "live TLS connections: both ends hold keys and count records; only closing them helps",
                "pools, sessions and connections of the program, and what it has drawn already and keeps",
                "SplittableRandom and the other generators of java.util.random that the program holds: they cannot be"
                        + " found, and those with a seed from the program must go on; new ones differ",
                "generators to which the program gave a seed: Random, SHA1PRNG; the same numbers are their contract",
                "Random that was made before the agent was there",
                "identity hash codes and the order of Set.of and Map.of: no ids by contract, and tables rely on them",
                "generators in native libraries (OpenSSL) and in other processes",
                "leases of remote objects (the JVM's id in RMI's distributed garbage collection)",
                "the process id, counters, clocks");
    }
}
