// SPDX-License-Identifier: Apache-2.0
/** Linux system calls, in C's words: of the daemon and the command, the only module with native access. */
module dev.sysgenid.linux {
    requires static transitive org.jspecify;

    exports dev.sysgenid.linux;
}
