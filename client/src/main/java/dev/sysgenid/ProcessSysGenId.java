// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.AccessDeniedException;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** The one that the whole process shares, with its page in a constant. */
final class ProcessSysGenId extends SysGenId {
    static final ProcessSysGenId INSTANCE = create();

    private static final String PROPERTY = "sysgenid.path";
    private static final String VARIABLE = "SYSGENID_PATH";
    private static final String DEFAULT_PATH = "/dev/sysgenid";

    private ProcessSysGenId(@Nullable Path path, boolean chosen, @Nullable VmClock clock) {
        super(path, chosen, clock);
    }

    private static ProcessSysGenId create() {
        String named = System.getProperty(PROPERTY, "");
        if (named.isEmpty()) {
            String variable = System.getenv(VARIABLE);
            named = variable == null ? "" : variable;
        }
        boolean chosen = !named.isEmpty();
        VmClock clock = VmClock.find(VmClock.DEVICE);
        Level level = Level.WARNING;
        String why;
        try {
            Path path = Path.of(chosen ? named : DEFAULT_PATH).toAbsolutePath();
            return start(new ProcessSysGenId(path, chosen, clock), attachOrUnknown(path, chosen));
        } catch (NoSuchFileException e) {
            level = chosen ? Level.WARNING : Level.INFO;
            why = e.getFile() + " does not exist";
        } catch (AccessDeniedException e) {
            why = e.getFile() + " is not readable";
        } catch (IOException e) {
            why = String.valueOf(e.getMessage());
        } catch (InvalidPathException e) {
            why = "bad path: " + e.getMessage();
        }
        ProcessSysGenId local = start(new ProcessSysGenId(null, false, clock), new LocalDomain());
        Log.LOGGER.log(
                level,
                "SysGenID: {0}; generations are those of this process alone, and {1}",
                why,
                clock != null
                        ? "the VMClock page tells of clones of this machine"
                                + (clock.isMapped() ? "" : ", within a tenth of a second")
                        : local.isGuarded()
                                ? "a checkpoint of the JVM (CRaC) is all that is noticed"
                                : "nothing here tells of a restore from a snapshot");
        return local;
    }

    /** Null: there is a device, but its daemon is gone; it may come back. */
    private static @Nullable Domain attachOrUnknown(Path path, boolean chosen) throws IOException {
        try {
            return DeviceDomain.attach(path, chosen);
        } catch (NoSuchFileException | AccessDeniedException | UnusableDeviceException e) {
            throw e;
        } catch (IOException e) {
            Log.LOGGER.log(
                    Level.WARNING,
                    "SysGenID: {0}: its daemon is gone; until it is back the generation is unknown, and everything"
                            + " is renewed at every use",
                    e.getMessage());
            return null;
        }
    }

    private static ProcessSysGenId start(ProcessSysGenId id, @Nullable Domain domain) {
        id.start(domain);
        Crac.register(id);
        if (domain != null && !(domain instanceof LocalDomain)) {
            try {
                Thread end = new Thread(null, id::stayAwake, "sysgenid-end", 0, false);
                end.setContextClassLoader(null);
                Runtime.getRuntime().addShutdownHook(end);
            } catch (IllegalStateException e) {
                // It is ending already.
            }
        }
        return id;
    }

    @Override
    int load() {
        return ProcessPage.load();
    }

    @Override
    void show(Page page) {
        ProcessPage.show(page);
    }

    /** Does nothing: others in the process use it too. */
    @Override
    public void close() {}
}
