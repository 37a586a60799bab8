// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.mends;

import dev.sysgenid.agent.Jdk;
import dev.sysgenid.agent.Unsuitable;

/** The generator of DNS query ids. */
final class DnsRandom extends HeldRandoms {
    @Override
    public String name() {
        return "dns";
    }

    @Override
    public String what() {
        return "the query ids of the DNS client (com.sun.jndi.dns)";
    }

    @Override
    public void prepare(Jdk jdk) throws Unsuitable {
        add(jdk, "com.sun.jndi.dns.DnsClient", "random");
    }
}
