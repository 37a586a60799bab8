// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.criu;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.it.Child;
import dev.sysgenid.it.Namespace;
import dev.sysgenid.it.ServedDevice;
import dev.sysgenid.it.agent.AgentJar;
import dev.sysgenid.it.agent.HttpLoad;
import dev.sysgenid.it.agent.WebApp;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.http.HttpClient;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Tomcat and Spring Boot, restored twice: without the agent the second clone gives the session ids, UUIDs, file names and
 * TLS randoms of the first one to its own users, with it none of them.
 *
 * <p>All with the JVM option by which the JDK's default generator repeats too, and not only where clocks stand still.
 */
class WebAppClonesIT {
    private static final String EGD = "-Djava.security.egd=file:/dev/./urandom";

    /** What a server sends in place of its random when it asks for another key: the same each time. */
    private static final String RETRY = "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c";

    /** Which of the server's threads answers is not the same in both clones. */
    private static final String BY_THREAD = "ThreadLocalRandom";

    @TempDir(factory = InRun.class)
    Path directory;

    /** The client's: with the sessions that it has, from whichever clone. */
    private @Nullable SSLContext client;

    /** For each clone, whether it took the ticket that the client had. */
    private final List<Boolean> resumed = new ArrayList<>();

    @BeforeEach
    void needsPrivilege() {
        Namespace.require();
        Criu.command();
    }

    @ParameterizedTest
    @CsvSource({"TOMCAT_10, 17", "SPRING_BOOT_4, 25"})
    void withoutTheAgentTheyRepeatEachOther(WebApp app, int version) throws Exception {
        Path keyStore = WebApp.makeKeyStore(directory);
        try (Snapshot snapshot = dump(app.command(version, options(), keyStore, "DIRECTORY"), Map.of(), null)) {
            Map<String, String> first = draw(snapshot, keyStore, () -> {});
            Set<String> expected = first.keySet().stream()
                    .filter(name -> !name.contains(BY_THREAD))
                    .collect(Collectors.toSet());
            assertThat(repeated(first, draw(snapshot, keyStore, () -> {}))).containsAll(expected);
            // A ticket of one clone opens the other one: their keys are the same.
            assertThat(resumed).containsExactly(false, true);
        }
    }

    @ParameterizedTest
    @CsvSource({"TOMCAT_10, 17", "TOMCAT_11, 25", "SPRING_BOOT_3, 25", "SPRING_BOOT_4, 17"})
    void withItTheyDoNot(WebApp app, int version) throws Exception {
        Path keyStore = WebApp.makeKeyStore(directory);
        try (ServedDevice device = ServedDevice.start();
                Snapshot snapshot = dump(
                        app.command(version, options(AgentJar.option()), keyStore, "DIRECTORY"),
                        Map.of("SYSGENID_PATH", device.device().toString()),
                        Hook.install(directory, device.device()))) {
            Map<String, String> first = draw(snapshot, keyStore, () -> awaitAcknowledged(device));
            Map<String, String> second = draw(snapshot, keyStore, () -> awaitAcknowledged(device));
            assertThat(device.generation()).isEqualTo(2);
            assertThat(repeated(first, second)).isEmpty();
            assertThat(resumed).containsExactly(false, false);
        }
    }

    /** Without the file of figures in /tmp, which the next JVM that starts removes once the first clone is gone. */
    private static List<String> options(String... more) {
        return Stream.concat(Stream.of(more), Stream.of(EGD, "-XX:-UsePerfData"))
                .toList();
    }

    private Snapshot dump(List<String> command, Map<String, String> environment, @Nullable Path hook)
            throws IOException {
        return Snapshot.dump(Files.createDirectory(directory.resolve("snapshot")), command, environment, hook);
    }

    /** One more clone, what it answers, and its end: the next one listens on the same ports. */
    private Map<String, String> draw(Snapshot snapshot, Path keyStore, Runnable ready) throws Exception {
        Path output = directory.resolve("snapshot/output");
        long size = Files.size(output);
        Snapshot.Clone clone = snapshot.restore();
        ready.run();
        WebApp.Ports ports =
                WebApp.Ports.read(directory.resolve("snapshot/home").resolve(WebApp.READY));
        SSLContext trust = WebApp.trusting(keyStore);
        Map<String, String> drawn = new LinkedHashMap<>();
        drawn.put("TLS server random", serverRandom(ports.secure(), trust));
        try (HttpClient client = HttpLoad.client(trust)) {
            for (int i = 0; i < 3; i++) {
                String number = " " + i;
                HttpLoad.get(client, ports.http()).forEach((name, value) -> drawn.put(name + number, value));
            }
            HttpLoad.get(client, ports.https()).forEach((name, value) -> drawn.put(name + " over TLS", value));
        }
        if (client == null) {
            client = trust;
        }
        resumed.add(resumes(ports.secure(), client));
        clone.end();
        awaitFree(ports.plain());
        awaitFree(ports.secure());
        try (FileChannel file = FileChannel.open(output, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            ByteBuffer said = ByteBuffer.allocate((int) (file.size() - size));
            file.read(said, size);
            assertThat(new String(said.array(), UTF_8)).doesNotContain("SEVERE", "ERROR", "Exception");
            file.truncate(size); // a restore wants each open file as it was
        }
        return drawn;
    }

    /** What was killed may go on ending for a while. */
    private static void awaitFree(int port) throws InterruptedException {
        long end = System.nanoTime() + Child.LIMIT.toNanos();
        while (true) {
            try (ServerSocket free = new ServerSocket()) {
                free.setReuseAddress(true);
                free.bind(new InetSocketAddress(port));
                return;
            } catch (IOException e) {
                assertThat(System.nanoTime()).as("port %s: %s", port, e).isLessThan(end);
                Thread.sleep(10);
            }
        }
    }

    private static Set<String> repeated(Map<String, String> first, Map<String, String> second) {
        assertThat(first).hasSize(4 * 8 + 1);
        assertThat(second.keySet()).isEqualTo(first.keySet());
        return first.entrySet().stream()
                .filter(each -> each.getValue().equals(second.get(each.getKey())))
                .map(Map.Entry::getKey)
                .collect(Collectors.toSet());
    }

    private static void awaitAcknowledged(ServedDevice device) {
        Child.Ended waited = ServedDevice.runCommand(
                List.of("wait", "--timeout", "60s", "--device", device.device().toString()));
        assertThat(waited.status()).as(waited.output()).isZero();
    }

    /** Shakes hands; whether by the session that the client had, as far as it had one. The next time it has one. */
    private static boolean resumes(int port, SSLContext context) throws IOException {
        try (SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket("localhost", port)) {
            socket.setSoTimeout((int) Child.LIMIT.toMillis());
            // Of 1.2 the ticket is part of the handshake, and a session that is resumed is the same object.
            socket.setEnabledProtocols(new String[] {"TLSv1.2"});
            socket.startHandshake();
            SSLSession session = socket.getSession();
            boolean had = session.getValue("had") != null;
            session.putValue("had", true);
            socket.getOutputStream().write("GET /draw HTTP/1.0\r\nHost: localhost\r\n\r\n".getBytes(UTF_8));
            byte[] answer = socket.getInputStream().readNBytes(12);
            assertThat(new String(answer, UTF_8)).endsWith(" 200");
            return had;
        }
    }

    /** The 32 bytes that a server sends in the clear at the begin of a connection. */
    private static String serverRandom(int port, SSLContext context) throws IOException {
        SSLEngine engine = context.createSSLEngine("localhost", port);
        engine.setUseClientMode(true);
        ByteBuffer hello = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
        engine.wrap(ByteBuffer.allocate(0), hello);
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout((int) Child.LIMIT.toMillis());
            socket.getOutputStream().write(hello.array(), 0, hello.position());
            byte[] start = new byte[43]; // headers of record and message, version, random
            new DataInputStream(socket.getInputStream()).readFully(start);
            assertThat(List.of(start[0], start[5]))
                    .as("a handshake, a ServerHello")
                    .isEqualTo(List.of((byte) 22, (byte) 2));
            String random = HexFormat.of().formatHex(start, 11, 43);
            assertThat(random).isNotEqualTo(RETRY);
            return random;
        }
    }
}
