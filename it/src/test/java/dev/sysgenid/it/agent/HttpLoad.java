// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.it.Child;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.SSLContext;

/**
 * Clients that ask an application without a pause, from threads of their own: in the clear and over TLS on connections
 * that are kept, and over TLS on a new connection each time, which resumes its session where the server lets it.
 *
 * <p>No answer may be an error, and nothing that was drawn may come a second time.
 */
public final class HttpLoad implements AutoCloseable {
    private static final Duration LIMIT = Child.LIMIT;

    private final HttpClient kept;
    private final SSLContext trust;
    private final List<Thread> threads = new ArrayList<>();
    private final AtomicLong answers = new AtomicLong();
    private final Queue<String> errors = new ConcurrentLinkedQueue<>();

    /** By what was drawn: all values so far. */
    private final Map<String, Set<String>> drawn = new ConcurrentHashMap<>();

    private volatile boolean over;

    HttpLoad(WebApp.Ports ports, SSLContext trust) {
        this.trust = trust;
        this.kept = client(trust);
        start("plain-1", () -> ask(kept, ports.http()));
        start("plain-2", () -> ask(kept, ports.http()));
        start("secure-1", () -> ask(kept, ports.https()));
        start("secure-2", () -> ask(kept, ports.https()));
        start("connecting", () -> connectAndAsk(ports.https()));
    }

    /** A client that trusts that certificate. */
    public static HttpClient client(SSLContext trust) {
        return HttpClient.newBuilder()
                .sslContext(trust)
                .connectTimeout(LIMIT)
                .proxy(HttpClient.Builder.NO_PROXY)
                .build();
    }

    private interface Request {
        void make() throws IOException, InterruptedException;
    }

    private void start(String name, Request request) {
        threads.add(Thread.ofPlatform().daemon().name(name).start(() -> {
            while (!over && errors.isEmpty()) {
                try {
                    request.make();
                    answers.incrementAndGet();
                } catch (IOException | InterruptedException | RuntimeException e) {
                    errors.add(name + ": " + e);
                }
            }
        }));
    }

    private void connectAndAsk(URI uri) throws IOException, InterruptedException {
        try (HttpClient client = client(trust)) {
            ask(client, uri);
        }
    }

    private void ask(HttpClient client, URI uri) throws IOException, InterruptedException {
        get(client, uri).forEach((name, value) -> {
            if (!drawn.computeIfAbsent(name, any -> ConcurrentHashMap.newKeySet())
                    .add(value)) {
                errors.add(name + " has come before: " + value);
            }
        });
    }

    /** What the application draws for one request. */
    public static Map<String, String> get(HttpClient client, URI uri) throws IOException, InterruptedException {
        HttpResponse<String> response =
                client.send(HttpRequest.newBuilder(uri).timeout(LIMIT).build(), HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() != 200) {
            throw new IOException("status " + response.statusCode() + ": " + response.body());
        }
        Map<String, String> draws = new java.util.LinkedHashMap<>();
        response.body().lines().map(line -> line.split("\t", 2)).forEach(words -> draws.put(words[0], words[1]));
        return draws;
    }

    /** Waits until so many more answers have come. */
    void awaitAnswers(long more) throws InterruptedException {
        long wanted = answers.get() + more;
        long end = System.nanoTime() + LIMIT.toNanos();
        while (answers.get() < wanted && errors.isEmpty()) {
            assertThat(System.nanoTime()).as("answers come no more").isLessThan(end);
            Thread.sleep(1);
        }
        assertThat(errors).isEmpty();
    }

    /** Ends the load; returns how many answers there were. */
    long finish() throws InterruptedException {
        over = true;
        for (Thread each : threads) {
            assertThat(each.join(LIMIT)).as("%s comes to its end", each).isTrue();
        }
        assertThat(errors).isEmpty();
        assertThat(drawn)
                .hasSize(8)
                .allSatisfy((name, values) -> assertThat(values).as(name).hasSize((int) answers.get()));
        return answers.get();
    }

    @Override
    public void close() {
        over = true;
        kept.shutdownNow();
    }
}
