// SPDX-License-Identifier: Apache-2.0

import dev.sysgenid.Guarded;
import dev.sysgenid.PerGeneration;
import dev.sysgenid.Phase;
import dev.sysgenid.SysGenId;
import dev.sysgenid.Watch;
import dev.sysgenid.Watcher;
import dev.sysgenid.security.SnapshotSafeRandom;
import dev.sysgenid.security.SysGenIdProvider;
import dev.sysgenid.security.Uuids;
import java.io.IOException;
import java.nio.channels.Selector;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Map;
import java.util.Scanner;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import javax.crypto.Mac;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;

/**
 * The programs behind {@code docs/how-do-i.md}: what stands there stands here, between {@code // [name]} and
 * {@code // [end]}.
 *
 * <p>{@code java -Dsysgenid.path=DEVICE --class-path JARS HowDoI.java NAME}
 *
 * <p>Each goes on by a line on standard input.
 */
public final class HowDoI {
    private static final Scanner INPUT = new Scanner(System.in, StandardCharsets.UTF_8);

    private HowDoI() {}

    public static void main(String[] arguments) throws Exception {
        switch (arguments[0]) {
            case "tokens" -> Tokens.run();
            case "provider" -> InstalledProvider.run();
            case "secret" -> Secret.run();
            case "transaction" -> Transaction.run();
            case "connections" -> Connections.run();
            case "loop" -> Loop.run();
            case "orchestrator" -> Orchestrator.run();
            case "ready" -> Ready.run();
            case "checkpoint" -> Checkpoint.run();
            case "test" -> WithoutDevice.run();
            default -> throw new IllegalArgumentException(arguments[0]);
        }
    }

    private static void say(String line) {
        System.out.println(line);
    }

    /** Waits for a line; false at the end of the input. */
    private static boolean goOn() {
        if (!INPUT.hasNextLine()) {
            return false;
        }
        INPUT.nextLine();
        return true;
    }

    static final class Tokens {
        static void run() {
            do {
                // [tokens]
                UUID order = Uuids.v4(); // random
                UUID event = Uuids.v7(); // begins with the time: greater than all before it in this process

                byte[] bytes = new byte[32];
                SnapshotSafeRandom random = SnapshotSafeRandom.instance(); // any number of threads may share it
                random.nextBytes(bytes);
                String session = Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
                int die = random.nextInt(1, 7); // all of java.util.random.RandomGenerator
                // [end]
                say("order " + order + " event " + event + " session " + session + " die " + die);
            } while (goOn());
        }
    }

    static final class InstalledProvider {
        static void run() throws GeneralSecurityException {
            // [provider]
            SysGenIdProvider.install(); // the first line of main: a SecureRandom made before it stays what it is
            // [end]
            say("new " + new SecureRandom().getProvider().getName());
            say("strong " + SecureRandom.getInstanceStrong().getProvider().getName());
        }
    }

    static final class Secret {
        // [secret]
        static final SysGenId ID = SysGenId.open();
        static final PerGeneration<SecretKey> KEY = ID.perGeneration(Secret::newKey);

        private static SecretKey newKey() {
            byte[] bytes = new byte[32];
            SnapshotSafeRandom.instance().nextBytes(bytes); // or a call to whoever gives out keys
            return new SecretKeySpec(bytes, "HmacSHA256");
        }

        static byte[] sign(byte[] message) throws GeneralSecurityException {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(KEY.get()); // made in this generation
            return mac.doFinal(message);
        }
        // [end]

        static void run() throws GeneralSecurityException {
            do {
                say("signed " + HexFormat.of().formatHex(sign(new byte[1])));
            } while (goOn());
        }
    }

    /** Something with transactions. */
    static final class Ledger {
        void insert(UUID order) {
            say("insert " + order);
            goOn();
        }

        void commit() {
            say("commit");
        }

        void rollback() {
            say("rollback");
        }
    }

    static final class Transaction {
        static final SysGenId ID = SysGenId.open();

        // [transaction]
        static UUID order(Ledger ledger) {
            while (true) {
                Guarded<UUID> order = ID.guarded(1, () -> {
                    UUID number = Uuids.v4();
                    ledger.insert(number);
                    return number;
                });
                if (order.held()) {
                    ledger.commit();
                    return order.value();
                }
                ledger.rollback(); // a clone may have done the very same
                if (order.outcome() == Guarded.Outcome.UNKNOWN) {
                    throw new IllegalStateException("no daemon tells whether this system is a clone");
                }
            }
        }
        // [end]

        static void run() {
            say("ordered " + order(new Ledger()));
        }
    }

    /** Something that is connected. */
    static final class Pool {
        void reconnect() {
            say("reconnected");
        }
    }

    static final class Connections {
        static void run() {
            Map<String, String> sessions = new ConcurrentHashMap<>(Map.of("alice", "secret"));
            Pool pool = new Pool();
            // [connections]
            SysGenId id = SysGenId.open();
            id.watch(Phase.CACHES, "sessions", generation -> sessions.clear());
            id.watch(Phase.CONNECTIONS, "pool", generation -> pool.reconnect()); // when the sessions are gone
            // [end]
            say("watching");
            while (goOn()) {
                say("sessions " + sessions.size());
            }
        }
    }

    static final class Loop {
        private static int turns;

        static void run() throws IOException {
            SysGenId id = SysGenId.open();
            // [loop]
            try (Selector selector = Selector.open();
                    Watcher watcher = id.watcher(selector::wakeup)) {
                while (isRunning()) {
                    selector.select();
                    while (watcher.isOutdated()) {
                        int generation = watcher.next();
                        renew(generation);
                        if (!watcher.acknowledge(generation)) {
                            break; // changed again, or unknown: what was renewed serves this turn
                        }
                    }
                    serve(selector.selectedKeys());
                }
            }
            // [end]
        }

        private static boolean isRunning() {
            say("turn " + turns);
            return turns++ < 3;
        }

        private static void renew(int generation) {
            say("renewed for " + generation);
        }

        private static void serve(Iterable<?> keys) {
            keys.forEach(key -> say("key"));
        }
    }

    static final class Orchestrator {
        static void run() throws IOException, InterruptedException {
            // [orchestrator]
            SysGenId id = SysGenId.open();
            id.bump(); // after the restore, before anybody is let in
            if (!id.awaitAcknowledged(Duration.ofMinutes(1))) {
                throw new IllegalStateException(id.outdatedWatchers() + " have not renewed");
            }
            // [end]
            say("open for traffic");
        }
    }

    static final class Ready {
        private static void warmUp() {
            goOn();
        }

        // [ready]
        static final SysGenId ID = SysGenId.open();
        static final Watch POOL = ID.watch(Phase.CONNECTIONS, "pool", generation -> warmUp());

        /** What /ready answers: 200 for true, 503 for false. */
        static boolean isReady() {
            return ID.isKnown() && POOL.isUpToDate();
        }
        // [end]

        static void run() throws InterruptedException {
            boolean before = isReady();
            say("ready " + before);
            while (isReady() == before) {
                Thread.sleep(1);
            }
            say("ready " + isReady());
            while (!isReady()) {
                Thread.sleep(1);
            }
            say("ready " + isReady());
        }
    }

    static final class Checkpoint {
        static void run() {
            say("before " + SysGenId.open().stamp());
            // [checkpoint]
            SnapshotSafeRandom.instance().erase(); // no random byte in memory is used after this

            // ... here the snapshot is taken; and after it was restored, where no device tells:
            SysGenId.open().trigger();
            // [end]
            say("after " + SysGenId.open().stamp());
        }
    }

    /** A class of yours. */
    static final class Sessions {
        private final PerGeneration<UUID> prefix;

        Sessions(SysGenId id) {
            prefix = id.perGeneration(Uuids::v4);
        }

        UUID prefix() {
            return prefix.get();
        }
    }

    static final class WithoutDevice {
        static void run() {
            // [test]
            try (SysGenId id = SysGenId.inProcess()) {
                Sessions sessions = new Sessions(id); // a class of yours: it is given what others get from open()
                UUID before = sessions.prefix();
                id.trigger(); // "this system was restored from a snapshot"
                if (sessions.prefix().equals(before)) {
                    throw new AssertionError("sessions of a clone would be the same");
                }
            }
            // [end]
            say("passed");
        }
    }
}
