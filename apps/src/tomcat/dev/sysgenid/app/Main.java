// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.app;

import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.catalina.Context;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.startup.Tomcat;
import org.apache.tomcat.util.net.SSLHostConfig;
import org.apache.tomcat.util.net.SSLHostConfigCertificate;

/**
 * A servlet in Tomcat, in the clear and over TLS.
 *
 * <p>{@code java -jar app.jar KEYSTORE DIRECTORY}: the password of the store is "password"; the file {@code ready} is made in
 * the directory when the application is, and holds the two ports, a blank between them.
 */
public final class Main {
    private Main() {}

    /** Serves until the process is ended. */
    public static void main(String[] arguments) throws Exception {
        Path base = Files.createTempDirectory("app-");
        Tomcat tomcat = new Tomcat();
        tomcat.setBaseDir(base.toString());
        Connector plain = new Connector();
        plain.setPort(0);
        tomcat.setConnector(plain);
        Connector secure = secure(arguments[0]);
        tomcat.getService().addConnector(secure);
        Context context = tomcat.addContext("", base.toString());
        Tomcat.addServlet(context, "draw", new DrawServlet()).addMapping("/draw");
        tomcat.start();
        Ready.tell(arguments[1], plain.getLocalPort(), secure.getLocalPort());
        tomcat.getServer().await();
    }

    private static Connector secure(String keyStore) {
        Connector connector = new Connector();
        connector.setPort(0);
        connector.setScheme("https");
        connector.setSecure(true);
        connector.setProperty("SSLEnabled", "true");
        SSLHostConfig host = new SSLHostConfig();
        SSLHostConfigCertificate certificate =
                new SSLHostConfigCertificate(host, SSLHostConfigCertificate.Type.UNDEFINED);
        certificate.setCertificateKeystoreFile(keyStore);
        certificate.setCertificateKeystorePassword("password");
        host.addCertificate(certificate);
        connector.addSslHostConfig(host);
        return connector;
    }
}
