// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import dev.sysgenid.abi.Generation;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** A domain inside this process, for where there is no device: the same rules, and nobody but this process bumps. */
final class LocalDomain implements Domain {
    private final Page.Held page = new Page.Held(Generation.INITIAL);
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition acknowledged = lock.newCondition();

    /** Those that have not acknowledged the newest generation; guarded by the lock. */
    private final Set<LocalLink> outdated = new HashSet<>();

    /** Guarded by the lock. */
    private CloneIdentity identity = draw();

    /** Guarded by the lock. */
    private final Set<LocalLink> links = new HashSet<>();

    @Override
    public Page page() {
        return page;
    }

    /** The next generation, and everybody is outdated. */
    int bump() {
        lock.lock();
        try {
            int next = Generation.next(page.load(), 0);
            outdated.addAll(links);
            identity = draw();
            page.store(next);
            return next;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public CloneIdentity cloneIdentity() {
        lock.lock();
        try {
            return identity;
        } finally {
            lock.unlock();
        }
    }

    /** Asks the kernel each time: what Java's own generators have drawn ahead is in every clone. */
    private static CloneIdentity draw() {
        ByteBuffer bytes = ByteBuffer.allocate(2 * Long.BYTES);
        try (InputStream kernel = Files.newInputStream(Path.of("/dev/urandom"))) {
            if (kernel.readNBytes(bytes.array(), 0, bytes.capacity()) == bytes.capacity()) {
                return new CloneIdentity(bytes.getLong(0), bytes.getLong(Long.BYTES));
            }
        } catch (IOException e) {
            // No such file: another system, or a very bare one.
        }
        SecureRandom random = new SecureRandom();
        return new CloneIdentity(random.nextLong(), random.nextLong());
    }

    int outdated() {
        lock.lock();
        try {
            return outdated.size();
        } finally {
            lock.unlock();
        }
    }

    boolean awaitAcknowledged(long nanos) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            long left = nanos;
            while (!outdated.isEmpty()) {
                if (left <= 0) {
                    return false;
                }
                left = acknowledged.awaitNanos(left);
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Whoever bumps a domain of this kind tells its listeners itself: nothing is waited for here. */
    @Override
    public void awaitChange() {
        throw new UnsupportedOperationException();
    }

    @Override
    public Link openLink() {
        LocalLink link = new LocalLink();
        lock.lock();
        try {
            links.add(link);
        } finally {
            lock.unlock();
        }
        return link;
    }

    @Override
    public void close() {}

    private final class LocalLink implements Link {
        @Override
        public boolean acknowledge(int generation) {
            lock.lock();
            try {
                if (generation != page.load()) {
                    return false;
                }
                upToDate();
                return true;
            } finally {
                lock.unlock();
            }
        }

        @Override
        public void close() {
            lock.lock();
            try {
                links.remove(this);
                upToDate();
            } finally {
                lock.unlock();
            }
        }

        private void upToDate() {
            outdated.remove(this);
            if (outdated.isEmpty()) {
                acknowledged.signalAll();
            }
        }
    }
}
