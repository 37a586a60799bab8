// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.fuse;

import dev.sysgenid.linux.SystemCallException;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What a fuzzer calls: its bytes are messages on {@code /dev/fuse}, one after the other, to one {@link Session}. No class
 * of a fuzzer is needed, so the same inputs are run by a plain test, see {@link WireFuzzTest}.
 *
 * <p>An input is a list of messages: a byte that says how to serve ({@link #PUT_OFF}, {@link #DEFECT}), two bytes of
 * length, the message.
 */
public final class WireFuzz {
    /** This message may be put off. */
    static final int PUT_OFF = 1;

    /** The file system throws at this one. */
    static final int DEFECT = 2;

    private static final int MOST_MESSAGES = 64;

    /** One for all inputs: its buffers are large. */
    private static final class Kernel {
        static final FakeKernel IT = make();

        private static FakeKernel make() {
            try {
                return new FakeKernel();
            } catch (SystemCallException e) {
                throw new AssertionError(e);
            }
        }
    }

    private WireFuzz() {}

    /** Writes inputs to begin with into a directory: each message that makes sense, alone, and all of them in a row. */
    public static void main(String[] arguments) throws Exception {
        Path directory = Path.of(arguments[0]);
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        int number = 0;
        for (Messages.Golden golden : Messages.all()) {
            byte[] message = golden.bytes();
            byte[] input = new byte[3 + message.length];
            Bytes.view(input).put((byte) 0).putShort((short) message.length).put(message);
            Files.write(directory.resolve("golden-" + number++), input);
            all.writeBytes(input);
        }
        Files.write(directory.resolve("goldens"), all.toByteArray());
    }

    /** Throws when a message is not decoded, or not answered as often as it must be. A name that the fuzzer looks for. */
    public static void fuzzerTestOneInput(byte[] data) throws Exception {
        ByteBuffer input = Bytes.view(data);
        FakeKernel kernel = Kernel.IT;
        try (Arena arena = Arena.ofConfined()) {
            Session session = new Session(kernel.connection, true);
            AnsweringFileSystem files = new AnsweringFileSystem(kernel.connection);
            kernel.give(Messages.INIT);
            session.serveOne();
            require(kernel.takeOrNothing().length == 80, "the handshake");
            session.start(files);
            List<Long> waiting = new ArrayList<>();
            for (int i = 0; i < MOST_MESSAGES && input.remaining() > 3; i++) {
                int how = input.get();
                byte[] message = new byte[Math.min(Short.toUnsignedInt(input.getShort()), input.remaining())];
                if (message.length == 0) {
                    continue; // the end of a socket, not a message
                }
                input.get(message);
                decode(arena, message);
                files.defect = (how & DEFECT) != 0 ? new IllegalStateException("a defect") : null;
                kernel.give(message);
                if (waitsForAnAnswer(message)) {
                    waiting.add(Bytes.view(message).getLong(8));
                }
                Session.Outcome outcome =
                        (how & PUT_OFF) != 0 ? session.serveOnly(_ -> (how & 4) != 0) : session.serveOne();
                require(outcome == Session.Outcome.SERVED, outcome);
            }
            files.defect = null;
            while (session.serveOne() == Session.Outcome.SERVED) {}
            expectAnswers(kernel, waiting);
            // And a message that makes sense is served as ever.
            kernel.give(Messages.numbered(Messages.GETATTR, 77));
            require(session.serveOne() == Session.Outcome.SERVED, "the session goes on");
            byte[] reply = kernel.takeOrNothing();
            require(reply.length == 120 && Bytes.view(reply).getLong(8) == 77, "the last answer");
            require(kernel.takeOrNothing().length == 0, "no more answers");
            require(kernel.log.isEmpty(), kernel.log);
            require(session.initialized() && session.passthrough(), "what was agreed stays agreed");
        }
    }

    /** In memory that ends where the message ends: a look beyond is an exception. */
    private static void decode(Arena arena, byte[] message) {
        MemorySegment exact = arena.allocate(message.length, 8).copyFrom(MemorySegment.ofArray(message));
        Request request = RequestReader.read(exact, message.length);
        require(FuzzTest.holds(message, request), request);
    }

    private static boolean waitsForAnAnswer(byte[] message) {
        return FuzzTest.waitsForAnAnswer(message);
    }

    private static void expectAnswers(FakeKernel kernel, List<Long> waiting) {
        List<Long> answered = new ArrayList<>();
        for (byte[] reply = kernel.takeOrNothing(); reply.length > 0; reply = kernel.takeOrNothing()) {
            FuzzTest.requireReply(reply);
            answered.add(Bytes.view(reply).getLong(8));
        }
        // Urgent ones overtake.
        Object[] expected = waiting.stream().sorted().toArray();
        Object[] actual = answered.stream().sorted().toArray();
        require(Arrays.equals(expected, actual), "answers " + answered + ", expected " + waiting);
    }

    private static void require(boolean holds, Object what) {
        if (!holds) {
            throw new AssertionError(String.valueOf(what));
        }
    }
}
