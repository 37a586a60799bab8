// SPDX-License-Identifier: Apache-2.0
/*
 * Calls on open files: read, poll, ack, tracking, WAIT, close and bump, by threads that share watchers, and the bump of a source. The
 * daemon is killed at any step, and so is its successor. Checked: no bump and no ack is lost, invented or done twice; each
 * answer tells the truth and is given once; nobody is left asleep, or held when he was killed; pages do not go back.
 *
 * With BELOW, the second watcher is one of a domain below the machine's.
 *
 * Each BUG_ macro takes one rule out; ./run shows that the properties fail then. README.md names the rules, and the methods
 * that the steps are of.
 */

#ifndef MAXOPS
#define MAXOPS 3        /* calls in all */
#endif
#ifndef MAXBUMP
#define MAXBUMP 2       /* bumps; of these, */
#endif
#ifndef MAXSOURCE
#define MAXSOURCE 1     /* by sources */
#endif
#ifndef MAXTICK
#define MAXTICK 1       /* each lets every WAIT with a deadline run out */
#endif
#ifndef MODULUS
#define MODULUS 8       /* generations wrap at it */
#endif
#ifndef BELOW
#define BELOW 0
#endif

#define NW 2            /* watchers */
#define NT 3            /* threads: the first two share watcher 0 */
#define OF(t) ((t) / 2)
#define DOM(w) (BELOW * (w))
#define GEN(serial) ((serial) % MODULUS)

mtype = { READ, POLL, WAIT, ACK, TRACK, CLOSE, BUMP, OTHER };
mtype = { OK, EINTR, EINVAL, ETIME, ZERO };           /* ZERO: poll found nothing */

#include "kernel.pml"

/* ---- The kernel, and the clients ---- */

bool closed;            /* nobody has the second file open any more */
byte value[NT];         /* the generation that is written; whether tracking is wished for */
bool limited[NT];       /* this WAIT has a timeout */
bool woken[NT];         /* the poller was notified since it asked */
bool asleep[NT];        /* the poller found nothing */
byte page[NW] = 1;       /* what is mapped: a serial, so that the order can be checked */
byte now;

byte ops, bumps, sources;
bool began;             /* the first of the two has called, which are alike otherwise */

/* ---- What was noted: it outlives the daemon ---- */

byte jmachine = 1;       /* the machine's record: bumps so far */
byte jbelow;            /* the record of the domain below: bumps of its own */
byte jacked[NW];        /* a watcher's record: the serial that it acked last, */
bool jtracked[NW] = true;     /* whether it is tracked, */
bool jpolled[NW];       /* and the kernel's handle of its pollers */
bool jgone;             /* the second watcher's record is that of nobody */
byte jtorn;             /* the record that is half written, counted from 1 */
byte jdeadline[NT];     /* of a parked WAIT, by its unique number; 0: none is known */

/* The image in the intent, and where it belongs. */
byte jat, jserial;
bool jtracking, jpoll;

#define MACHINE 1
#define THE_BELOW 2
#define WATCHER(w) (3 + (w))

/* ---- What the daemon holds: lost with it ---- */

byte machine = 1, below;
byte acked[NW];
bool tracked[NW] = true;
bool polled[NW];
bool wake[NW];
bool parked[NT];
byte deadline[NT];
chan deferred = [NT] of { byte };

byte t, w, i, d;        /* the daemon's own scratch: thread, watcher, index, domain */
#ifdef BUG_SERVED_BEFORE_RESEND
bool early;
#endif

/* ---- What really happened: the oracle ---- */

byte gserial[2] = 1;
byte gacked[NW];
bool gtracked[NW] = true;
byte times[NT];         /* how often this request took effect */
bool waiting[NT];       /* this request was parked once */
bool owed[NT];          /* what it waits for has happened */
byte gdeadline[NT];

#ifdef BUG_DOMAINS_APART
/* each domain's generation is in a record of its own */
#define SERIAL(w) ((1 - DOM(w)) * machine + DOM(w) * below)
#else
#define SERIAL(w) (machine + DOM(w) * below)
#endif
#define GSERIAL(w) gserial[DOM(w)]
#ifdef BUG_ACKED_BY_NUMBER
#define OUTDATED(w) (GEN(acked[w]) != GEN(SERIAL(w)))
#else
#define OUTDATED(w) (acked[w] != SERIAL(w))
#endif
#define HELD_UP(w, v) (DOM(w) == DOM(v) && tracked[v] && OUTDATED(v))
#define MUST_WAIT(w) (HELD_UP(w, 0) || HELD_UP(w, 1))
#define GOUTDATED(w) (gacked[w] != GSERIAL(w))
#define GHELD_UP(w, v) (DOM(w) == DOM(v) && gtracked[v] && GOUTDATED(v))
#define GMUST_WAIT(w) (GHELD_UP(w, 0) || GHELD_UP(w, 1))
#define MEANT(w, d) ((d) == 0 || DOM(w) == (d))
#define OWED_READ(t) (op[t] == READ && owed[t])
#define LEFT_WAITING(t) (op[t] == WAIT && waiting[t] && GOUTDATED(OF(t)))
#define LEFT_ASLEEP(t) (asleep[t] && !woken[t] && GOUTDATED(OF(t)))

/* Whoever learns of a bump in one way finds it in every other: in the pages first. */
#define ALL_SHOWN (page[0] == GSERIAL(0) && page[1] == GSERIAL(1))
#define ALL_TOLD (ALL_SHOWN && !OWED_READ(0) && !OWED_READ(1) && !OWED_READ(2) && \
    !LEFT_ASLEEP(0) && !LEFT_ASLEEP(1) && !LEFT_ASLEEP(2))

/* The kernel has one more answer, and the caller runs on. */
inline answer(thread, what) {
    d_step {
        assert(state[thread] == TAKEN);
        assert(op[thread] != BUMP || (what == OK && times[thread] == 1 && ALL_TOLD &&
            !LEFT_WAITING(0) && !LEFT_WAITING(1) && !LEFT_WAITING(2)));
        /* the answer is what happened */
        assert(op[thread] != ACK || what != OK || times[thread] == 1);
        assert(op[thread] != ACK || what != EINVAL || times[thread] == 0);
        assert(op[thread] != CLOSE || (what == OK && jgone && times[thread] == 1));
        assert(op[thread] != TRACK || (what == OK && times[thread] == 1));
        /* who returns from read is outdated, and finds it in its page */
        assert(op[thread] != READ || what != OK || (GOUTDATED(OF(thread)) && ALL_SHOWN));
        assert(op[thread] != READ || what != EINTR || killed[thread]);
        assert(op[thread] != POLL || what != OK || ALL_SHOWN);
        assert(op[thread] != WAIT || what != OK || !GMUST_WAIT(OF(thread)));
        assert(op[thread] != WAIT || what != EINTR || killed[thread] || (GOUTDATED(OF(thread)) && ALL_TOLD));
        assert(op[thread] != WAIT || what != ETIME || (gdeadline[thread] != 0 && gdeadline[thread] <= now));
        asleep[thread] = (op[thread] == POLL && what == ZERO && !killed[thread]);
        forget(thread);
        over(thread)
    }
}

inline forget(thread) {
    value[thread] = 0;
    limited[thread] = false;
    parked[thread] = false;
    waiting[thread] = false;
    owed[thread] = false;
    deadline[thread] = 0;
    jdeadline[thread] = 0;
    gdeadline[thread] = 0;
    times[thread] = 0
}

/* ---- Records.java ---- */

/* The intent is whole: from here on it has happened. */
inline intend(kind, request, at, serial, tracking, poll) {
    jkind = kind;
    jfor = request;
    jat = at;
    jserial = serial;
    jtracking = tracking;
    jpoll = poll
}

/* The record, from the intent: some stores, of which the last one is that of the check. */
inline put() {
    jtorn = jat;
    CRASH;
    d_step {
        if
        :: jat == MACHINE -> jmachine = jserial
        :: jat == THE_BELOW -> jbelow = jserial
        :: jat >= WATCHER(0) ->
            jacked[jat - WATCHER(0)] = jserial;
            jtracked[jat - WATCHER(0)] = jtracking;
            jpolled[jat - WATCHER(0)] = jpoll;
            if :: jat == WATCHER(1) -> jgone = false :: else fi
        fi;
        jtorn = 0
    };
    CRASH
}

/* Nothing that an intent holds matters once it is settled: states are fewer. */
inline settled() {
    d_step { settle(); jat = 0; jserial = 0; jtracking = false; jpoll = false }
}

inline note_watcher(kind, request, watcher) {
    intend(kind, request, WATCHER(watcher), acked[watcher], tracked[watcher], polled[watcher])
}

/* ---- What takes effect: in the oracle ---- */

inline bumps_now(thread) {
    if :: d == 0 -> machine++; gserial[0]++ :: else -> below++ fi;
#ifdef BUG_DOMAINS_APART
    if :: d == 0 -> below++ :: else fi;
#endif
    gserial[1]++;
    if :: thread < NT -> times[thread]++; assert(times[thread] == 1) :: else fi;
    for (i : 0 .. NT - 1) {
        if :: MEANT(OF(i), d) && state[i] == TAKEN && op[i] == READ && waiting[i] -> owed[i] = true :: else fi
    }
    i = 0
}

inline waits_are_owed() {
    for (i : 0 .. NT - 1) {
        if
        :: !GMUST_WAIT(OF(i)) && state[i] == TAKEN && op[i] == WAIT && waiting[i] -> owed[i] = true
        :: else
        fi
    }
    i = 0
}

/* ---- Steps ---- */

/* Sets w to the first of which the condition holds, or to NT. */
inline find(condition) {
    d_step {
        w = 0;
        do :: w < NT && !(condition) -> w++ :: else -> break od
    }
}

inline publish(watcher) {
    d_step {
        assert(page[watcher] <= SERIAL(watcher));
        page[watcher] = SERIAL(watcher)
    }
}

inline notify(watcher) {
    d_step {
        for (i : 0 .. NT - 1) {
            if :: OF(i) == watcher && (asleep[i] || op[i] == POLL) -> woken[i] = true :: else fi
        }
        i = 0
    }
}

#define TIMED_OUT(t) (parked[t] && op[t] == WAIT && deadline[t] != 0 && deadline[t] <= now)
#define MINE (mine[0] || mine[1] || mine[2])
#define WORK (len(deferred) > 0 || len(queue) > 0 || \
    (state[0] == QUEUED) || (state[1] == QUEUED) || (state[2] == QUEUED) || \
    interrupt[0] || interrupt[1] || interrupt[2] || TIMED_OUT(0) || TIMED_OUT(1) || TIMED_OUT(2))

/* Nothing is left to do: is everybody right to sleep, and is it right that nobody else does? */
inline check_sleepers() {
    d_step {
        for (i : 0 .. NT - 1) {
            assert(!(state[i] == TAKEN) || ((op[i] == READ || op[i] == WAIT) && !killed[i]));
            assert(!(state[i] == TAKEN && op[i] == READ) || (!GOUTDATED(OF(i)) && !owed[i]));
            assert(!(state[i] == TAKEN && op[i] == WAIT) ||
                (!GOUTDATED(OF(i)) && GMUST_WAIT(OF(i)) && !owed[i] && (gdeadline[i] == 0 || gdeadline[i] > now)));
            assert(!LEFT_ASLEEP(i))
        }
        i = 0;
        assert(jkind == NONE && ALL_SHOWN && jgone == closed);
        check_records()
    }
}

/* What the daemon knows is what happened. */
inline check_records() {
    assert(jtorn == 0);
    assert(!jgone || closed);
    for (i : 0 .. NW - 1) {
        assert(SERIAL(i) == GSERIAL(i));
        assert(OUTDATED(i) == GOUTDATED(i));
        assert(tracked[i] == gtracked[i])
    }
    i = 0
}

/* TakeOver.rank */
#define ANSWER 2
#define IS_ANSWER(t) (begun == BUMP && begunfor == (t))
#ifndef OF_READ
#define OF_READ 0
#endif
#ifndef OF_WAIT
#define OF_WAIT 1
#endif
#ifndef OF_ANSWER
#define OF_ANSWER ANSWER
#endif
#ifndef OF_POLL
#define OF_POLL 3
#endif
#ifndef OF_ACK
#define OF_ACK 4
#endif
#ifndef OF_BUMP
#define OF_BUMP 5
#endif
#define RANK(t) (op[t] == READ -> OF_READ : (op[t] == WAIT -> OF_WAIT : (IS_ANSWER(t) -> OF_ANSWER : \
    (op[t] == POLL || op[t] == CLOSE -> OF_POLL : (op[t] == BUMP -> OF_BUMP : OF_ACK)))))
#define BEFORE(t, u) (!mine[u] || RANK(t) <= RANK(u))
#define FIRST(t) (mine[t] && BEFORE(t, 0) && BEFORE(t, 1) && BEFORE(t, 2))
#define CHANGES_NOTHING(t) (mine[t] && RANK(t) < ANSWER)
/* An INTERRUPT that was taken with the others; it ranks between the answer and acks. */
#define LATE_SIGNAL(t) (interrupt[t] && parked[t] && !CHANGES_NOTHING(0) && !CHANGES_NOTHING(1) && !CHANGES_NOTHING(2))

active proctype Daemon() {
    /* There was a bump, and one of the two has acked it. */
    d_step {
        acked[0] = 1; jacked[0] = 1; gacked[0] = 1;
#ifdef BUG_DOMAINS_APART
        jbelow = 1; below = 1
#endif
    };
    goto idle;

dead:
    skip; /* its memory is gone */
    atomic {
    d_step {
        do :: len(deferred) > 0 -> deferred?t :: len(deferred) == 0 -> break od;
        machine = 0; below = 0;
        for (i : 0 .. NW - 1) { acked[i] = 0; tracked[i] = false; polled[i] = false; wake[i] = false }
        for (i : 0 .. NT - 1) { parked[i] = false; deadline[i] = 0; mine[i] = false }
        t = 0; w = 0; i = 0; d = 0;
#ifdef BUG_SERVED_BEFORE_RESEND
        early = false;
#endif
        begun = NONE; begunfor = NOBODY
    };

    /* TakeOver.begin, TakeOver.restore */
#ifndef BUG_NO_REDO
    if
    :: jkind != NONE -> put()
    :: else
    fi;
#endif
    d_step {
        begun = jkind; begunfor = jfor;
        machine = jmachine; below = jbelow;
        for (i : 0 .. NW - 1) {
            acked[i] = jacked[i]; tracked[i] = jtracked[i]; polled[i] = jpolled[i];
            wake[i] = jpolled[i]
        }
        if :: jgone -> tracked[1] = false; polled[1] = false; wake[1] = false :: else fi;
        i = 0;
        check_records()
    };

    /* TakeOver.finish */
#ifdef BUG_ANSWER_AFTER_RESEND
    resend()
    };
    atomic {
#endif
    if
    :: begun != NONE && begun != BUMP ->
#ifndef BUG_NO_ANSWER
        if
#ifdef BUG_ANSWER_AFTER_RESEND
        :: begunfor != NOBODY && state[begunfor] == TAKEN && begun != OTHER -> answer(begunfor, OK); CRASH
#else
        :: begunfor != NOBODY && begun != OTHER -> answer(begunfor, OK); CRASH
#endif
        :: else
        fi;
#endif
        settled();
        begun = NONE; begunfor = NOBODY
    :: else
    fi;
#ifdef BUG_SERVED_BEFORE_RESEND
    if
    :: len(queue) > 0 -> queue?t; take(t); early = true; goto serve
    :: true
    fi;
early_done:
    early = false;
#endif
#if !defined(BUG_NO_RESEND) && !defined(BUG_ANSWER_AFTER_RESEND)
    resend()
#else
    skip
#endif
    };
    atomic {
    CRASH;
#ifdef BUG_SETTLE_BEFORE_READERS
    settled();
    CRASH;
#endif
#ifndef BUG_NO_REPUBLISH
#ifndef BUG_PUBLISHED_LAST
    publish(0);
    CRASH;
    publish(1);
    CRASH;
#endif
#endif
#ifndef BUG_NO_WAKE
    if
    :: begun == BUMP ->
        if :: polled[0] -> notify(0); CRASH :: else fi;
        if :: polled[1] -> notify(1); CRASH :: else fi
    :: else
    fi;
#endif
    skip
    };
    atomic {
    take_resent();
    /* It looks one too far. */
    if
    :: len(queue) > 0 -> queue?t; take(t); deferred!t; t = 0
    :: true
    fi
    };

next:
    skip;
    atomic {
    if
    :: FIRST(0) -> t = 0
    :: FIRST(1) -> t = 1
    :: FIRST(2) -> t = 2
    :: LATE_SIGNAL(0) -> interrupt[0] = false; t = 0; goto interrupted
    :: LATE_SIGNAL(1) -> interrupt[1] = false; t = 1; goto interrupted
    :: LATE_SIGNAL(2) -> interrupt[2] = false; t = 2; goto interrupted
    :: !MINE ->
#ifdef BUG_PUBLISHED_LAST
        publish(0);
        publish(1);
#endif
        if
        :: jkind != NONE -> CRASH; settled()
        :: else
        fi;
        begun = NONE; begunfor = NOBODY;
        goto idle
    fi;
    CRASH;
    if
    :: IS_ANSWER(t) ->
        answer(t, OK);
        CRASH;
        settled();
        begun = NONE;
        t = 0;
        goto next
#if OF_ANSWER == ANSWER
    :: !IS_ANSWER(t) && begun == BUMP && RANK(t) >= ANSWER -> settled(); begun = NONE
    :: !IS_ANSWER(t) && !(begun == BUMP && RANK(t) >= ANSWER)
#else
    :: else
#endif
    fi;
    mine[t] = false;
    goto serve
    };

idle:
#ifdef BUG_SERVED_BEFORE_RESEND
    if :: early -> goto early_done :: else fi;
#endif
    if :: MINE || begun != NONE -> goto next :: else fi;
    atomic { if :: !WORK -> check_sleepers() :: else fi };
end_idle:
    atomic {
    if
    :: len(deferred) > 0 -> deferred?t; goto serve
    :: len(deferred) == 0 && len(queue) > 0 -> queue?t; take(t); goto serve
    :: len(deferred) == 0 && interrupt[0] -> interrupt[0] = false; t = 0; goto interrupted
    :: len(deferred) == 0 && interrupt[1] -> interrupt[1] = false; t = 1; goto interrupted
    :: len(deferred) == 0 && interrupt[2] -> interrupt[2] = false; t = 2; goto interrupted
    :: TIMED_OUT(0) -> answer(0, ETIME); goto idle
    :: TIMED_OUT(1) -> answer(1, ETIME); goto idle
    :: TIMED_OUT(2) -> answer(2, ETIME); goto idle
    :: bumps < MAXBUMP && sources < MAXSOURCE -> bumps++; sources++; t = NOBODY; d = 0; goto bump
    :: crashes < MAXCRASH && (state[0] != NONE || state[1] != NONE || state[2] != NONE || asleep[0] || asleep[1]
        || asleep[2]) -> crashes++; goto dead
    fi
    };

interrupted:
    atomic {
    if :: parked[t] -> answer(t, EINTR) :: else fi;
    t = 0;
    goto idle
    };

serve:
    skip;
    atomic {
    CRASH;
    if
    :: op[t] == READ ->
        if
        :: OUTDATED(OF(t)) -> answer(t, OK)
        :: else -> d_step { parked[t] = true; waiting[t] = true }
        fi

    :: op[t] == POLL ->
        if
        :: !polled[OF(t)] ->
#ifndef BUG_POLL_NOT_NOTED
            d_step { polled[OF(t)] = true; note_watcher(OTHER, NOBODY, OF(t)) };
            put();
            settled()
#else
            polled[OF(t)] = true
#endif
        :: else
        fi;
        wake[OF(t)] = true;
        CRASH;
        if :: OUTDATED(OF(t)) -> answer(t, OK) :: else -> answer(t, ZERO) fi

    :: op[t] == WAIT ->
        if
        :: OUTDATED(OF(t)) -> answer(t, EINTR)
        :: !OUTDATED(OF(t)) && !MUST_WAIT(OF(t)) -> answer(t, OK)
        :: !OUTDATED(OF(t)) && MUST_WAIT(OF(t)) ->
            d_step {
                if
#ifndef BUG_TIMER_RESTARTS
                :: limited[t] && jdeadline[t] != 0 -> deadline[t] = jdeadline[t]
                :: limited[t] && jdeadline[t] == 0 -> deadline[t] = now + 1; jdeadline[t] = now + 1
#else
                :: limited[t] -> deadline[t] = now + 1
#endif
                :: !limited[t]
                fi;
                if :: gdeadline[t] == 0 -> gdeadline[t] = deadline[t] :: else fi;
                parked[t] = true;
                waiting[t] = true
            }
        fi

    :: op[t] == ACK ->
        if
        :: value[t] != GEN(SERIAL(OF(t))) -> answer(t, EINVAL)
        :: else ->
            if
            :: !OUTDATED(OF(t)) -> d_step { times[t] = 1 } /* nothing to do is done */
            :: else ->
#ifdef BUG_ACK_ANSWERED_FIRST
                d_step {
                    w = OF(t);
                    acked[w] = SERIAL(w); gacked[w] = GSERIAL(w); times[t]++;
                    waits_are_owed()
                };
                answer(t, OK);
                CRASH;
                d_step { note_watcher(OTHER, NOBODY, w); w = 0 };
                put();
                settled();
                goto ended;
#endif
                d_step {
                    acked[OF(t)] = SERIAL(OF(t)); gacked[OF(t)] = GSERIAL(OF(t));
                    times[t]++;
                    assert(times[t] == 1);
                    waits_are_owed();
#ifndef BUG_ACK_NOT_NOTED
                    note_watcher(ACK, t, OF(t))
#endif
                };
#ifndef BUG_ACK_NOT_NOTED
                put()
#endif
            fi;
            goto acked_or_tracked
        fi

    :: op[t] == CLOSE ->
        if
        :: jgone -> skip /* Device.close was there already: a file that nobody knows */
        :: else ->
            d_step {
                jgone = true; /* one store */
                tracked[1] = false; gtracked[1] = false; polled[1] = false; wake[1] = false;
                times[t]++;
                assert(times[t] == 1);
                waits_are_owed()
            };
            CRASH
        fi;
        goto acked_or_tracked

    :: op[t] == TRACK ->
        if
        :: tracked[OF(t)] == value[t] -> d_step { times[t] = 1 }
        :: else ->
            d_step {
                tracked[OF(t)] = value[t]; gtracked[OF(t)] = value[t];
                times[t]++;
                assert(times[t] == 1);
                waits_are_owed();
                note_watcher(TRACK, t, OF(t))
            };
            put()
        fi;
        goto acked_or_tracked

    :: op[t] == BUMP -> d = DOM(OF(t)); goto bump
    fi;
    goto ended;

acked_or_tracked:
    /* Domain.endWaitsUnlessOutdated */
    do
    :: find(parked[w] && op[w] == WAIT && DOM(OF(w)) == DOM(OF(t)) && !MUST_WAIT(OF(w)));
        if :: w < NT -> answer(w, OK); CRASH :: w == NT -> w = 0; break fi
    od;
#ifdef BUG_SETTLE_BEFORE_ANSWER
    settled();
    CRASH;
#endif
    answer(t, OK);
    if :: jkind != NONE -> CRASH; settled() :: else fi;
    goto ended;

bump:
    skip;
    /* Device.bumped: the record, then all pages */
#ifdef BUG_INTENT_AFTER_EFFECT
    d_step { bumps_now(t) };
    publish(0);
    CRASH;
#endif
    d_step {
#ifndef BUG_INTENT_AFTER_EFFECT
        bumps_now(t);
#endif
#ifdef BUG_INTENT_WITHOUT_REQUEST
        if :: d == 0 -> intend(BUMP, NOBODY, MACHINE, machine, false, false)
        :: else -> intend(BUMP, NOBODY, THE_BELOW, below, false, false) fi
#else
#ifdef BUG_TORN_INTENT
        if :: d == 0 -> intend(BUMP, NOBODY, MACHINE, machine, false, false)
        :: else -> intend(BUMP, NOBODY, THE_BELOW, below, false, false) fi
#else
        if :: d == 0 -> intend(BUMP, t, MACHINE, machine, false, false)
        :: else -> intend(BUMP, t, THE_BELOW, below, false, false) fi
#endif
#endif
    };
    put();
#ifdef BUG_DOMAINS_APART
    if :: d == 0 -> intend(BUMP, t, THE_BELOW, below, false, false); put() :: else fi;
#endif
#ifdef BUG_TORN_INTENT
    jfor = t;
#endif
    if :: MEANT(0, d) -> publish(0); CRASH :: else fi;
    if :: MEANT(1, d) -> publish(1); CRASH :: else fi;
    skip
    };
    atomic {
    /* While pages are stored in the fallback, requests may be read and put off. */
    if
    :: len(queue) > 0 -> queue?w; take(w); deferred!w; w = 0
    :: true
    fi;
    /* Domain.endReads, wakeAll, endOutdatedWaits */
    do
    :: find(parked[w] && op[w] == READ && MEANT(OF(w), d) && OUTDATED(OF(w)));
        if :: w < NT -> answer(w, OK); CRASH :: w == NT -> w = 0; break fi
    od;
    do
    :: find(w < NW && wake[w] && MEANT(w, d));
        if :: w < NT -> notify(w); wake[w] = false; CRASH :: w == NT -> w = 0; break fi
    od;
    do
    :: find(parked[w] && op[w] == WAIT && MEANT(OF(w), d) && OUTDATED(OF(w)));
        if :: w < NT -> answer(w, EINTR); CRASH :: w == NT -> w = 0; break fi
    od;
#ifdef BUG_SETTLE_BEFORE_ANSWER
    settled();
    CRASH;
#endif
    if :: t < NT -> answer(t, OK); CRASH :: else fi;
    settled();

ended:
    skip;
    d_step { t = 0; w = 0; d = 0 };
    goto idle
    }
}

/* The threads of the clients: any calls, in any order. */
active proctype Clients() {
    byte me;
end_clients:
    do
    :: ops < MAXOPS -> atomic {
        if :: me = 0 :: me = 1 :: me = 2 fi;
        if
        :: state[me] == NONE && !asleep[me] && !killed[me] && (me != 1 || began) && (me != 2 || !closed) ->
            ops++;
            if :: me == 0 -> began = true :: else fi;
            if
            :: op[me] = READ
            :: op[me] = ACK; value[me] = GEN(page[OF(me)])
            :: op[me] = TRACK; value[me] = 1 - gtracked[OF(me)]
            :: bumps < MAXBUMP -> bumps++; op[me] = BUMP
            :: op[me] = WAIT; if :: limited[me] = false :: MAXTICK > 0 -> limited[me] = true fi
            :: op[me] = POLL; woken[me] = false
            :: me == 2 -> op[me] = CLOSE; closed = true
            fi;
            call(me)
        :: else
        fi;
        me = 0
       }
    /* The kernel closes what a killed process had open. */
    :: atomic { killed[2] && !closed && state[2] == NONE -> op[2] = CLOSE; closed = true; call(2) }
    :: asleep[0] && woken[0] -> atomic { asleep[0] = false; woken[0] = false; op[0] = POLL; call(0) }
    :: asleep[1] && woken[1] -> atomic { asleep[1] = false; woken[1] = false; op[1] = POLL; call(1) }
    :: asleep[2] && woken[2] -> atomic { asleep[2] = false; woken[2] = false; op[2] = POLL; call(2) }
    od
}

active proctype Signals() {
    byte me;
end_signals:
    do
    :: kills < MAXKILL -> atomic {
        if :: me = 0 :: me = 1 :: me = 2 fi;
        if
        :: state[me] == QUEUED && !killed[me] && op[me] != CLOSE ->
            /* not with the daemon: it is taken out of the queue, and nothing is left of it but its effect */
            kills++; killed[me] = true;
            if :: !resent[me] -> queue??eval(me) :: else fi;
            forget(me);
            over(me)
        :: state[me] == TAKEN && !killed[me] && op[me] != CLOSE -> kills++; killed[me] = true; interrupt[me] = true
        :: else
        fi;
        me = 0
       }
    :: kills >= MAXKILL -> break
    od
}

active proctype Clock() {
end_clock:
    do
    :: now < MAXTICK && (jdeadline[0] != 0 || jdeadline[1] != 0 || jdeadline[2] != 0 || deadline[0] != 0 ||
        deadline[1] != 0 || deadline[2] != 0) -> now++
    :: now >= MAXTICK -> break
    od
}
