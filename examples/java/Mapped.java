// SPDX-License-Identifier: Apache-2.0

import dev.sysgenid.Guarded;
import dev.sysgenid.PerGeneration;
import dev.sysgenid.SysGenId;
import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Mapped polling: a cached secret that is checked with one load of ordinary memory at every use.
 *
 * <p>{@code java -Dsysgenid.path=DEVICE --class-path JARS Mapped.java}
 *
 * <p>For each line on standard input it prints the secret. Such a program needs no wake-up, acknowledges nothing, and
 * nobody waits for it.
 */
public final class Mapped {
    private static final SysGenId ID = SysGenId.open();

    /** A secret that no clone of this system holds: drawn wholly inside the present generation. */
    private static final PerGeneration<Long> SECRET = ID.perGeneration(Mapped::draw);

    private Mapped() {}

    /** From the kernel, unbuffered: a generator inside the JVM may have been copied with the snapshot. */
    private static long draw() {
        try (InputStream random = new FileInputStream("/dev/urandom")) {
            return ByteBuffer.wrap(random.readNBytes(Long.BYTES)).getLong();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static void main(String[] arguments) throws IOException {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        while (input.readLine() != null) {
            // What leaves the program under this secret is safe only if nothing changed until it had left. Where that
            // matters the whole transaction is guarded: checked, done, checked again.
            Guarded<Long> sent = ID.guarded(SECRET::get);
            System.out.printf("secret %016x%n", sent.uncheckedValue());
            if (!sent.held()) {
                System.out.println("not to be relied on: " + sent);
            }
        }
    }
}
