// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import java.nio.file.FileSystemException;
import java.nio.file.Path;

/** What is at the path is not a device of generations, and will not become one. */
final class UnusableDeviceException extends FileSystemException {
    private static final long serialVersionUID = 1;

    UnusableDeviceException(Path path, String reason) {
        super(path.toString(), null, reason);
    }
}
