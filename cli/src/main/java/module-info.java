// SPDX-License-Identifier: Apache-2.0
/** The sysgenid command. */
module dev.sysgenid.cli {
    requires static jdk.attach;
    requires static org.jspecify;
    requires dev.sysgenid.abi;
    requires dev.sysgenid.core;
    requires dev.sysgenid.daemon;
    requires dev.sysgenid.linux;
    requires info.picocli;
}
