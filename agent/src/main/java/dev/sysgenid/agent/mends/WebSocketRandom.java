// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.mends;

import dev.sysgenid.agent.Jdk;
import dev.sysgenid.agent.Unsuitable;

/** The generator of WebSocket handshake keys; masks have one of their own for each connection. */
final class WebSocketRandom extends HeldRandoms {
    @Override
    public String name() {
        return "websocket";
    }

    @Override
    public String what() {
        return "the handshake keys of java.net.http.WebSocket";
    }

    @Override
    public void prepare(Jdk jdk) throws Unsuitable {
        add(jdk, "jdk.internal.net.http.websocket.OpeningHandshake", "random");
    }
}
