// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.linux.Mman;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;

/** State files for tests: memory that several can open one after the other. */
final class States {
    private States() {}

    static int memory() throws SystemCallException {
        return SystemCallException.check(Mman.memfd_create("state", Mman.MFD_CLOEXEC), "memfd_create", "a state");
    }

    static StateFile begin(StateFile.DomainRecord domain) throws SystemCallException {
        return StateFile.create(memory(), true, 0, domain);
    }

    /** Another descriptor of the same file: what a successor opens. */
    static int again(int file) throws SystemCallException {
        return SystemCallException.check(Unistd.fcntl(file, Unistd.F_DUPFD_CLOEXEC, 0), "fcntl", "a state");
    }
}
