// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.core;

import java.util.Iterator;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/** The watchers of a domain in order of opening, linked through {@link Watcher#next}. */
final class Roll implements Iterable<Watcher> {
    private @Nullable Watcher first;
    private @Nullable Watcher last;
    private int size;

    int size() {
        return size;
    }

    /** The one that was opened last; null when there is none. */
    @Nullable
    Watcher last() {
        return last;
    }

    void add(Watcher watcher) {
        watcher.previous = last;
        if (last == null) {
            first = watcher;
        } else {
            last.next = watcher;
        }
        last = watcher;
        size++;
    }

    void remove(Watcher watcher) {
        size--;
        if (watcher.previous == null) {
            first = watcher.next;
        } else {
            watcher.previous.next = watcher.next;
        }
        if (watcher.next == null) {
            last = watcher.previous;
        } else {
            watcher.next.previous = watcher.previous;
        }
        watcher.previous = null;
        watcher.next = null;
    }

    /** While one iterates, watchers may be added, and the one returned last may be removed, but no other. */
    @Override
    public Iterator<Watcher> iterator() {
        return new Iterator<>() {
            private @Nullable Watcher following = first;

            @Override
            public boolean hasNext() {
                return following != null;
            }

            @Override
            public Watcher next() {
                Watcher watcher = following;
                if (watcher == null) {
                    throw new NoSuchElementException();
                }
                following = watcher.next;
                return watcher;
            }
        };
    }
}
