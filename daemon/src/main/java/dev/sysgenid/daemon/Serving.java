// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.fuse.Request;
import dev.sysgenid.fuse.Session;
import dev.sysgenid.linux.SystemCallException;

/**
 * Serves the requests of a session, in turns with all else that the loop waits for: deadlines, what tells of restores, the
 * order to stop. However many call, and whatever they do, a turn ends.
 *
 * <p>Belongs to the loop's thread.
 */
final class Serving implements StoredPages.Filler {
    /**
     * After so many requests in a row that are no forgets there are none: between those that wait the kernel hands out
     * no more than some eight others.
     */
    private static final int NO_MORE_FORGETS = 16;

    private final Loop loop;
    private final Session session;
    private final Batch batch = new Batch();
    private Runnable ended = () -> {};
    private boolean reclaimed;

    /** Of a reclaim: how many requests were taken since the last forget. */
    private int others;

    Serving(Loop loop, Session session) {
        this.loop = loop;
        this.session = session;
    }

    /**
     * Serves from now on, first what was put off before.
     *
     * @param descriptor of the connection
     * @param whenEnded what to do when there will be no requests any more
     */
    void start(int descriptor, Runnable whenEnded) throws SystemCallException {
        ended = whenEnded;
        loop.watch(descriptor, this::turn);
        comeBack();
    }

    private void turn() {
        boolean putOff = session.hasDeferred();
        int most = putOff ? Batch.MOST : batch.size();
        int served = 0;
        reclaimed = false;
        Session.Outcome outcome;
        do {
            outcome = session.serveOne();
            if (outcome == Session.Outcome.SERVED) {
                served++;
            }
            // Who is refused an open makes the daemon take in all requests that wait. If he asks again at once, they
            // are
            // never none; so that is the last thing of a turn.
        } while (outcome == Session.Outcome.SERVED && served < most && !reclaimed);
        if (!putOff) {
            batch.took(served);
        }
        if (outcome == Session.Outcome.ENDED) {
            ended.run();
        } else {
            comeBack();
        }
    }

    /** The descriptor tells nothing of what was put off. */
    private void comeBack() {
        if (session.hasDeferred()) {
            loop.again(this::turn);
        }
    }

    /** Takes in what the kernel has to say of inodes that it forgets, before all else; the rest is put off. */
    void reclaim() {
        reclaimed = true;
        others = 0;
        while (others < NO_MORE_FORGETS && session.serveOnly(this::isForget) == Session.Outcome.SERVED) {}
    }

    private boolean isForget(Request request) {
        boolean forget = request instanceof Request.Forget || request instanceof Request.BatchForget;
        if (forget) {
            others = 0;
        } else if (!(request instanceof Request.Interrupt)) { // they come before forgets
            others++;
        }
        return forget;
    }

    @Override
    public void fillThosePutOff() {
        session.serveDeferred(Device::isOfThePageCache);
    }

    @Override
    public void fillPagesOnly() {
        session.serveOnly(Device::isOfThePageCache);
    }
}
