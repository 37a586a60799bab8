// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import dev.sysgenid.daemon.ExitCodes;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * What the launcher runs once after a build, while the JVM notes what is loaded, so that later starts find it ready in
 * the AOT cache: the usual commands, in one process.
 *
 * <p>With a directory as its argument it also serves a device there, and asks it everything. It must then run in a mount
 * namespace of its own, as the launcher arranges, so that nobody sees that device and it is gone with this process.
 */
public final class Training {
    private static final int LIMIT_MILLIS = 30_000;
    private static final int LOOK_MILLIS = 10;

    private Training() {}

    /** Runs the commands; their results do not matter. */
    public static void main(String[] arguments) throws InterruptedException {
        PrintStream quiet = new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);
        Context context = new Context(quiet, quiet, Map.of(), LinuxDeviceFile::open, System::nanoTime);
        limitTime();
        Main.run(context, "--help");
        Main.run(context, "--version");
        Main.run(context, "bump", "--help");
        Main.run(context, "doctor");
        Main.run(context, "status", "--device", "/nonexistent/sysgenid");
        if (arguments.length == 1) {
            Path mount = Path.of(arguments[0]);
            Thread daemon = Thread.ofPlatform()
                    .daemon()
                    .name("serve")
                    .start(() -> Main.run(context, "serve", "--mount", mount.toString(), "--device", "none"));
            Path device = mount.resolve("sysgenid");
            while (daemon.isAlive() && !Files.exists(device)) {
                Thread.sleep(LOOK_MILLIS);
            }
            if (daemon.isAlive()) { // else it cannot be served here, and there is nothing to learn
                useDevice(context, device);
            }
        }
        System.exit(ExitCodes.OK); // the daemon unmounts on the way
    }

    private static void useDevice(Context context, Path device) throws InterruptedException {
        String path = device.toString();
        Thread watch = Thread.ofPlatform()
                .daemon()
                .name("watch")
                .start(() -> Main.run(context, "watch", "--once", "--exec", "true", "--device", path));
        while (watch.isAlive()) {
            Main.run(context, "bump", "--wait", "--timeout", "1s", "--device", path);
            watch.join(LOOK_MILLIS);
        }
        Main.run(context, "wait", "--timeout", "0s", "--device", path);
        Main.run(context, "status", "--device", path);
        Main.run(context, "status", "--json", "--device", path);
    }

    /** A build must not hang because something here does. */
    private static void limitTime() {
        Thread.ofPlatform().daemon().name("limit").start(() -> {
            try {
                Thread.sleep(LIMIT_MILLIS);
            } catch (InterruptedException e) {
                return;
            }
            Runtime.getRuntime().halt(ExitCodes.FAILURE);
        });
    }
}
