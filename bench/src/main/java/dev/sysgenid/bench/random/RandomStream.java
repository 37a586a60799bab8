// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.bench.random;

import dev.sysgenid.security.SysGenIdProvider;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.security.SecureRandom;

/**
 * Our random bytes on standard output, for statistical tests of others to read: in draws of 1 to 4,096 bytes, so that all
 * ways through the generator are in the stream. Ends when the reader has had enough.
 */
public final class RandomStream {
    private static final int MAX = 4_096;

    private RandomStream() {}

    /** The argument, if any, is how many bytes to write. */
    public static void main(String[] arguments) {
        long left = arguments.length > 0 ? Long.parseLong(arguments[0]) : Long.MAX_VALUE;
        SecureRandom random = SysGenIdProvider.secureRandom();
        OutputStream out =
                new FileOutputStream(FileDescriptor.out); // a PrintStream would hide that the reader has gone
        try {
            for (int size = 1; left > 0; size = size % MAX + 1) {
                byte[] bytes = new byte[(int) Math.min(size, left)];
                random.nextBytes(bytes);
                out.write(bytes);
                left -= bytes.length;
            }
            out.flush();
        } catch (IOException e) {
            return; // the reader has gone
        }
    }
}
