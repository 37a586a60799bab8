// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Daemons that were killed and cannot end: the thread that stores into pages sleeps in the kernel, uninterruptibly, until a
 * page is unlocked, and that page waits for an answer which the dead daemon had taken the question of. Whoever takes over
 * answers it. What that thread still stores then is of the last generation that was noted, so until it has ended there may be
 * no newer one.
 *
 * <p>They hold their locks and descriptors until they end.
 */
final class Undead {
    /** The environment variable by which the keeper names them: process ids, separated by blanks. */
    static final String VARIABLE = "SYSGENID_UNDEAD";

    private final List<Path> processes = new ArrayList<>();

    /** Those that are named and are what they are said to be. */
    static Undead named(@Nullable String pids) {
        Undead undead = new Undead();
        if (pids != null) {
            for (String pid : pids.trim().split(" +", -1)) {
                if (pid.matches("[1-9][0-9]{0,9}")) {
                    undead.processes.add(Path.of("/proc", pid));
                }
            }
        }
        undead.processes.removeIf(process -> !isUndead(process));
        return undead;
    }

    /** Whether there is still one of them. */
    boolean areThere() {
        processes.removeIf(process -> !isUndead(process));
        return !processes.isEmpty();
    }

    /** Dead, with a thread that is not. */
    private static boolean isUndead(Path process) {
        try {
            String stat = Files.readString(process.resolve("stat"), java.nio.charset.StandardCharsets.ISO_8859_1);
            // Behind the command, which may hold anything: the state, and as the 20th field of all the number of
            // threads.
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
            return fields[0].equals("Z") && Integer.parseInt(fields[17]) > 1;
        } catch (IOException | RuntimeException e) {
            return false;
        }
    }
}
