// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import java.lang.System.Logger.Level;
import org.jspecify.annotations.Nullable;

/** What to do where nothing would tell of a restore from a snapshot, or too late. */
enum Unguarded {
    /** Every draw depends on at least 32 bytes read from the kernel during the call. The default. */
    MIX,

    /** Every draw is the kernel's. */
    STRICT,

    /** As if restores were told; a warning says once that they are not. */
    TRUST;

    /** The system property that chooses: {@code mix}, {@code strict} or {@code trust}. */
    static final String PROPERTY = "sysgenid.random.unguarded";

    /** The choice of the user; a word that is none of the three counts as {@code strict}, and is reported. */
    static Unguarded chosen() {
        String word = property();
        if (word == null || word.isEmpty()) {
            return MIX;
        }
        return switch (word) {
            case "mix" -> MIX;
            case "strict" -> STRICT;
            case "trust" -> TRUST;
            default -> {
                System.getLogger("dev.sysgenid.security")
                        .log(Level.WARNING, PROPERTY + "=" + word + " is none of mix, strict, trust; strict it is");
                yield STRICT;
            }
        };
    }

    private static @Nullable String property() {
        return System.getProperty(PROPERTY);
    }
}
