// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.app;

import org.apache.catalina.connector.Connector;
import org.springframework.boot.web.embedded.tomcat.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.stereotype.Component;

/** Gives the server a second connector, without TLS. */
@Component
final class Connectors implements WebServerFactoryCustomizer<TomcatServletWebServerFactory> {
    private final Connector plain;

    Connectors(Connector plain) {
        this.plain = plain;
    }

    @Override
    public void customize(TomcatServletWebServerFactory factory) {
        factory.addAdditionalTomcatConnectors(plain);
    }
}
