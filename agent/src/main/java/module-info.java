// SPDX-License-Identifier: Apache-2.0
/**
 * Makes a program that nobody changes safe to clone: what its JVM would repeat after a restore is renewed from outside.
 *
 * <p>This declaration is for the build. In a running program the classes are in one module of a layer of their own; see
 * {@link dev.sysgenid.agent.boot.Boot}.
 */
module dev.sysgenid.agent {
    requires dev.sysgenid;
    requires dev.sysgenid.security;
    requires java.instrument;
    requires static java.management;
    requires static jdk.jfr;
    requires static org.jspecify;
}
