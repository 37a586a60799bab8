// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.linux.Stat;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Daemons that were killed and cannot end: the thread that stores into pages sleeps in the kernel, uninterruptibly, until a
 * page is unlocked, and that page waits for an answer which the dead daemon had taken the question of. Whoever takes over
 * answers it. What that thread still stores then is of the last generation that was noted, so until it has ended there may be
 * no newer one.
 *
 * <p>They hold their locks and descriptors until they end, and are found by that: every daemon has a shared lock on its state.
 */
final class Undead {
    private static final Path LOCKS = Path.of("/proc/locks");

    private final List<Path> processes = new ArrayList<>();

    /** Those that have a lock on a file; none where that cannot be seen. */
    static Undead holding(Path file) {
        Undead undead = new Undead();
        try (BufferedReader locks = Files.newBufferedReader(LOCKS, StandardCharsets.ISO_8859_1)) {
            String wanted = name(Stat.of(file.toString(), false));
            for (String line = locks.readLine(); line != null; line = locks.readLine()) {
                // 1: FLOCK ADVISORY READ 4711 00:2a:2 0 EOF
                String[] fields = line.split(" +", -1);
                if (fields.length > 5 && fields[1].equals("FLOCK") && fields[5].equals(wanted)) {
                    undead.processes.add(Path.of("/proc", fields[4]));
                }
            }
        } catch (IOException e) {
            // Then whoever has the lock is taken for one that lives.
        }
        undead.areThere();
        return undead;
    }

    /** As the kernel names a file in its table of locks. */
    private static String name(Stat file) {
        long dev = file.dev();
        long major = (dev >> 8 & 0xfff) | (dev >> 32 & ~0xfffL);
        long minor = (dev & 0xff) | (dev >> 12 & ~0xffL);
        return "%02x:%02x:%d".formatted(major, minor & 0xffff_ffffL, file.ino());
    }

    /** Whether there is still one of them. */
    boolean areThere() {
        processes.removeIf(process -> !isUndead(process));
        return !processes.isEmpty();
    }

    /** Dead, with a thread that is not. */
    private static boolean isUndead(Path process) {
        try {
            String stat = Files.readString(process.resolve("stat"), StandardCharsets.ISO_8859_1);
            // Behind the command, which may hold anything: the state, and as the 20th field of all the number of
            // threads.
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
            return fields[0].equals("Z") && Integer.parseInt(fields[17]) > 1;
        } catch (IOException | RuntimeException e) {
            return false;
        }
    }

    /** Their processes, for people. */
    @Override
    public String toString() {
        return String.join(
                ", ",
                processes.stream()
                        .map(process -> String.valueOf(process.getFileName()))
                        .toList());
    }
}
