// SPDX-License-Identifier: Apache-2.0
/** A web application that answers each request with what it draws; it knows nothing of SysGenID. */
@NullMarked
package dev.sysgenid.app;

import org.jspecify.annotations.NullMarked;
