// SPDX-License-Identifier: Apache-2.0
/** The daemon: the device file over the state machine and FUSE. */
module dev.sysgenid.daemon {
    requires static org.jspecify;
    requires jdk.unsupported; // sun.misc.Signal, see HandOverSignal
    requires transitive dev.sysgenid.core;
    requires dev.sysgenid.fuse;

    exports dev.sysgenid.daemon;
}
