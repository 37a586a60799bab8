// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon.source;

import java.util.ArrayList;
import java.util.List;

/** A listener that writes down what it is told. */
final class Told implements Source.Listener {
    final List<String> lines = new ArrayList<>();
    final List<Source.Restore> restores = new ArrayList<>();

    /** What it was told since the last time. */
    List<String> by(Source source) {
        lines.clear();
        source.look(this);
        return List.copyOf(lines);
    }

    @Override
    public void restored(Source.Restore restore) {
        restores.add(restore);
        lines.add("restored " + restore.sign() + ": " + restore.detail());
    }

    @Override
    public void disrupted(String what) {
        lines.add("disrupted: " + what);
    }

    @Override
    public void lost(String why) {
        lines.add("lost: " + why);
    }

    @Override
    public void found() {
        lines.add("found");
    }
}
