// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.app;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;

/** What the application draws for one request: a line for each way, its name, a tab, and the value. */
final class Draws {
    private static final SecureRandom DRBG = drbg();
    private static final Random RANDOM = new Random();

    private Draws() {}

    private static SecureRandom drbg() {
        try {
            return SecureRandom.getInstance("DRBG");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * Draws.
     *
     * @param session the id of a new session, which the container has drawn
     */
    static String draw(String session) throws IOException {
        Path file = Files.createTempFile("", "");
        Files.delete(file);
        return line("session", session)
                + line("UUID.randomUUID", UUID.randomUUID().toString())
                + line("createTempFile", file.getFileName().toString())
                + line("ThreadLocalRandom", hex(ThreadLocalRandom.current().nextLong()))
                + line("Math.random", Double.toString(Math.random()))
                + line("Random", hex(RANDOM.nextLong()))
                + line("SecureRandom", hex(new SecureRandom().nextLong()))
                + line("DRBG", hex(DRBG.nextLong()));
    }

    private static String line(String name, String value) {
        return name + '\t' + value + '\n';
    }

    private static String hex(long bits) {
        return Long.toHexString(bits);
    }
}
