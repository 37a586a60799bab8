// SPDX-License-Identifier: Apache-2.0
package jdk.crac;

import java.io.IOException;
import java.lang.ref.WeakReference;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * The checkpoint. It is made when there is {@code DIRECTORY/ready}, by whoever dumps the process then; a restored one goes on
 * when there is {@code DIRECTORY/go}. The directory is what the property {@code crac.directory} names.
 *
 * <p>As that JDK does, it refuses open files: here, those below the directory that {@code crac.closed} names. What is mapped is a
 * matter of whoever dumps the process, there too.
 */
public final class Core {
    private static final Path DIRECTORY = Path.of(System.getProperty("crac.directory"));
    private static final String CLOSED = System.getProperty("crac.closed", "/nothing");
    private static final Global GLOBAL = new Global();

    private Core() {}

    /** The one context that all register with. */
    public static Context<Resource> getGlobalContext() {
        return GLOBAL;
    }

    /** Returns in the restored process. */
    public static void checkpointRestore() throws CheckpointException, RestoreException {
        CheckpointException failed = null;
        try {
            GLOBAL.beforeCheckpoint(GLOBAL);
            requireClosed();
            dump();
        } catch (CheckpointException e) {
            failed = e;
        }
        GLOBAL.afterRestore(GLOBAL);
        if (failed != null) {
            throw failed;
        }
    }

    private static void requireClosed() throws CheckpointException {
        CheckpointException open = new CheckpointException();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path file : files) {
                if (Files.isSymbolicLink(file)) { // not the one of this look
                    String path = Files.readSymbolicLink(file).toString();
                    if (path.startsWith(CLOSED)) {
                        open.addSuppressed(new IllegalStateException(path + " is open"));
                    }
                }
            }
        } catch (IOException e) {
            open.addSuppressed(e);
        }
        if (open.getSuppressed().length > 0) {
            throw open;
        }
    }

    private static void dump() throws CheckpointException {
        try {
            Files.createFile(DIRECTORY.resolve("ready"));
            while (!Files.exists(DIRECTORY.resolve("go"))) {
                Thread.sleep(5);
            }
        } catch (IOException | InterruptedException e) {
            CheckpointException failed = new CheckpointException();
            failed.addSuppressed(e);
            throw failed;
        }
    }

    /** Tells of a checkpoint in the opposite order of registration, and of a restore in the order of registration. */
    private static final class Global extends Context<Resource> {
        private final List<WeakReference<Resource>> registered = new ArrayList<>();

        private synchronized List<Resource> all() {
            List<Resource> all = new ArrayList<>();
            registered.forEach(reference -> {
                Resource resource = reference.get();
                if (resource != null) {
                    all.add(resource);
                }
            });
            return all;
        }

        @Override
        public synchronized void register(Resource resource) {
            registered.add(new WeakReference<>(resource));
        }

        @Override
        public void beforeCheckpoint(Context<? extends Resource> context) throws CheckpointException {
            List<Resource> all = all();
            Collections.reverse(all);
            CheckpointException failed = new CheckpointException();
            for (Resource resource : all) {
                try {
                    resource.beforeCheckpoint(this);
                } catch (Exception e) {
                    failed.addSuppressed(e);
                }
            }
            if (failed.getSuppressed().length > 0) {
                throw failed;
            }
        }

        @Override
        public void afterRestore(Context<? extends Resource> context) throws RestoreException {
            RestoreException failed = new RestoreException();
            for (Resource resource : all()) {
                try {
                    resource.afterRestore(this);
                } catch (Exception e) {
                    failed.addSuppressed(e);
                }
            }
            if (failed.getSuppressed().length > 0) {
                throw failed;
            }
        }
    }
}
