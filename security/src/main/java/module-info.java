// SPDX-License-Identifier: Apache-2.0
/** Random bytes that cannot repeat in a clone of this system: a security provider, UUIDs, and a random generator. */
module dev.sysgenid.security {
    requires dev.sysgenid;
    requires static org.jspecify;

    exports dev.sysgenid.security;

    provides java.security.Provider with
            dev.sysgenid.security.SysGenIdProvider;
}
