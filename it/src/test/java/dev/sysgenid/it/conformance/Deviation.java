// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.conformance;

/** A way in which a device may differ from the driver, because FUSE lies between it and its callers. */
enum Deviation {
    /** A write of 0 bytes. The driver: EINVAL. FUSE: 0, the server never hears of it. */
    EMPTY_WRITE,

    /** A blocked read, and a signal whose handler restarts calls. The driver: goes on blocking. FUSE: EINTR. */
    RESTARTED_READ,

    /** A mapping of more than one page. The driver: EINVAL. FUSE: it maps, and the excess faults. */
    LONG_MAP,

    /** A mapping at an offset other than 0. The driver: EINVAL. FUSE: it maps, and all of it faults. */
    MAP_OFFSET,

    /**
     * A shared mapping for writing. The driver: EPERM. FUSE: whoever opened for writing gets one; what is written there
     * changes no page but that of the same open.
     */
    WRITABLE_SHARED_MAP,

    /** A private mapping for writing. The driver: EPERM. FUSE: it is a copy of the caller's own, as for any file. */
    WRITABLE_PRIVATE_MAP,

    /** mprotect(PROT_WRITE) on a mapping. The driver: EACCES. FUSE: as if it had been mapped so. */
    MPROTECT,

    /** readv with several buffers. The driver: a read for each. FUSE: one read, of the sum. */
    READ_VECTORS,

    /** writev with several buffers. The driver: a write for each. FUSE: one write, of the sum. */
    WRITE_VECTORS,

    /**
     * read(2) and write(2) by two threads on one description. The driver: independent. FUSE: the file is a regular one,
     * whose position is locked meanwhile, so that the second caller waits for the first; pread and pwrite do not.
     */
    POSITION_LOCK,

    /**
     * An unknown ioctl whose number says that the argument points to memory to be read. The driver: EINVAL, the pointer
     * is not looked at. FUSE: the kernel reads it first, and says EFAULT when it is bad.
     */
    IOCTL_WITH_MEMORY,

    /**
     * An ioctl that the kernel itself answers for regular files, such as FIONREAD. The driver: EINVAL, its file is a
     * device. FUSE: the kernel's answer.
     */
    IOCTL_OF_REGULAR_FILES,

    /**
     * A tracked watcher whose last descriptor is closed while a mapping is left. As it should be: gone. FUSE without
     * passthrough, as the driver of v4: it stays until the mapping goes, and nobody can ack for it.
     */
    MAPPING_IS_WATCHER,

    /** The page behind the generation. The driver: zeros. Here: magic, version, state, wide generation, clone identity. */
    PAGE_EXTENSION
}
