// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Mman;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * A file in memory whose records are whole whenever the process that writes them is killed: between any two stores, the
 * next process finds each record either as it was or as it was to be.
 *
 * <p>A record is {@link #WORDS} words of 64 bits and one more that checks them. It is never written alone: first an
 * <em>intent</em> holds all of it, together with the request that it is for; then it is copied to its place; when the
 * request has been answered, the intent is {@linkplain #settle settled}. So of a killed process
 *
 * <pre>
 *   the intent is     the request              its effect on the records
 *   not whole         was not begun            none
 *   whole             may be answered          {@link #redo} makes it, once more if need be
 *   settled           is answered              is there
 * </pre>
 *
 * <p>All stores are release stores: no later one is seen without the earlier ones, and none is left to a compiler's taste.
 *
 * <p>Belongs to one thread.
 */
class Records implements AutoCloseable {
    /** The words of a record that are its user's. */
    static final int WORDS = 11;

    /** From one record to the next, in bytes. */
    static final int STRIDE = (WORDS + 1) * Long.BYTES;

    private static final int CHUNK = 64 * 1024;
    private static final VarHandle WORD = ValueLayout.JAVA_LONG.varHandle();

    private static final long SALT = 0x5953_4745_4e49_4431L;
    private static final long ODD = 0x9e37_79b9_7f4a_7c15L;

    /** {@code { u64 check, kind, unique, at; u64 image[11]; }} */
    private static final int INTENT_KIND = 8;

    private static final int INTENT_UNIQUE = 16;
    private static final int INTENT_AT = 24;
    private static final int INTENT_IMAGE = 32;
    /** The room of an intent, in bytes. */
    static final int INTENT_SIZE = INTENT_IMAGE + WORDS * Long.BYTES;

    private final int file;
    private final MemorySegment memory;
    private final long intent;
    /** How many bytes of the file have memory behind them: a store beyond would be the end of this process. */
    private long size;

    /**
     * What was to be done.
     *
     * @param kind its user's number for it
     * @param unique the request that it is for, or 0
     * @param at where the record is
     */
    record Intent(int kind, long unique, long at) {}

    /**
     * Maps a file.
     *
     * @param file an open file; this closes it
     * @param capacity how long it may become, in bytes
     * @param intent where in it the intent is
     */
    Records(int file, long capacity, long intent) throws SystemCallException {
        this.file = file;
        this.intent = intent;
        size = dev.sysgenid.linux.Stat.of(file).size() / CHUNK * CHUNK;
        memory = Mman.mmap(capacity, Mman.PROT_READ | Mman.PROT_WRITE, Mman.MAP_SHARED, file, 0);
    }

    /** How long the file is, in bytes. */
    long size() {
        return size;
    }

    /** Makes the file at least {@code wanted} bytes long; what is new is 0. */
    void grow(long wanted) throws SystemCallException {
        if (wanted <= size) {
            return;
        }
        if (wanted > memory.byteSize()) {
            throw new SystemCallException(Errno.ENOSPC, "write", "the state file, which is full");
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment zeros = arena.allocate(CHUNK, 8);
            while (size < wanted) {
                // Written and not only made longer: memory that is not there is to be missed here and now.
                long written = Unistd.pwrite(file, zeros, CHUNK, size);
                if (written != CHUNK) {
                    throw new SystemCallException(
                            written < 0 ? (int) -written : Errno.ENOSPC, "write", "the state file");
                }
                size += CHUNK;
            }
        }
    }

    /** Forgets everything. */
    void clear() throws SystemCallException {
        SystemCallException.check(Unistd.ftruncate(file, 0), "ftruncate", "the state file");
        size = 0;
    }

    long word(long at) {
        return (long) WORD.getAcquire(memory, at);
    }

    /** One store, which is there or is not. */
    void setWord(long at, long value) {
        WORD.setRelease(memory, at, value);
    }

    /**
     * What {@link #count} stored.
     *
     * @param otherwise the least that is returned for one that is whole
     * @return -1 when it is damaged
     */
    long counter(long at, long otherwise) {
        long value = word(at);
        long inverted = ~word(at + 8);
        // Killed between the two stores of one step, it may be one ahead.
        return value == inverted || value == inverted + 1 ? Math.max(value, otherwise) : -1;
    }

    /** Stores a number that grows by steps of one, twice, the second time inverted. */
    void count(long at, long value) {
        setWord(at, value);
        setWord(at + 8, ~value);
    }

    /** Reads a record. Returns whether it is whole. */
    boolean read(long at, long[] image) {
        for (int i = 0; i < WORDS; i++) {
            image[i] = word(at + (long) i * Long.BYTES);
        }
        return word(at + (long) WORDS * Long.BYTES) == check(at, 0, 0, image);
    }

    /** Writes a record, as the consequence of a request that is not answered before this returns. */
    void write(int kind, long unique, long at, long[] image) {
        settle();
        setWord(intent + INTENT_KIND, kind);
        setWord(intent + INTENT_UNIQUE, unique);
        setWord(intent + INTENT_AT, at);
        for (int i = 0; i < WORDS; i++) {
            setWord(intent + INTENT_IMAGE + (long) i * Long.BYTES, image[i]);
        }
        setWord(intent, check(at, kind, unique, image));
        put(at, image);
    }

    /** Writes a record of which nobody knows before another one is written: it may be left half written, and unused. */
    void writeUnseen(long at, long[] image) {
        put(at, image);
    }

    /** The request of the last {@link #write} has been answered. */
    void settle() {
        setWord(intent, 0);
    }

    /** Writes what the intent says, if there is one that is whole. It is still to be settled. */
    @Nullable
    Intent redo() {
        long[] image = new long[WORDS];
        for (int i = 0; i < WORDS; i++) {
            image[i] = word(intent + INTENT_IMAGE + (long) i * Long.BYTES);
        }
        long kind = word(intent + INTENT_KIND);
        Intent found = new Intent((int) kind, word(intent + INTENT_UNIQUE), word(intent + INTENT_AT));
        if (word(intent) != check(found.at, kind, found.unique, image)
                || found.at < intent - STRIDE
                || found.at > size - STRIDE) {
            return null;
        }
        put(found.at, image);
        return found;
    }

    private void put(long at, long[] image) {
        for (int i = 0; i < WORDS; i++) {
            setWord(at + (long) i * Long.BYTES, image[i]);
        }
        setWord(at + (long) WORDS * Long.BYTES, check(at, 0, 0, image));
    }

    /** Against accidents, not against forgers: who can write here is the daemon's own user. Never 0. */
    private static long check(long at, long kind, long unique, long[] image) {
        long sum = mix(mix(mix(SALT, at), kind), unique);
        for (int i = 0; i < WORDS; i++) {
            sum = mix(sum, image[i]);
        }
        return sum == 0 ? 1 : sum;
    }

    private static long mix(long sum, long word) {
        long mixed = (sum ^ word) * ODD;
        return mixed ^ mixed >>> 29;
    }

    @Override
    public void close() {
        Mman.munmap(memory);
        Unistd.close(file);
    }
}
