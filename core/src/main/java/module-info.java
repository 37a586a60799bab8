// SPDX-License-Identifier: Apache-2.0
/** The state machine of the System Generation ID: pure state, no I/O, no clock, no thread. */
module dev.sysgenid.core {
    requires static transitive org.jspecify;
    requires transitive dev.sysgenid.abi;

    exports dev.sysgenid.core;
}
