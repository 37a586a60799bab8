// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.fuse;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** Messages that no kernel sends: random ones, and golden ones of which something is spoilt. The same for a seed. */
final class Mutations {
    private static final int LONGEST = 512;
    /** Numbers at which arithmetic goes wrong. */
    private static final long[] CRITICAL = {
        0,
        1,
        7,
        8,
        39,
        40,
        41,
        4096,
        0x7fff,
        0x8000,
        0xffff,
        0x1_0000,
        0x7fff_ffff,
        0x8000_0000L,
        0xffff_fff0L,
        0xffff_ffffL,
        0x1_0000_0000L,
        Long.MAX_VALUE,
        Long.MIN_VALUE,
        -16,
        -1
    };

    private final List<byte[]> goldens =
            Messages.all().stream().map(Messages.Golden::bytes).toList();
    private final SplittableRandom random;

    Mutations(long seed) {
        random = new SplittableRandom(seed);
    }

    /** The next message; of one byte at least, as a message of none is the end of a socket. */
    byte[] next() {
        byte[] message = switch (random.nextInt(8)) {
            case 0 -> noise();
            case 1 -> noiseBehindAHeader();
            default -> goldens.get(random.nextInt(goldens.size())).clone();
        };
        int changes = random.nextInt(5);
        for (int i = 0; i < changes; i++) {
            message = change(message);
        }
        if (random.nextInt(4) != 0 && message.length >= 4) {
            // The one lie that hides all others is not always told.
            Bytes.view(message).putInt(0, message.length);
        }
        return message;
    }

    private byte[] noise() {
        byte[] message = new byte[1 + random.nextInt(LONGEST)];
        random.nextBytes(message);
        return message;
    }

    /** Random bytes that say what they are, so that they come far. */
    private byte[] noiseBehindAHeader() {
        byte[] message = new byte[40 + random.nextInt(LONGEST)];
        random.nextBytes(message);
        Bytes.view(message).putInt(4, random.nextInt(55)).putShort(36, (short) random.nextInt(3));
        return message;
    }

    private byte[] change(byte[] message) {
        ByteBuffer view = Bytes.view(message);
        switch (random.nextInt(9)) {
            case 0 -> message[random.nextInt(message.length)] ^= (byte) (1 << random.nextInt(8));
            case 1 -> message[random.nextInt(message.length)] = (byte) random.nextInt();
            case 2 -> {
                return Arrays.copyOf(message, 1 + random.nextInt(message.length));
            }
            case 3 -> {
                return Arrays.copyOf(message, message.length + random.nextInt(64));
            }
            case 4 -> {
                if (message.length >= 40) {
                    view.putShort(36, (short) critical());
                }
            }
            case 5 -> {
                if (message.length >= 8) {
                    view.putInt(4, random.nextInt(60));
                }
            }
            case 6 -> {
                if (message.length >= 4) {
                    view.putInt(message.length < 44 ? 0 : 4 * random.nextInt(message.length / 4), (int) critical());
                }
            }
            case 7 -> {
                if (message.length >= 8) {
                    view.putLong(8 * random.nextInt(message.length / 8), critical());
                }
            }
            default -> {
                // The head of one message, the tail of another.
                byte[] other = goldens.get(random.nextInt(goldens.size()));
                int cut = random.nextInt(Math.min(message.length, other.length));
                byte[] crossed = other.clone();
                System.arraycopy(message, 0, crossed, 0, cut);
                return crossed;
            }
        }
        return message;
    }

    private long critical() {
        return CRITICAL[random.nextInt(CRITICAL.length)] + random.nextInt(3) - 1;
    }
}
