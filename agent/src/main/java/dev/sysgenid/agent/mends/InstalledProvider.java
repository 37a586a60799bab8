// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.mends;

import dev.sysgenid.agent.Jdk;
import dev.sysgenid.agent.Mend;
import dev.sysgenid.agent.Unsuitable;
import dev.sysgenid.security.SnapshotSafeRandom;
import dev.sysgenid.security.SysGenIdProvider;
import java.security.SecureRandom;
import java.security.Security;

/** The SysGenID provider, before all others: every SecureRandom that is made from then on looks at the generation itself. */
final class InstalledProvider implements Mend {
    /** The agent installed it; not the program. */
    private boolean installed;

    @Override
    public String name() {
        return "provider";
    }

    @Override
    public String what() {
        return "new SecureRandom(), and SecureRandom.getInstance of NativePRNG and DRBG";
    }

    @Override
    public String expects() {
        return "no other provider of that name: else that one stays";
    }

    @Override
    public String verifies() {
        return "new SecureRandom() is of this provider";
    }

    @Override
    public void prepare(Jdk jdk) throws Unsuitable {}

    @Override
    public void install() {
        if (Security.getProvider(SysGenIdProvider.NAME) == null) {
            SysGenIdProvider.install();
            installed = true;
        }
        // The first draw opens the device: here, where a security manager does not see the program behind it.
        long unused = SnapshotSafeRandom.instance().nextLong();
        verify();
    }

    @Override
    public int renew() {
        verify();
        return 1;
    }

    private static void verify() {
        String name = new SecureRandom().getProvider().getName();
        if (!name.equals(SysGenIdProvider.NAME)) {
            throw new IllegalStateException("new SecureRandom() is of " + name
                    + ": that provider was put before this one, and renews itself only if it says so");
        }
    }

    @Override
    public void remove() {
        if (installed) {
            Security.removeProvider(SysGenIdProvider.NAME);
            installed = false;
        }
    }
}
