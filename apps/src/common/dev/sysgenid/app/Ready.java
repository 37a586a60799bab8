// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.app;

import java.io.IOException;
import java.io.InputStream;
import java.net.Proxy;
import java.net.URL;
import java.net.URLConnection;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** The file that says where the application answers. */
final class Ready {
    private Ready() {}

    /** Asks the application once, so that whatever it draws from is there from now on, and makes the file, whole. */
    static void tell(String directory, int plain, int secure) throws IOException {
        URLConnection first = new URL("http://localhost:" + plain + "/draw").openConnection(Proxy.NO_PROXY);
        first.setRequestProperty("Connection", "close");
        try (InputStream answer = first.getInputStream()) {
            answer.readAllBytes();
        }
        Path ready = Path.of(directory, "ready");
        Path written = Files.writeString(ready.resolveSibling("ready.new"), plain + " " + secure + "\n");
        Files.move(written, ready, StandardCopyOption.ATOMIC_MOVE);
    }
}
