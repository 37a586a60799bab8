// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import java.io.Serial;

/** Tells that a command could not do what was asked: what the user reads, and the exit code. */
final class Failure extends Exception {
    @Serial
    private static final long serialVersionUID = 1;

    private final int exitCode;
    private final String remedy;

    /**
     * A failure.
     *
     * @param exitCode one of {@link dev.sysgenid.daemon.ExitCodes}
     * @param message one line that names the thing
     * @param remedy what to do about it, one line or several; empty when there is nothing to say
     */
    Failure(int exitCode, String message, String remedy) {
        super(message);
        this.exitCode = exitCode;
        this.remedy = remedy;
    }

    /** As the other constructor, with the cause, which is shown with SYSGENID_DEBUG=1 only. */
    Failure(int exitCode, String message, String remedy, Throwable cause) {
        super(message, cause);
        this.exitCode = exitCode;
        this.remedy = remedy;
    }

    int exitCode() {
        return exitCode;
    }

    String remedy() {
        return remedy;
    }
}
