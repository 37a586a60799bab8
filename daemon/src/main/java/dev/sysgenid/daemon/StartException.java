// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import java.util.Objects;

/**
 * Tells that the daemon cannot start, and what to do about it. The message is one line that names the thing that is in
 * the way, for example {@code "/dev/fuse: ENOENT (No such file or directory)"}.
 */
public final class StartException extends Exception {
    private static final long serialVersionUID = 1L;

    private final int exitCode;
    private final String remedy;

    /**
     * An exception without a cause.
     *
     * @param exitCode one of {@link ExitCodes}
     * @param message one line that names the thing
     * @param remedy what the user can do: one or more lines, ready to be read
     */
    public StartException(int exitCode, String message, String remedy) {
        super(Objects.requireNonNull(message));
        this.exitCode = exitCode;
        this.remedy = Objects.requireNonNull(remedy);
    }

    /** As the other constructor, with the failure that led to it; its stack trace is shown with SYSGENID_DEBUG=1 only. */
    public StartException(int exitCode, String message, String remedy, Throwable cause) {
        super(Objects.requireNonNull(message), cause);
        this.exitCode = exitCode;
        this.remedy = Objects.requireNonNull(remedy);
    }

    /** The exit code of the process: one of {@link ExitCodes}. */
    public int exitCode() {
        return exitCode;
    }

    /** What the user can do about it. */
    public String remedy() {
        return remedy;
    }
}
