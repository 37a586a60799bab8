// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.app;

import java.io.IOException;
import org.apache.catalina.connector.Connector;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.context.event.EventListener;
import org.springframework.core.env.Environment;
import org.springframework.stereotype.Component;

/** Tells the two ports, once the application is ready. */
@Component
final class Ports {
    private final Connector plain;
    private final Environment environment;

    Ports(Connector plain, Environment environment) {
        this.plain = plain;
        this.environment = environment;
    }

    @EventListener(ApplicationReadyEvent.class)
    void tell() throws IOException {
        Ready.tell(
                environment.getRequiredProperty("app.directory"),
                plain.getLocalPort(),
                environment.getRequiredProperty("local.server.port", Integer.class));
    }
}
