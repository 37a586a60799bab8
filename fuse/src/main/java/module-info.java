// SPDX-License-Identifier: Apache-2.0
/** The FUSE wire protocol and its session; knows nothing of generations. */
module dev.sysgenid.fuse {
    requires static org.jspecify;
    requires transitive dev.sysgenid.linux;

    exports dev.sysgenid.fuse;
}
