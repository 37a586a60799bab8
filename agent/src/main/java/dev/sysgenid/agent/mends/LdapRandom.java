// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.mends;

import dev.sysgenid.agent.Jdk;
import dev.sysgenid.agent.Unsuitable;

/** The generator by which an LDAP server is chosen. */
final class LdapRandom extends HeldRandoms {
    @Override
    public String name() {
        return "ldap";
    }

    @Override
    public String what() {
        return "the choice among LDAP servers found by DNS";
    }

    @Override
    public void prepare(Jdk jdk) throws Unsuitable {
        add(jdk, "com.sun.jndi.ldap.ServiceLocator", "random");
    }
}
