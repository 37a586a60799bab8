// SPDX-License-Identifier: Apache-2.0
/** Tests of the random bytes: published vectors, the rules of a draw, threads under fire, and fresh JVMs. */
@NullMarked
package dev.sysgenid.security;

import org.jspecify.annotations.NullMarked;
