// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.qemu;

import dev.sysgenid.it.CProgram;
import dev.sysgenid.it.Child;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a guest begins with: busybox, a Java runtime with the daemon and the client libraries in it, the programs that are
 * cloned, and a shell on the second serial port.
 */
final class GuestImage {
    /** Files that a guest finds at its root. */
    static final String RUNTIME = "jre";

    /**
     * Where there is an {@code @}, {@link VirtualMachine#shell} looks. A line says which it is and how long, for the port of a
     * restored machine loses some of what is sent; what did not come whole is asked for again, and what comes twice is done once.
     */
    private static final String INIT = """
            #!/bin/busybox sh
            /bin/busybox mkdir -p /proc /sys /dev /run /tmp /sbin /usr/bin
            /bin/busybox --install -s /bin
            export PATH=/bin:/jre/bin HOME=/
            mount -t proc proc /proc
            mount -t sysfs sys /sys
            mount -t devtmpfs dev /dev
            mount -t tmpfs run /run
            mount -t tmpfs tmp /tmp
            echo 1 >/proc/sys/kernel/printk
            exec </dev/ttyS1 >/dev/ttyS1 2>&1
            stty raw -echo
            for module in /modules/*; do
              case $module in
                *.xz) xz -dc "$module" >/tmp/module && insmod /tmp/module ;;
                *.ko) insmod "$module" ;;
              esac
            done
            echo '@ready'
            last_number=0
            while IFS= read -r line; do
              whole=${line#*@@}
              number=${whole%%:*}
              rest=${whole#*:}
              command=${rest#*:}
              if [ "$whole" = "$line" ] || [ "${#command}" != "${rest%%:*}" ]; then
                echo '@again'
                continue
              fi
              echo "@got $number"
              if [ "$number" != "$last_number" ]; then
                last_number=$number
                eval "$command"
                echo "@status $?"
              fi
            done
            """;

    private static final Pattern LIBRARY = Pattern.compile("(/\\S+/([^/\\s]+)) \\(0x");

    private GuestImage() {}

    /**
     * Writes one.
     *
     * @param before what the kernel is to find in front of it; may be empty
     * @param modules of the kernel, to be loaded in this order
     */
    static void write(Path file, byte[] before, Path runtime, Path programs, Qemu.Kernel kernel, List<String> modules)
            throws IOException {
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 20)) {
            out.write(before);
            try (Cpio cpio = new Cpio(out)) {
                cpio.file("init", INIT.getBytes(StandardCharsets.UTF_8));
                cpio.file("bin/busybox", busybox());
                cpio.tree(RUNTIME, runtime);
                cpio.file("programs/" + programs.getFileName(), programs);
                for (Path library : libraries(runtime)) {
                    cpio.file("lib64/" + library.getFileName(), library);
                }
                cpio.link("lib", "lib64");
                for (String program : List.of("clones", "witness")) {
                    cpio.file(
                            program,
                            CProgram.behaviour(program, CProgram.Bits.STATIC).executable());
                }
                int number = 0;
                for (String name : modules) {
                    Path module = kernel.module(name);
                    if (module != null) {
                        cpio.file("modules/" + number++ + "-" + module.getFileName(), module);
                    }
                }
            }
        }
    }

    private static Path busybox() {
        return Qemu.busybox();
    }

    /** What the runtime's programs are linked with, from this machine. */
    private static Set<Path> libraries(Path runtime) throws IOException {
        Set<Path> found = new LinkedHashSet<>();
        for (String program : List.of("bin/java", "lib/server/libjvm.so")) {
            Child.Ended ldd = Child.run(List.of("ldd", runtime.resolve(program).toString()));
            Matcher matcher = LIBRARY.matcher(ldd.output());
            while (matcher.find()) {
                Path library = Path.of(matcher.group(1));
                if (!library.startsWith(runtime)) {
                    found.add(library);
                }
            }
        }
        return found;
    }
}
