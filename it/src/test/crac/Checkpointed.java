// SPDX-License-Identifier: Apache-2.0

import dev.sysgenid.PerGeneration;
import dev.sysgenid.SysGenId;
import dev.sysgenid.security.SnapshotSafeRandom;
import dev.sysgenid.security.SysGenIdProvider;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.crac.Context;
import org.crac.Core;
import org.crac.Resource;

/**
 * A program that registers with {@code org.crac} before it uses the library, and after it; and what it draws when it is told
 * of the restore.
 *
 * <p>{@code java Checkpointed DIRECTORY [DEVICE]}. After the restore it writes a line for each draw into
 * {@code DIRECTORY/tokens}. With a device it has one of {@code SysGenId.open(Path)} too.
 */
public final class Checkpointed {
    private static final Map<String, String> DRAWN = new LinkedHashMap<>();
    private static final List<String> ORDER = new ArrayList<>();
    /** Nobody else keeps them. */
    private static final List<Resource> KEPT = new ArrayList<>();

    private Checkpointed() {}

    /** Made before the checkpoint by whoever asks first. */
    private static final class Held {
        static final SysGenId ID = SysGenId.open();
        static final PerGeneration<String> TOKEN = ID.perGeneration(Held::draw);
        static final SecureRandom RANDOM = new SecureRandom();

        static String draw() {
            return Long.toHexString(SnapshotSafeRandom.instance().nextLong());
        }

        static void draw(String who, String when) {
            DRAWN.put(who + "'s token " + when, TOKEN.get());
            DRAWN.put(who + "'s SecureRandom " + when, Long.toHexString(RANDOM.nextLong()));
            DRAWN.put(who + ", known " + when, Boolean.toString(ID.isKnown()));
        }
    }

    private static final class Application implements Resource {
        private final String name;

        Application(String name) {
            this.name = name;
        }

        @Override
        public void beforeCheckpoint(Context<? extends Resource> context) {
            ORDER.add(name);
            Held.draw(name, "before");
        }

        @Override
        public void afterRestore(Context<? extends Resource> context) {
            ORDER.add(name);
            Held.draw(name, "after");
        }
    }

    public static void main(String[] arguments) throws Exception {
        Path directory = Path.of(arguments[0]);
        SplittableRandom unguarded = new SplittableRandom();
        Application early = new Application("early");
        KEPT.add(early);
        Core.getGlobalContext().register(early);

        SysGenIdProvider.install();
        SysGenId.beforeCheckpoint(() -> ORDER.add("library"));
        Held.draw("program", "before");
        if (arguments.length > 1) {
            atPath(Path.of(arguments[1]));
        }

        Application late = new Application("late");
        KEPT.add(late);
        Core.getGlobalContext().register(late);
        Core.checkpointRestore();

        Held.draw("program", "after");
        DRAWN.put("unguarded", Long.toHexString(unguarded.nextLong()));
        DRAWN.put("order", String.join(" ", ORDER));
        DRAWN.put("guarded", Boolean.toString(Held.ID.isGuarded()));
        write(directory);
        Thread.sleep(Long.MAX_VALUE);
    }

    /** Of its own device: another domain's, in a real program. */
    private static void atPath(Path device) throws IOException {
        SysGenId.open(device).close(); // a closed one stays closed
        SysGenId id = SysGenId.open(device);
        PerGeneration<String> token = id.perGeneration(Held::draw);
        DRAWN.put("own device's token before", token.get());
        Resource resource = new Resource() {
            @Override
            public void beforeCheckpoint(Context<? extends Resource> context) {}

            @Override
            public void afterRestore(Context<? extends Resource> context) {
                DRAWN.put("own device's token after", token.get());
                DRAWN.put("own device, known after", Boolean.toString(id.isKnown()));
            }
        };
        KEPT.add(resource);
        Core.getGlobalContext().register(resource);
    }

    private static void write(Path directory) throws IOException {
        StringBuilder text = new StringBuilder();
        DRAWN.forEach((name, value) -> text.append(name).append('\t').append(value).append('\n'));
        Path file = Files.writeString(directory.resolve("new"), text);
        Files.move(file, directory.resolve("tokens"), StandardCopyOption.ATOMIC_MOVE);
    }
}
