// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import java.io.EOFException;
import java.io.FileInputStream;
import java.io.IOException;
import java.security.ProviderException;
import org.jspecify.annotations.Nullable;

/**
 * The kernel's random number generator, read through {@code /dev/urandom}: it is reseeded before a new generation is
 * published, so what it gives is not what it gives in another clone.
 *
 * <p>A plain stream on purpose: of all ways to the kernel it is the one that costs a starting JVM the least, and unlike a
 * channel it does not fail in interrupted threads. One descriptor is kept open, so that a later chroot or a full
 * descriptor table does no harm; a descriptor that was lost (closed by others, gone after a restore) is opened anew.
 */
final class Kernel implements Entropy {
    private static final String DEVICE = "/dev/urandom";

    /** Null: not open. Exchanged under the monitor. */
    private volatile @Nullable FileInputStream stream;

    @Override
    public void read(byte[] out, int offset, int length) {
        FileInputStream shared = null;
        try {
            shared = opened();
            fill(shared, out, offset, length);
        } catch (IOException first) {
            drop(shared);
            readApart(first, out, offset, length);
        }
    }

    /** From a stream that no other thread can close. */
    private static void readApart(IOException first, byte[] out, int offset, int length) {
        try (FileInputStream own = new FileInputStream(DEVICE)) {
            fill(own, out, offset, length);
        } catch (IOException again) {
            again.addSuppressed(first);
            throw Unreadable.because(again);
        }
    }

    /** In a class of its own: to verify the code, the JVM loads the exceptions that it makes, and the first bytes wait for that. */
    private static final class Unreadable {
        static RuntimeException because(IOException cause) {
            return new ProviderException("cannot read " + DEVICE + "; is it there and readable?", cause);
        }
    }

    private static void fill(FileInputStream from, byte[] out, int offset, int length) throws IOException {
        int done = 0;
        while (done < length) {
            int count = from.read(out, offset + done, length - done);
            if (count <= 0) {
                throw new EOFException(DEVICE + " ended");
            }
            done += count;
        }
    }

    private FileInputStream opened() throws IOException {
        FileInputStream open = stream;
        return open != null ? open : open();
    }

    private synchronized FileInputStream open() throws IOException {
        FileInputStream open = stream;
        if (open == null) {
            open = new FileInputStream(DEVICE);
            stream = open;
        }
        return open;
    }

    /** Closes a stream that failed, unless another one has taken its place. */
    @SuppressWarnings("ReferenceEquality") // this very one
    private synchronized void drop(@Nullable FileInputStream failed) {
        if (stream == failed) {
            close();
        }
    }

    @Override
    public synchronized void close() {
        FileInputStream open = stream;
        stream = null;
        if (open != null) {
            try {
                open.close();
            } catch (IOException e) {
                // A descriptor that is read only has nothing to lose at close.
            }
        }
    }
}
