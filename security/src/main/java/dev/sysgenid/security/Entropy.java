// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

/** Where unpredictable bytes come from: the kernel, or in tests something that can be followed. Safe for many threads. */
interface Entropy {
    /**
     * Fills {@code length} bytes of {@code out} from {@code offset} on.
     *
     * @throws java.security.ProviderException when there are none to be had
     */
    void read(byte[] out, int offset, int length);

    /** Lets go of what is held open; the next {@link #read} opens it again. */
    void close();
}
