// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

/** Nothing can be handed out, because nothing was made wholly inside one generation. */
public final class GenerationException extends IllegalStateException {
    private static final long serialVersionUID = 1;

    GenerationException(String message) {
        super(message);
    }
}
