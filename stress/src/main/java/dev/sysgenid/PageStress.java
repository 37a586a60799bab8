// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/**
 * A page that the daemon stores generations into, 1 and then 2, and that a client looks at. Reader and writer map the same
 * file twice, as two processes do.
 */
public final class PageStress {
    private static final VarHandle INT = MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.nativeOrder());

    /** Far more than jcstress has runs in memory at a time: two of them must never share a page. */
    private static final int PAGES = 1 << 21;

    /** Bytes for each; where they are does not matter. */
    private static final int ROOM = 16;

    /** One file for all, mapped twice. */
    private static final class File {
        private static final Path PATH = create();

        static final MappedByteBuffer WRITER = map(FileChannel.MapMode.READ_WRITE);
        static final MappedByteBuffer READER = map(FileChannel.MapMode.READ_ONLY);

        private static Path create() {
            try {
                Path path = Files.createTempFile("sysgenid-pages", null);
                path.toFile().deleteOnExit();
                try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
                    channel.write(ByteBuffer.allocate(1), (long) PAGES * ROOM - 1);
                }
                return path;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private static MappedByteBuffer map(FileChannel.MapMode mode) {
            try (FileChannel channel = FileChannel.open(PATH, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                return channel.map(mode, 0, (long) PAGES * ROOM);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private static final java.util.concurrent.atomic.AtomicInteger NEXT =
            new java.util.concurrent.atomic.AtomicInteger();

    private PageStress() {}

    /** A page for one run: cleared, at a place that no other run uses at the same time. */
    abstract static class OnePage {
        final ByteBuffer written;
        final ByteBuffer read;

        OnePage() {
            int at = (NEXT.getAndIncrement() & (PAGES - 1)) * ROOM;
            written = File.WRITER.slice(at, ROOM).order(ByteOrder.nativeOrder());
            read = File.READER.slice(at, ROOM).order(ByteOrder.nativeOrder());
            written.putInt(0, 0);
        }

        /** As the daemon does. */
        final void publish(int generation) {
            INT.setRelease(written, dev.sysgenid.abi.Page.GENERATION_OFFSET, generation);
        }
    }

    /** What a client on Java 17 does: an acquire load from a buffer. */
    @JCStressTest
    @Outcome(id = "0, 0", expect = Expect.ACCEPTABLE, desc = "looked before the bumps")
    @Outcome(
            id = {"0, 1", "0, 2", "1, 2"},
            expect = Expect.ACCEPTABLE,
            desc = "a bump between the looks")
    @Outcome(
            id = {"1, 1", "2, 2"},
            expect = Expect.ACCEPTABLE,
            desc = "looked after a bump")
    @Outcome(expect = Expect.FORBIDDEN, desc = "an older generation after a newer one")
    @State
    public static class ABufferNeverGoesBack extends OnePage {
        /** The daemon. */
        @Actor
        public void bumpTwice() {
            publish(1);
            publish(2);
        }

        /** A client. */
        @Actor
        public void lookTwice(II_Result looks) {
            looks.r1 = (int) INT.getAcquire(read, dev.sysgenid.abi.Page.GENERATION_OFFSET);
            looks.r2 = (int) INT.getAcquire(read, dev.sysgenid.abi.Page.GENERATION_OFFSET);
        }
    }

    /** What a client on Java 22 and later does: an acquire load from a segment, as the client's jar has it for them. */
    @JCStressTest
    @Outcome(id = "0, 0", expect = Expect.ACCEPTABLE, desc = "looked before the bumps")
    @Outcome(
            id = {"0, 1", "0, 2", "1, 2"},
            expect = Expect.ACCEPTABLE,
            desc = "a bump between the looks")
    @Outcome(
            id = {"1, 1", "2, 2"},
            expect = Expect.ACCEPTABLE,
            desc = "looked after a bump")
    @Outcome(expect = Expect.FORBIDDEN, desc = "an older generation after a newer one")
    @State
    public static class ASegmentNeverGoesBack extends OnePage {
        private final Page page = MappedPage.of(read);

        /** The daemon. */
        @Actor
        public void bumpTwice() {
            publish(1);
            publish(2);
        }

        /** A client. */
        @Actor
        public void lookTwice(II_Result looks) {
            looks.r1 = page.load();
            looks.r2 = page.load();
        }
    }

    /** Who sees the new generation sees all that was so before the bump. */
    @JCStressTest
    @Outcome(id = "true, true", expect = Expect.ACCEPTABLE, desc = "the bump, and what was before it")
    @Outcome(
            id = {"false, false", "false, true"},
            expect = Expect.ACCEPTABLE,
            desc = "looked before the bump")
    @Outcome(expect = Expect.FORBIDDEN, desc = "the bump, and not what was before it")
    @State
    public static class WhatWasBeforeTheBumpIsSeenWithIt extends OnePage {
        private final Page page = MappedPage.of(read);
        private boolean restored;

        /** The daemon, after a restore. */
        @Actor
        public void restoreThenBump() {
            restored = true;
            publish(1);
        }

        /** A client. */
        @Actor
        public void look(ZZ_Result seen) {
            seen.r1 = page.load() == 1;
            seen.r2 = restored;
        }
    }
}
