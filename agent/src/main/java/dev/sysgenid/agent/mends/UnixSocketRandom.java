// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.mends;

import dev.sysgenid.agent.Jdk;
import dev.sysgenid.agent.Unsuitable;

/** The generator of automatic names of Unix domain sockets. */
final class UnixSocketRandom extends HeldRandoms {
    @Override
    public String name() {
        return "unix-sockets";
    }

    @Override
    public String what() {
        return "names of sockets that are bound to no name";
    }

    @Override
    public void prepare(Jdk jdk) throws Unsuitable {
        add(jdk, "sun.nio.ch.UnixDomainSockets", "random");
    }
}
