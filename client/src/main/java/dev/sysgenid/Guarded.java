// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

/**
 * What came of a guarded action. See {@link SysGenId#guarded(int, GuardedAction)}.
 *
 * @param <T> what the action makes
 */
public final class Guarded<T> {
    /** How the last run of the action lay to the generations. */
    public enum Outcome {
        /** It began and ended in the same generation. */
        HELD,
        /** The generation changed during it, as during each run before. What it made may exist in clones too. */
        CHANGED,
        /** Nobody can tell: the generation is unknown, as the daemon is gone. What it made may exist in clones too. */
        UNKNOWN
    }

    private final T value;
    private final Outcome outcome;
    private final int attempts;

    Guarded(T value, Outcome outcome, int attempts) {
        this.value = value;
        this.outcome = outcome;
        this.attempts = attempts;
    }

    /** {@return how it went} */
    public Outcome outcome() {
        return outcome;
    }

    /** {@return whether the last run lay wholly inside one generation} */
    public boolean held() {
        return outcome == Outcome.HELD;
    }

    /** {@return how many times the action was run, at least once} */
    public int attempts() {
        return attempts;
    }

    /**
     * {@return what the last run returned}
     *
     * @throws GenerationException when that did not lie wholly inside one generation
     */
    public T value() {
        if (outcome != Outcome.HELD) {
            throw new GenerationException(
                    outcome == Outcome.UNKNOWN
                            ? "The generation is unknown: the daemon is gone"
                            : "The generation changed during each of " + attempts + " runs");
        }
        return value;
    }

    /** {@return what the last run returned, however it went: to be undone, closed or reported} */
    public T uncheckedValue() {
        return value;
    }

    @Override
    public String toString() {
        return outcome + " after " + attempts + (attempts == 1 ? " run" : " runs");
    }
}
