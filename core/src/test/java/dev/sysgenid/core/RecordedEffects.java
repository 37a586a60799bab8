// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.core;

import java.util.ArrayList;
import java.util.List;

/** Effects that are written down, one line each, in order; the bumps themselves apart from the others. */
final class RecordedEffects implements Effects {
    private final List<String> lines = new ArrayList<>();
    private final List<Integer> generations = new ArrayList<>();

    static String read(long request, int generation) {
        return "read " + request + " gets " + Integer.toUnsignedString(generation);
    }

    static String failed(long request, int errno) {
        return "read " + request + " fails with " + errno;
    }

    static String waited(long request, int errnoOrZero) {
        return "wait " + request + " ends with " + errnoOrZero;
    }

    static String woken(long watcher) {
        return "wake " + watcher;
    }

    /** What happened since this was asked last. */
    List<String> taken() {
        List<String> taken = List.copyOf(lines);
        lines.clear();
        return taken;
    }

    /** The generation of each bump so far, in order. */
    List<Integer> generations() {
        return generations;
    }

    @Override
    public void bumped(int generation) {
        generations.add(generation);
    }

    @Override
    public void readCompleted(long request, int generation) {
        lines.add(read(request, generation));
    }

    @Override
    public void readFailed(long request, int errno) {
        lines.add(failed(request, errno));
    }

    @Override
    public void waitCompleted(long request, int errnoOrZero) {
        lines.add(waited(request, errnoOrZero));
    }

    @Override
    public void wake(Watcher watcher) {
        lines.add(woken(watcher.id()));
    }
}
