// SPDX-License-Identifier: Apache-2.0
/** Tests of the rules that no compiler checks: who may use whom, and where foreign functions may be called. */
@NullMarked
package dev.sysgenid.it.architecture;

import org.jspecify.annotations.NullMarked;
