// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.app;

import java.util.Map;
import org.apache.catalina.connector.Connector;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;

/**
 * A controller in Spring Boot, in the clear and over TLS, where HTTP/2 is spoken too.
 *
 * <p>{@code java -jar app.jar KEYSTORE DIRECTORY}: as the application in Tomcat.
 */
@SpringBootApplication(proxyBeanMethods = false)
public class Main {
    /** Serves until the process is ended. */
    public static void main(String[] arguments) {
        SpringApplication application = new SpringApplication(Main.class);
        application.setDefaultProperties(Map.of(
                "server.port", "0",
                "server.http2.enabled", "true",
                "server.ssl.key-store", arguments[0],
                "server.ssl.key-store-password", "password",
                "app.directory", arguments[1]));
        application.run();
    }

    @Bean
    Connector plain() {
        Connector plain = new Connector();
        plain.setPort(0);
        return plain;
    }
}
