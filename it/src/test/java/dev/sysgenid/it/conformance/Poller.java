// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.conformance;

import java.util.List;

/** An epoll instance. */
interface Poller {
    /** EPOLL_CTL_ADD. {@code events} as in epoll, EPOLLET included. */
    void add(OpenFile file, int events);

    /** EPOLL_CTL_DEL. */
    void remove(OpenFile file);

    /** epoll_wait without waiting: the events of each file that is ready, in no particular order. */
    List<Integer> ready();

    /** epoll_wait without a limit, begun beside the test. Its result is how many files are ready. */
    Pending startWait();
}
