// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.mends;

import dev.sysgenid.agent.Jdk;
import dev.sysgenid.agent.Unsuitable;

/** The generator of client nonces in HttpURLConnection. */
final class DigestRandom extends HeldRandoms {
    @Override
    public String name() {
        return "http-digest";
    }

    @Override
    public String what() {
        return "the client nonces of HTTP digest authentication";
    }

    @Override
    public void prepare(Jdk jdk) throws Unsuitable {
        add(jdk, "sun.net.www.protocol.http.DigestAuthentication$Parameters", "random");
    }
}
