// SPDX-License-Identifier: Apache-2.0
/**
 * Programs that the tests start on Java 17 and 25, with the device served: in the generator's own package, so that they
 * can copy its states and put their own parts into it. The tests compile them for Java 17.
 */
@NullMarked
package dev.sysgenid.security;

import org.jspecify.annotations.NullMarked;
