// SPDX-License-Identifier: Apache-2.0
/** Classes that break the rules of the architecture, on purpose: each rule must find its own. */
@NullMarked
package dev.sysgenid.it.architecture.offences;

import org.jspecify.annotations.NullMarked;
