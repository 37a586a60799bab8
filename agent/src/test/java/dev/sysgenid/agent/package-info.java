// SPDX-License-Identifier: Apache-2.0
@NullMarked
package dev.sysgenid.agent;

import org.jspecify.annotations.NullMarked;
