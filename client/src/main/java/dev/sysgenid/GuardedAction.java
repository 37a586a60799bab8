// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

/**
 * Something to be done within one generation. It may be run several times: what it has done must be undone, or be
 * harmless, when it is not the last run.
 *
 * @param <T> what it makes
 * @param <E> what it throws; {@code RuntimeException} when nothing in particular
 */
@FunctionalInterface
public interface GuardedAction<T, E extends Exception> {
    /**
     * Does it.
     *
     * @return what it makes
     * @throws E when it cannot
     */
    T run() throws E;
}
