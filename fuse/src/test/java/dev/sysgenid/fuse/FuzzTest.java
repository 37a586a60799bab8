// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.fuse.Session.Outcome;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Hundreds of thousands of messages that make no sense, or nearly do. The same ones at each run. */
class FuzzTest {
    private static final int MESSAGES = 250_000;

    /**
     * Any bytes are a request. Nothing beyond them is looked at: each message stands in memory that ends where it ends, so
     * that a look beyond is an exception.
     */
    @ParameterizedTest
    @ValueSource(longs = {1, 2})
    void anyBytesAreARequest(long seed) {
        Mutations mutations = new Mutations(seed);
        Map<Class<?>, Integer> kinds = new HashMap<>();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(4096, 8);
            for (int i = 0; i < MESSAGES; i++) {
                byte[] message = mutations.next();
                MemorySegment exact = memory.asSlice(0, message.length);
                exact.copyFrom(MemorySegment.ofArray(message));
                Request request;
                try {
                    request = RequestReader.read(exact, message.length);
                } catch (RuntimeException e) {
                    throw new AssertionError("message " + i + " of seed " + seed + ": " + Bytes.show(message), e);
                }
                if (!holds(message, request) || exact.mismatch(MemorySegment.ofArray(message)) != -1) {
                    throw new AssertionError(
                            "message " + i + " of seed " + seed + " became " + request + ": " + Bytes.show(message));
                }
                kinds.merge(request.getClass(), 1, Integer::sum);
            }
        }
        // The mutations are worth nothing when all of them end at the first check.
        assertThat(kinds).containsOnlyKeys(Request.class.getPermittedSubclasses());
        assertThat(kinds.values()).allSatisfy(count -> assertThat(count).isGreaterThan(MESSAGES / 1000));
    }

    /** What is so of any request, whatever the bytes. Not by AssertJ, which is slow a million times over. */
    static boolean holds(byte[] message, Request request) {
        if (message.length < 40) {
            return request instanceof Request.Malformed;
        }
        ByteBuffer bytes = Bytes.view(message);
        if (request.header().opcode() != bytes.getInt(4)
                || request.unique() != bytes.getLong(8)
                || request.node() != bytes.getLong(16)) {
            return false;
        }
        return switch (request) {
            case Request.Malformed _ -> true;
            case Request _ when bytes.getInt(0) != message.length || request.unique() == 0 -> false;
            case Request.Write write -> write.data().length <= message.length - 80;
            case Request.BatchForget batch ->
                batch.nodes().length == batch.lookups().length && batch.nodes().length * 16 <= message.length - 48;
            case Request.Lookup lookup ->
                !lookup.name().isEmpty() && lookup.name().length() <= message.length - 41;
            case Request.MakeDirectory make ->
                !make.name().isEmpty() && make.name().length() <= message.length - 49;
            case Request.RemoveDirectory remove ->
                !remove.name().isEmpty() && remove.name().length() <= message.length - 41;
            default -> true;
        };
    }

    /**
     * Each message that waits for an answer gets one and only one, well-formed; the others get none; and afterwards a
     * message that makes sense is served as ever. Every now and then requests are put off, or the file system throws.
     */
    @ParameterizedTest
    @ValueSource(longs = {3, 4})
    void theSessionGoesOn(long seed) throws Exception {
        Mutations mutations = new Mutations(seed);
        SplittableRandom random = new SplittableRandom(seed);
        try (FakeKernel kernel = new FakeKernel()) {
            Session session = new Session(kernel.connection, true);
            AnsweringFileSystem files = new AnsweringFileSystem(kernel.connection);
            kernel.give(Messages.INIT);
            session.serveOne();
            assertThat(kernel.takeOrNothing()).hasSize(80);
            session.start(files);

            List<Long> waiting = new ArrayList<>();
            for (int i = 0; i < MESSAGES; i++) {
                byte[] message = mutations.next();
                files.defect = random.nextInt(100) == 0 ? new IllegalStateException("a defect") : null;
                kernel.give(message);
                if (waitsForAnAnswer(message)) {
                    waiting.add(Bytes.view(message).getLong(8));
                }
                boolean putOff = random.nextInt(10) == 0;
                Outcome outcome = putOff ? session.serveOnly(_ -> random.nextBoolean()) : session.serveOne();
                if (outcome != Outcome.SERVED) {
                    throw new AssertionError(outcome + " at message " + i + ": " + Bytes.show(message));
                }
                while (!putOff && session.hasDeferred()) {
                    session.serveOne();
                }
                if (!putOff) {
                    // One message may still be in the socket: what was put off came before it.
                    while (session.serveOne() == Outcome.SERVED) {}
                    expectAnswers(kernel, waiting, i);
                }
                if (i % 1000 == 0) {
                    files.defect = null;
                    while (session.serveOne() == Outcome.SERVED) {}
                    expectAnswers(kernel, waiting, i);
                    files.asked.clear();
                    files.failed.clear();
                    files.malformed.clear();
                    kernel.give(Messages.numbered(Messages.GETATTR, i + 1));
                    assertThat(session.serveOne()).isEqualTo(Outcome.SERVED);
                    byte[] reply = kernel.takeOrNothing();
                    assertThat(reply).hasSize(120);
                    assertThat(Bytes.view(reply).getLong(8)).isEqualTo(i + 1);
                    kernel.expectNothing();
                    assertThat(files.asked).hasSize(1);
                }
            }
            assertThat(kernel.log).isEmpty();
            assertThat(session.initialized()).isTrue();
            assertThat(session.passthrough()).isTrue();
            assertThat(session.sharedMappings()).isTrue();
        }
    }

    /** Judged by the bytes alone: it has a number, and is not one of those to which the kernel wants no answer. */
    static boolean waitsForAnAnswer(byte[] message) {
        return message.length >= 40
                && Bytes.view(message).getLong(8) != 0
                && !SessionTest.UNANSWERED.contains(Bytes.view(message).getInt(4));
    }

    /** Fails unless it is a reply: as long as it says, and an error that the kernel takes, with nothing behind it. */
    static void requireReply(byte[] reply) {
        int error = reply.length < 16 ? 1 : Bytes.view(reply).getInt(4);
        if (error > 0
                || error < -511
                || Bytes.view(reply).getInt(0) != reply.length
                || (error < 0 && reply.length != 16)) {
            throw new AssertionError("not a reply: " + Bytes.show(reply));
        }
    }

    private static void expectAnswers(FakeKernel kernel, List<Long> waiting, int message) {
        List<Long> answered = new ArrayList<>();
        for (byte[] reply = kernel.takeOrNothing(); reply.length > 0; reply = kernel.takeOrNothing()) {
            requireReply(reply);
            answered.add(Bytes.view(reply).getLong(8));
        }
        if (!answered.equals(waiting)) {
            // Urgent ones overtake.
            assertThat(answered).as("answers up to message %d", message).containsExactlyInAnyOrderElementsOf(waiting);
        }
        waiting.clear();
    }
}
