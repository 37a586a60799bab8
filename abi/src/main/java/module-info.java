// SPDX-License-Identifier: Apache-2.0
/** The numbers of the System Generation ID interface, shared by everything here: ioctls, the page, the generation. */
module dev.sysgenid.abi {
    requires static org.jspecify;

    exports dev.sysgenid.abi;
}
