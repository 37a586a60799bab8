// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import org.jspecify.annotations.Nullable;

/** A mend in this program, and how it fares. Guarded by the agent's lock. */
final class Part {
    enum State {
        /** Not looked at yet. */
        NEW,
        /** Renews at each change. */
        READY,
        /** That part of the JDK is not here. */
        ABSENT,
        /** This JDK is not what the mend knows. */
        SKIPPED,
        /** The user did not want it. */
        UNWANTED,
        /** It renewed once, and failed at the last change. */
        FAILED
    }

    final Mend mend;
    State state = State.NEW;
    /** Why it is absent, skipped or failed. */
    @Nullable
    String why;
    /** How many things it renewed at the last change. */
    int renewed;

    long nanos;

    Part(Mend mend) {
        this.mend = mend;
    }

    /** Looks whether it suits this JDK. */
    void prepare(Jdk jdk) {
        if (state != State.NEW) {
            return;
        }
        try {
            mend.prepare(jdk);
            state = State.READY;
        } catch (Unsuitable e) {
            state = e.isAbsent() ? State.ABSENT : State.SKIPPED;
            why = e.getMessage();
        } catch (Throwable e) {
            state = State.SKIPPED;
            why = e.toString();
        }
    }

    void install() {
        if (state != State.READY) {
            return;
        }
        try {
            mend.install();
        } catch (Throwable e) {
            state = State.SKIPPED;
            why = e.toString();
        }
    }

    /** Returns whether it did, or has nothing to do. */
    boolean renew() {
        if (state != State.READY && state != State.FAILED) {
            return true;
        }
        long start = System.nanoTime();
        try {
            renewed = mend.renew();
            state = State.READY;
            why = null;
        } catch (Throwable e) {
            renewed = 0;
            state = State.FAILED;
            why = e.toString();
        }
        nanos = System.nanoTime() - start;
        return state == State.READY;
    }
}
