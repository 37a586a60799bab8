// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.program;

import java.security.Provider;
import java.security.SecureRandom;

/** A program that may bring SysGenID's library itself, and installs that provider as its manual says. */
public final class OwnProvider {
    private OwnProvider() {}

    public static void main(String[] arguments) throws Exception {
        Class<?> library = null;
        try {
            library = Class.forName("dev.sysgenid.security.SysGenIdProvider");
            library.getMethod("install").invoke(null);
            System.out.println("own library: of the program, " + library.getClassLoader());
        } catch (ClassNotFoundException e) {
            System.out.println("own library: absent");
        }
        Provider provider = new SecureRandom().getProvider();
        System.out.println("provider: " + provider.getName() + ", "
                + (provider.getClass() == library ? "the program's" : "not the program's"));
        if (library != null) {
            SecureRandom own = (SecureRandom) library.getMethod("secureRandom").invoke(null);
            System.out.println("the program's drew " + own.nextLong());
        }
    }
}
