// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import java.security.ProviderException;
import java.util.concurrent.atomic.AtomicInteger;

/** The kernel, with a count of the calls, and failures and events at a test's wish. */
final class TestEntropy implements Entropy {
    private final Kernel kernel = new Kernel();
    final AtomicInteger reads = new AtomicInteger();
    final AtomicInteger closes = new AtomicInteger();
    volatile boolean fails;

    /** Runs in each read, before the bytes are fetched. */
    volatile Runnable during = () -> {};

    @Override
    public void read(byte[] out, int offset, int length) {
        reads.incrementAndGet();
        during.run();
        if (fails) {
            throw new ProviderException("as the test wished");
        }
        kernel.read(out, offset, length);
    }

    @Override
    public void close() {
        closes.incrementAndGet();
        kernel.close();
    }
}
