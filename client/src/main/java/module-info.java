// SPDX-License-Identifier: Apache-2.0
/**
 * What applications call: the generation of this system, values that are renewed with it, and watchers of it.
 *
 * <p>Needs Java 17. On Java 22 and newer, with {@code --enable-native-access=dev.sysgenid}, it can also do what takes
 * system calls of its own: change the generation, wait for others, and map the device of the kernel driver.
 */
module dev.sysgenid {
    requires dev.sysgenid.abi;
    requires static org.crac;
    requires static org.jspecify;

    exports dev.sysgenid;
}
